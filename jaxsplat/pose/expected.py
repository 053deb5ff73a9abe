"""What photographs should show if the object is good."""

from typing import NamedTuple

import jax
import jax.numpy as jnp
from jax import Array, lax
from jaxtyping import Bool, Float, Int

from jaxsplat.core import cameras, precision, resampling
from jaxsplat.pose import alignment
from jaxsplat.pose.estimate import PoseEstimate
from jaxsplat.pose.photographs import Photographs
from jaxsplat.rendering import exposure as exposures
from jaxsplat.rendering import twin as twins
from jaxsplat.rendering.exposure import Exposure
from jaxsplat.rendering.twin import Twin

# Longer side in pixels at which photographs and what they should show are correlated.
_AGREEMENT_SIDE = 100
# Share of the object that may be unlike all the same. Where a group of parts is missing
# that takes up to half of what is seen (48 photographs of two objects, right poses),
# the correlation of all of it falls to that of other objects.
_UNLIKE = 1 / 3
_NOTHING = 1e-12
# A pixel that differs from a plain background by so much shows something else.
DIFFERS = 15 / 255
# A pixel and its neighbours: window, strides, padding.
_NEAR = (3, 3), (1, 1), "SAME"


class Expected(NamedTuple):
    """What photographs should show.

    Attributes:
        images: the twin at the found poses, in each photograph's exposure and before
            its surroundings, RGB in [0, 1], [b, h, w, 3].
        colors: the twin as good views show it, RGB times coverage, [b, h, w, 3].
        coverage: by the twin, [b, h, w].
        exposure: of the photographs, as `images` have it.
        needed: (tile, splat) pairs that each render took, [b]. More than the twin's
            capacity means that the farthest splats were left out.
    """

    images: Float[Array, "b h w 3"]
    colors: Float[Array, "b h w 3"]
    coverage: Float[Array, "b h w"]
    exposure: Exposure
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
    twin, photographs, estimate = precision.single((twin, photographs, estimate))

    def one(matrix: Array) -> tuple[Array, Array, Array]:
        drawn = twins.look(twin, cameras.with_pose(twin.camera, matrix))
        return drawn.color, drawn.alpha, drawn.needed

    colors, coverage, needed = lax.map(one, estimate.camera_from_world)
    exposure = estimate.exposure
    images = _exposed(photographs, colors, coverage, exposure)
    return Expected(images, colors, coverage, exposure, needed)


def _exposed(
    photographs: Photographs, colors: Array, coverage: Array, exposure: Exposure
) -> Float[Array, "b h w 3"]:
    def one(photograph: Photographs, color: Array, alpha: Array, at: Exposure) -> Array:
        image = jnp.moveaxis(photograph.images, -1, 0)
        behind = jnp.where(photograph.plain, at.background[:, None, None], image)
        shown = at.apply(jnp.moveaxis(color, -1, 0), alpha, behind)
        return jnp.moveaxis(shown, 0, -1)

    return jax.vmap(one)(photographs, colors, coverage, exposure)


def exposed_again(
    photographs: Photographs, expected: Expected, counts: Bool[Array, "b h w"]
) -> Expected:
    """Returns what photographs should show, by an exposure that some pixels tell.

    Args:
        photographs: that were looked at.
        expected: what they should show.
        counts: pixels that show the object or its background, [b, h, w].
    """

    def one(photograph: Photographs, shown: Expected, counts: Array) -> Exposure:
        color, observed = (
            jnp.moveaxis(x, -1, 0) for x in (shown.colors, photograph.images)
        )
        behind = shown.exposure.surroundings
        return exposures.estimate(
            color, shown.coverage, observed, counts, behind, photograph.plain
        )

    exposure = jax.vmap(one)(photographs, expected, counts)
    images = _exposed(photographs, expected.colors, expected.coverage, exposure)
    return expected._replace(images=images, exposure=exposure)


def as_good_views(
    twin: Twin, photographs: Photographs, expected: Expected
) -> tuple[Float[Array, "b h w 3"], Float[Array, "b h w 3"]]:
    """Returns photographs and what they should show, as good views would show them.

    Both are taken back to the exposure of the good views, since a darker photograph's
    differences are as much smaller, and put before the twin's background.

    Args:
        twin: the object.
        photographs: that were looked at.
        expected: what they should show.
    """

    def one(photograph: Photographs, shown: Expected) -> tuple[Array, Array]:
        exposure = shown.exposure
        image = exposure.undo(photograph.images)
        known = exposure.undo(exposure.background)
        behind = jnp.where(photograph.plain, known, image) - twin.background
        change = (1 - shown.coverage)[..., None] * behind
        return image - change, exposure.undo(shown.images) - change

    return jax.vmap(one)(photographs, expected)


def beside(photographs: Photographs, expected: Expected) -> Float[Array, " b"]:
    """Returns how much else photographs show, as shares of the object's area.

    That is what differs from the plain background away from the object's outline; NaN
    before unknown surroundings.

    Args:
        photographs: that were looked at.
        expected: what they should show.
    """

    def one(photograph: Photographs, shown: Expected) -> Array:
        change = jnp.abs(photograph.images - shown.exposure.surroundings)
        away = alignment.spread(shown.coverage) < 0.5
        other = away & (jnp.max(change, axis=-1) > DIFFERS)
        area = jnp.maximum(jnp.sum(shown.coverage), 1.0)
        share = jnp.sum(other.astype(jnp.float32)) / area
        return jnp.where(photograph.plain, share, jnp.nan)

    return jax.vmap(one)(photographs, expected)


def agreement(
    seen: Float[Array, "b h w 3"],
    known: Float[Array, "b h w 3"],
    coverage: Float[Array, "b h w"],
    plain: Bool[Array, " b"],
) -> Float[Array, " b"]:
    """Returns how far photographs show the object that they should show, 1 at most.

    The mean of the normalised correlations, on the object, of colours and of their
    slopes: any two blobs may be alike in their colours, but hardly in where these
    change. Gain and offset do not matter. It is taken at some 100 pixels, where noise
    and sharpness tell little. Before a plain background the third of the object that
    differs most is left out, since a large part of it may be missing; before clutter
    such a share of it may be like anything.

    Args:
        seen: the photographs, from `as_good_views`, [b, h, w, 3].
        known: what they should show, likewise, [b, h, w, 3].
        coverage: by the object, [b, h, w].
        plain: whether one colour stands behind what they show, [b].
    """
    height, width = coverage.shape[1:]
    shrink = max(1.0, max(height, width) / _AGREEMENT_SIDE)
    size = max(round(height / shrink), 3), max(round(width / shrink), 3)

    def planes(images: Array) -> Array:
        return jnp.moveaxis(resampling.area_resize(images, *size), -1, 1)

    def one(seen: Array, known: Array, coverage: Array, plain: Array) -> Array:
        weight = jnp.where(coverage > 0.5, coverage, 0.0)
        differ = jnp.sum((seen - known) ** 2, axis=0)
        on_object = jnp.where(weight > 0, differ, jnp.nan)
        most = jnp.nanquantile(on_object, 1 - _UNLIKE)
        # Not where nothing is the object, for which the quantile is not a number.
        weight = jnp.where(plain & (differ > most), 0.0, weight)
        mass = jnp.maximum(jnp.sum(weight), 1.0)

        def centered(image: Array) -> Array:
            return image - jnp.sum(weight * image, axis=(-2, -1), keepdims=True) / mass

        left, right = (jnp.concatenate(alignment.slopes(x)) for x in (seen, known))
        # The outline is the same edge in both.
        least = lax.reduce_window(coverage, 1.0, lax.min, *_NEAR)
        within = jnp.where(least > 0.9, weight, 0.0)
        return 0.5 * (
            _correlation(centered(seen), centered(known), weight)
            + _correlation(left, right, within)
        )

    small = planes(seen), planes(known), planes(coverage[..., None])[:, 0]
    return jax.vmap(one)(*small, plain)


def _correlation(
    left: Float[Array, "c h w"],
    right: Float[Array, "c h w"],
    weight: Float[Array, "h w"],
) -> Float[Array, ""]:
    both = jnp.sum(weight * left * right)
    each = jnp.sum(weight * left * left) * jnp.sum(weight * right * right)
    return both / jnp.sqrt(jnp.maximum(each, _NOTHING))
