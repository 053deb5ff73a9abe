"""What PTAD's network is shown of photographed objects, in one program.

As `outline_inputs` for untextured shapes, whose numbers of whole outlines take OpenCV.
"""

import dataclasses
from typing import NamedTuple

import jax
import jax.numpy as jnp
from jax import Array, lax
from jaxtyping import Float

from jaxsplat.core import cameras, resampling
from jaxsplat.features.mmpdn import MmpdnConfig
from jaxsplat.pose import on_masks
from jaxsplat.rendering.api import Rendered
from jaxsplat.rendering.twin import Twin, look
from jaxsplat.scene.gaussians import Gaussians

_SHOWN = 0.02  # coverage from which a pixel has a depth
_FARTHEST = 0.2  # how the farthest pixel of an object is shown; the nearest is 1
_OBJECT = 0.5  # coverage from which a pixel is the object's
_FLAT = 1e-3  # scene units; depths of one object differ by more


class Seen(NamedTuple):
    """An object from a pose, or from several, at the network's size.

    Attributes:
        coverage: by the object, [..., s, s].
        depth: along the optical axis in scene units, 0 beside the object; likewise.
    """

    coverage: Float[Array, "*b s s"]
    depth: Float[Array, "*b s s"]


def depth_of(drawn: Rendered) -> Float[Array, "h w"]:
    """Returns depth in scene units, 0 beside the object.

    It is divided by alpha, so that what is half covered is not near.
    """
    depth = drawn.depth / jnp.maximum(drawn.alpha, _SHOWN)
    return jnp.where(drawn.alpha > _SHOWN, depth, 0.0)


def see(
    twin: Twin, cloud: Gaussians, pose: Float[Array, "4 4"], config: MmpdnConfig
) -> Seen:
    """Returns a cloud in the twin's place.

    Args:
        twin: the object, or what it is seen as otherwise.
        cloud: that is seen.
        pose: `camera_from_world`.
        config: of the network.
    """
    side = config.side
    camera = cameras.with_pose(cameras.limited(twin.camera, side), pose)
    drawn = look(dataclasses.replace(twin, gaussians=cloud), camera)
    return Seen(_square(drawn.alpha, side), _square(depth_of(drawn), side))


def shown(
    image: Float[Array, "h w 3"], twin: Twin, config: MmpdnConfig
) -> tuple[Float[Array, "s s 3"], Float[Array, "s s"]]:
    """Returns a photograph and the object's mask in it, at the network's size.

    Args:
        image: the photograph, RGB in [0, 1].
        twin: the object, before whose background it stands.
        config: of the network.
    """
    side = config.side
    small = cameras.limited(twin.camera, side)
    there = on_masks.mask(image, twin.background).astype(jnp.float32)[..., None]
    both = jnp.concatenate([image, there], axis=-1)[None]
    both = resampling.area_resize(both, small.height, small.width)[0]
    return _square(both[..., :3], side), _square(both[..., 3], side)


def _square(image: Float[Array, "h w *c"], side: int) -> Float[Array, "s s *c"]:
    return jax.image.resize(image, (side, side, *image.shape[2:]), "linear")


def inputs(
    config: MmpdnConfig,
    images: Float[Array, "b s s 3"],
    masks: Float[Array, "b s s"],
    seen: Seen,
) -> tuple[Array, Array, Array, Array]:
    """Returns what the network takes, see `features.mmpdn.Mmpdn`.

    Args:
        config: of the network; as `further` maps it takes none, or what the outlines
            show too much and too little.
        images: photographs, from `shown`.
        masks: of the object in them.
        seen: what they should show.
    """
    count, cells = len(images), config.cells
    there = seen.coverage > _OBJECT
    far = jnp.where(there, seen.depth, jnp.nan)
    low, high = (
        jnp.nan_to_num(edge(far, axis=(1, 2), keepdims=True))
        for edge in (jnp.nanmin, jnp.nanmax)
    )
    near = 1 - (1 - _FARTHEST) * (seen.depth - low) / jnp.maximum(high - low, _FLAT)
    depth = jnp.where(there, near, 0.0)[..., None].repeat(3, axis=-1)
    further = jnp.zeros((count, cells, cells, 0), jnp.float32)
    if config.further:
        change = masks - seen.coverage
        both = jnp.stack([_opened(change), _opened(-change)], axis=-1)
        step = both.shape[1] // cells
        further = both.reshape(count, cells, step, cells, step, 2).max(axis=(2, 4))
    return images, depth, further, jnp.zeros((count, 0), jnp.float32)


def _opened(maps: Float[Array, "b s s"]) -> Float[Array, "b s s"]:
    """Returns the positive part without what is thinner than three pixels."""
    window, strides = (1, 3, 3), (1, 1, 1)
    least = lax.reduce_window(
        jnp.maximum(maps, 0.0), jnp.inf, lax.min, window, strides, "SAME"
    )
    return lax.reduce_window(least, -jnp.inf, lax.max, window, strides, "SAME")
