"""The good twin: a fitted object with all that it takes to look at it."""

import dataclasses

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array
from jaxtyping import Float

from jaxsplat.core import precision
from jaxsplat.core.cameras import Camera
from jaxsplat.rendering import api, sampling
from jaxsplat.rendering.api import Rendered
from jaxsplat.rendering.backends import Backend, resolve_backend
from jaxsplat.scene import gaussians as scene
from jaxsplat.scene.gaussians import Gaussians

# Poses of photographs lie between and beyond those of the training views, so lists
# planned for these get some room; sizes are few, so that objects share programs.
_CAPACITY_SLACK = 1.25
_IN_OCTAVE = 2


@jax.tree_util.register_dataclass
@dataclasses.dataclass(frozen=True)
class Twin:
    """A fitted object, ready to be looked at by cameras of one kind.

    Attributes:
        gaussians: the scene.
        camera: intrinsics and image size of the photographs; its pose is not looked at.
        center: what the training views look at and rotations turn about, [3].
        background: RGB behind the object, [3].
        sampling_rate: `sampling.sampling_rate` at the centre of the photographs that
            the scene was fitted to: pixels for each scene unit.
        capacity: of the renderer's lists at the camera's size (static). Smaller sizes
            do not exceed it.
        backend: of the renderer (static).
    """

    gaussians: Gaussians
    camera: Camera
    center: Float[Array, "3"]
    background: Float[Array, "3"]
    sampling_rate: Float[Array, ""]
    capacity: int = dataclasses.field(metadata=dict(static=True))
    backend: Backend = dataclasses.field(metadata=dict(static=True))


def make_twin(
    gaussians: Gaussians,
    views: Camera,
    *,
    center: Float[np.ndarray, "3"],
    background: tuple[float, float, float],
    camera: Camera | None = None,
    backend: Backend | None = None,
) -> Twin:
    """Returns the twin of an object that was fitted to posed views.

    Args:
        gaussians: the fitted scene.
        views: the views' cameras, stacked along one leading axis.
        center: what they look at, [3].
        background: RGB behind the object.
        camera: intrinsics and image size of the photographs; the views' when None.
        backend: of the renderer; the best that runs here when None.
    """
    views = precision.single(views)
    middle = jnp.asarray(center, jnp.float32)
    first = jax.tree.map(lambda leaf: leaf[0], views)
    return Twin(
        scene.in_few_sizes(precision.single(gaussians)),
        precision.single(first if camera is None else camera),
        middle,
        jnp.asarray(background, jnp.float32),
        sampling.usual_sampling_rate(views, middle),
        api.plan(gaussians, views, _CAPACITY_SLACK, in_octave=_IN_OCTAVE),
        resolve_backend(backend),
    )


def look(
    twin: Twin, camera: Camera, background: Float[Array, "3"] | None = None
) -> Rendered:
    """Returns the object seen by one camera, as sharp as a photograph shows it.

    Args:
        twin: the object.
        camera: with its pose, of any image size up to the twin's.
        background: RGB behind the object, black when None: the colour is then that of
            the object alone, times its coverage, [3].
    """
    return api.render(
        twin.gaussians,
        camera,
        background=background,
        backend=twin.backend,
        capacity=twin.capacity,
        minification=sampling.minification(camera, twin.center, twin.sampling_rate),
    )
