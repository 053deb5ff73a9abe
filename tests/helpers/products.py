"""What rendering and features compute, by name, for one setting of JAX or another.

`python -m tests.helpers.products FILE` writes it as an `.npz` file.
"""

import sys
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from jaxsplat import features, rendering
from jaxsplat.core import cameras
from jaxsplat.rendering import Photograph
from jaxsplat.rendering.backends import Backend
from jaxsplat.scores import resize
from tests.helpers import clouds
from tests.helpers.clouds import camera, cloud

CAPACITY = 256
BACKENDS: tuple[Backend, ...] = ("xla", "reference", "pallas_interpret")


def as_made_by_users(tree: Any) -> Any:
    """Returns arrays with JAX's default types: float64 with `jax_enable_x64`."""
    default = jnp.zeros(()).dtype
    return jax.tree.map(
        lambda x: x.astype(default) if x.dtype == jnp.float32 else x, tree
    )


def compute() -> dict[str, np.ndarray]:
    """Returns every product's arrays."""
    scene, view = cloud(12, degree=1), camera(19, 11)
    users_scene, users_view = as_made_by_users((scene, view))
    grey = jnp.full((view.height, view.width, 3), 0.5)
    seen = Photograph(grey, grey[..., 0], jnp.ones(3), jnp.zeros(3), jnp.array(0.3))
    found: dict[str, Any] = {
        "plan": np.int32(rendering.plan(users_scene, users_view, minification=2.0)),
        "planned": rendering.render(
            users_scene, users_view, background=jnp.ones(3), minification=jnp.array(2.0)
        ),
        "vmap": jax.vmap(lambda one: rendering.render(scene, one, capacity=CAPACITY))(
            cameras.stack([view, view])
        ),
        "lists": rendering.tile_lists(users_scene, users_view, capacity=CAPACITY),
        "sampling": rendering.minification(view, scene.means[0], np.float64(20)),
        "features": features.extract(
            features.load_network(), jnp.asarray(_noise(1, 64, 64, 3))
        ),
        "resize": resize.resize_bytes(
            jnp.asarray((255 * _noise(1, 20, 30, 3)).astype(int)), 9, 41
        ),
    }
    for backend in BACKENDS:
        found[f"{backend}_gradient"] = clouds.evaluate(scene, view, backend, CAPACITY)
        found[f"{backend}_equations"] = rendering.normal_equations(
            users_scene, users_view, seen, backend=backend, capacity=CAPACITY
        )
    named = {}
    for name, tree in found.items():
        for path, leaf in jax.tree.leaves_with_path(tree):
            named[name + jax.tree_util.keystr(path)] = np.asarray(leaf)
    return named


def _noise(*shape: int) -> np.ndarray:
    return np.random.default_rng(0).uniform(size=shape)


if __name__ == "__main__":
    np.savez(sys.argv[1], **compute())
