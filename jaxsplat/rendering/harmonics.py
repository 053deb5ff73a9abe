"""View-dependent colour by real spherical harmonics, in 3DGS's order and signs."""

import jax.numpy as jnp
from jax import Array
from jaxtyping import Float

from jaxsplat.core import safe
from jaxsplat.scene import gaussians as scene
from jaxsplat.scene.gaussians import Gaussians

# Normalisation constants of the real spherical harmonics (Sloan 2008, appendix A2).
_C1 = 0.4886025119029199
_C2 = (1.0925484305920792, 0.31539156525252005, 0.5462742152960396)
_C3 = (
    0.5900435899266435,
    2.890611442640554,
    0.4570457994644658,
    0.3731763325901154,
    1.445305721320277,
)


def _basis(direction: Float[Array, "n 3"], degree: int) -> Float[Array, "n s"]:
    """Returns the basis functions of degree 1 to `degree` at unit directions."""
    x, y, z = direction.T
    terms = [-_C1 * y, _C1 * z, -_C1 * x]
    if degree >= 2:
        terms += [
            _C2[0] * x * y,
            -_C2[0] * y * z,
            _C2[1] * (2 * z * z - x * x - y * y),
            -_C2[0] * x * z,
            _C2[2] * (x * x - y * y),
        ]
    if degree >= 3:
        terms += [
            -_C3[0] * y * (3 * x * x - y * y),
            _C3[1] * x * y * z,
            -_C3[2] * y * (4 * z * z - x * x - y * y),
            _C3[3] * z * (2 * z * z - 3 * x * x - 3 * y * y),
            -_C3[2] * x * (4 * z * z - x * x - y * y),
            _C3[4] * z * (x * x - y * y),
            -_C3[0] * x * (x * x - 3 * y * y),
        ]
    return jnp.stack(terms, axis=1)


def view_colors(gaussians: Gaussians, eye: Float[Array, "3"]) -> Float[Array, "n 3"]:
    """Returns each Gaussian's RGB seen from `eye`, clamped at 0 below as Kerbl does.

    At degree 0 the colour is returned as it is, so that any three numbers can be drawn;
    scenes that were fitted or read have none below 0 there.
    """
    if gaussians.sh_rest is None:
        return gaussians.colors
    direction = safe.normalize(gaussians.means - eye)
    basis = _basis(direction, scene.sh_degree(gaussians))
    added = jnp.sum(basis[:, :, None] * gaussians.sh_rest, axis=1)
    return jnp.maximum(gaussians.colors + added, 0.0)
