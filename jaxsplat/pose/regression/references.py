"""Views of known pose, encoded: what photographs are compared with.

The paper finds the views that are most similar to a photograph by the number of LoFTR's
matches, with weights that do not come with this package. Here the gallery's codes tell
(`pose.starts.codes`), for photographs that stand upright as the views do.
"""

import dataclasses
from collections.abc import Sequence

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array
from jaxtyping import Float

from jaxsplat import features
from jaxsplat.core import cameras, resampling, se3
from jaxsplat.core.cameras import Camera
from jaxsplat.data.views import View, over_background
from jaxsplat.errors import ConfigError
from jaxsplat.features.network import FeatureNetwork
from jaxsplat.pose.pairs import mapped, side_by_side
from jaxsplat.pose.starts import codes
from jaxsplat.rendering.twin import Twin, look


@jax.tree_util.register_dataclass
@dataclasses.dataclass(frozen=True)
class References:
    """Views that photographs are paired with.

    Attributes:
        poses: `camera_from_world`, [v, 4, 4].
        codes: to be found by, unit rows, [v, d].
        maps: of the backbone, [v, h, w, c].
    """

    poses: Float[Array, "v 4 4"]
    codes: Float[Array, "v d"]
    maps: Float[Array, "v h w c"]


def photographs(
    views: Sequence[View], background: Float[Array, "3"], camera: Camera
) -> Float[Array, "v h w 3"]:
    """Returns the training views before a background, at a camera's size."""
    behind = np.asarray(background)
    images = []
    for view in views:
        whole = jnp.asarray(over_background(view, behind), jnp.float32)[None]
        images.append(resampling.area_resize(whole, camera.height, camera.width)[0])
    return jnp.clip(jnp.stack(images), 0.0, 1.0)


def renders(twin: Twin, poses: Float[Array, "n 4 4"]) -> Float[Array, "n h w 3"]:
    """Returns the twin before its background at its camera's size, seen from poses."""

    def one(pose: Array) -> Array:
        seen = look(twin, cameras.with_pose(twin.camera, pose), twin.background)
        return jnp.clip(seen.color, 0.0, 1.0)

    return mapped(one, poses, side_by_side(len(poses)))


def encoded(
    images: Float[Array, "n h w 3"], background: Float[Array, "3"]
) -> Float[Array, "n d"]:
    """Returns the codes of images, upright as they are."""

    def one(image: Array) -> Array:
        cut = codes.cut_out(image, background)
        return codes.encode(codes.turned(cut.image, jnp.float32(0)))

    return mapped(one, images, side_by_side(len(images)))


def similarities(
    images: Float[Array, "n h w 3"],
    background: Float[Array, "3"],
    references: Float[Array, "v d"],
) -> Float[Array, "n v"]:
    """Returns how similar images are to views, by the views' codes."""
    return se3.matmul(encoded(images, background), references.T)


def maps_of(
    network: FeatureNetwork, images: Float[Array, "n h w 3"], stride: int
) -> Float[Array, "n h2 w2 c"]:
    """Returns a backbone's map of one stride.

    Raises:
        ConfigError: it has none.
    """
    strides = [tap.stride for tap in network.config.taps]
    if stride not in strides:
        raise ConfigError(f"stride: found {stride}, expected one of {strides}")
    return features.extract(network, images)[strides.index(stride)]
