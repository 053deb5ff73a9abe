"""Training views as the optimiser reads them: bytes on the device, one array."""

import dataclasses
from collections.abc import Sequence

import cv2
import jax
import jax.numpy as jnp
import numpy as np
from jax import Array
from jaxtyping import Bool, Float, UInt8

from jaxsplat import data
from jaxsplat.core import cameras as camera_maths
from jaxsplat.core.cameras import Camera
from jaxsplat.data.views import View
from jaxsplat.errors import DataError

# Pixels by which a silhouette is widened before coverage outside it is punished:
# silhouettes are cut at the pixel, the object's edge is not.
_MARGIN = 2


@jax.tree_util.register_dataclass
@dataclasses.dataclass(frozen=True)
class Targets:
    """`v` training views of one size.

    Attributes:
        images: RGB in bytes, [v, h, w, 3]; premultiplied where there is alpha.
        coverage: [v, h, w] in bytes: alpha where `has_alpha`, else 0 where the view
            shows plain background and 255 elsewhere.
        cameras: stack of `v` cameras.
        background: RGB behind the object where there is no alpha.
        has_alpha: whether `coverage` is alpha (static).
    """

    images: UInt8[Array, "v h w 3"]
    coverage: UInt8[Array, "v h w"]
    cameras: Camera
    background: Float[Array, "3"]
    has_alpha: bool = dataclasses.field(metadata=dict(static=True))


def silhouettes(
    views: Sequence[View], background: tuple[float, float, float] | None
) -> Bool[np.ndarray, "v h w"] | None:
    """Returns every view's silhouette, or None where one has none."""
    found = [data.silhouette(view, background) for view in views]
    known = [silhouette for silhouette in found if silhouette is not None]
    return np.stack(known) if len(known) == len(found) else None


def _to_bytes(image: np.ndarray) -> np.ndarray:
    return np.rint(255 * np.clip(image, 0, 1)).astype(np.uint8)


def make_targets(
    views: Sequence[View],
    background: tuple[float, float, float] | None,
    scale: float,
) -> Targets:
    """Returns the views at `scale` of their size.

    Args:
        views: posed views of one size.
        background: the plain background's RGB; black is taken when it is None.
        scale: in (0, 1].

    Raises:
        DataError: a pixel is NaN or infinite, which bytes cannot show.
    """
    for view in views:
        if not np.isfinite(view.image).all():
            raise DataError(f"{view.name}: a pixel is NaN or infinite")
    height, width = views[0].image.shape[:2]
    small = (max(round(width * scale), 1), max(round(height * scale), 1))
    alphas = [view.alpha for view in views if view.alpha is not None]
    has_alpha = len(alphas) == len(views)
    masks = None if has_alpha else silhouettes(views, background)
    if has_alpha:
        coverage = alphas
    elif masks is not None:
        kernel = np.ones((2 * _MARGIN + 1,) * 2, np.uint8)
        coverage = [cv2.dilate(mask.astype(np.float32), kernel) for mask in masks]
    else:
        coverage = [np.ones((height, width), np.float32)] * len(views)
    images = [data.resize_area(view.image, *small) for view in views]
    posed = [view.camera for view in views if view.camera is not None]
    return Targets(
        jnp.asarray(np.stack([_to_bytes(image) for image in images])),
        jnp.asarray(
            np.stack([_to_bytes(data.resize_area(c, *small)) for c in coverage])
        ),
        camera_maths.resized(camera_maths.stack(posed), *small),
        jnp.asarray(background or (0.0, 0.0, 0.0), jnp.float32),
        has_alpha,
    )
