"""What photographs should show if the object is good."""

from typing import NamedTuple

import jax
import jax.numpy as jnp
from jax import Array
from jaxtyping import Float, Int

from jaxsplat.core import cameras
from jaxsplat.pose.estimate import PoseEstimate
from jaxsplat.pose.exposure import Exposure
from jaxsplat.pose.photographs import Photographs
from jaxsplat.rendering import twin as twins
from jaxsplat.rendering.twin import Twin


class Expected(NamedTuple):
    """What photographs should show.

    Attributes:
        images: the twin at the found poses, in each photograph's exposure and before
            its surroundings, RGB in [0, 1], [b, h, w, 3].
        coverage: by the twin, [b, h, w].
        needed: (tile, splat) pairs that each render took, [b]. More than the twin's
            capacity means that the farthest splats were left out.
    """

    images: Float[Array, "b h w 3"]
    coverage: Float[Array, "b h w"]
    needed: Int[Array, " b"]


@jax.jit
def expected_photographs(
    twin: Twin, photographs: Photographs, estimate: PoseEstimate
) -> Expected:
    """Returns what photographs should show.

    Args:
        twin: the object; its camera is that of the photographs.
        photographs: of which unknown surroundings are taken as they are.
        estimate: poses, exposures and backgrounds of the photographs.
    """

    def one(found: tuple[Photographs, Array, Exposure]) -> Expected:
        photograph, matrix, exposure = found
        drawn = twins.look(twin, cameras.with_pose(twin.camera, matrix))
        image = jnp.moveaxis(photograph.images, -1, 0)
        known = exposure.background[:, None, None]
        behind = jnp.where(photograph.plain, known, image)
        color = jnp.moveaxis(drawn.color, -1, 0)
        shown = exposure.apply(color, drawn.alpha, behind)
        return Expected(jnp.moveaxis(shown, 0, -1), drawn.alpha, drawn.needed)

    poses, exposures = estimate.camera_from_world, estimate.exposure
    return jax.lax.map(one, (photographs, poses, exposures))


def as_good_views(
    twin: Twin, photographs: Photographs, expected: Expected, estimate: PoseEstimate
) -> tuple[Float[Array, "b h w 3"], Float[Array, "b h w 3"]]:
    """Returns photographs and what they should show, as good views would show them.

    Both are taken back to the exposure of the good views, since a darker photograph's
    differences are as much smaller, and put before the twin's background.

    Args:
        twin: the object.
        photographs: that were looked at.
        expected: what they should show.
        estimate: with the exposures.
    """

    def one(
        photograph: Photographs, shown: Expected, exposure: Exposure
    ) -> tuple[Array, Array]:
        image = exposure.undo(photograph.images)
        known = exposure.undo(exposure.background)
        behind = jnp.where(photograph.plain, known, image) - twin.background
        change = (1 - shown.coverage)[..., None] * behind
        return image - change, exposure.undo(shown.images) - change

    return jax.vmap(one)(photographs, expected, estimate.exposure)


def agreement(
    seen: Float[Array, "b h w 3"],
    known: Float[Array, "b h w 3"],
    coverage: Float[Array, "b h w"],
    background: Float[Array, "3"],
) -> Float[Array, " b"]:
    """Returns how far photographs show the object that they should show, 1 at most."""
    del background

    def one(seen: Array, known: Array, coverage: Array) -> Array:
        weight = jnp.where(coverage > 0.5, coverage, 0.0)[..., None]
        mass = jnp.maximum(jnp.sum(weight), 1.0)
        seen = seen - jnp.sum(weight * seen, axis=(0, 1)) / mass
        known = known - jnp.sum(weight * known, axis=(0, 1)) / mass
        both = jnp.sum(weight * seen * known)
        each = jnp.sum(weight * seen * seen) * jnp.sum(weight * known * known)
        return both / jnp.sqrt(jnp.maximum(each, 1e-12))

    return jax.vmap(one)(seen, known, coverage)
