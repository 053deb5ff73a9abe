"""Training views as the optimiser reads them: bytes on the device, one array."""

import dataclasses
from collections.abc import Iterator, Sequence

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
        background: RGB behind the object.
        has_alpha: whether `coverage` is alpha (static).
    """

    images: UInt8[Array, "v h w 3"]
    coverage: UInt8[Array, "v h w"]
    cameras: Camera
    background: Float[Array, "3"]
    has_alpha: bool = dataclasses.field(metadata=dict(static=True))


def silhouettes(
    views: Sequence[View],
    background: tuple[float, float, float],
    background_is_plain: bool = True,
) -> Bool[np.ndarray, "v h w"] | None:
    """Returns every view's silhouette, or None where that of one cannot be told.

    Args:
        views: photographs of one size.
        background: RGB behind the object.
        background_is_plain: whether nothing but the object differs from it.
    """
    color = background if background_is_plain else None
    found = [data.silhouette(view, color) for view in views]
    known = [silhouette for silhouette in found if silhouette is not None]
    return np.stack(known) if len(known) == len(found) else None


def _to_bytes(image: np.ndarray) -> np.ndarray:
    return np.rint(255 * np.clip(image, 0, 1)).astype(np.uint8)


def _all_have_alpha(views: Sequence[View]) -> bool:
    """Returns whether the views have alpha.

    Raises:
        DataError: some have and some have not.
    """
    without = [view.name for view in views if view.alpha is None]
    if 0 < len(without) < len(views):
        # Premultiplied colours would be read as an object before black.
        raise DataError(
            f"{without[0]}: has no alpha, but {len(views) - len(without)} other "
            "training views have; expected all or none of them to have it"
        )
    return not without


def make_targets(
    views: Sequence[View],
    masks: Bool[np.ndarray, "v h w"] | None,
    background: tuple[float, float, float],
    scale: float,
) -> Targets:
    """Returns the views at `scale` of their size.

    Args:
        views: `v` posed views of one size.
        masks: their `silhouettes`, which count where they have no alpha.
        background: RGB behind the object.
        scale: in (0, 1].

    Raises:
        DataError: only some views have alpha, or a pixel is NaN or infinite, which
            bytes cannot show.
    """
    for view in views:
        if not np.isfinite(view.image).all():
            raise DataError(f"{view.name}: a pixel is NaN or infinite")
    has_alpha = _all_have_alpha(views)
    height, width = views[0].image.shape[:2]
    small = (max(round(width * scale), 1), max(round(height * scale), 1))
    images = [data.resize_area(view.image, *small) for view in views]
    coverage = [data.resize_area(c, *small) for c in _coverage(views, masks)]
    posed = [view.camera for view in views if view.camera is not None]
    return Targets(
        jnp.asarray(np.stack([_to_bytes(image) for image in images])),
        jnp.asarray(np.stack([_to_bytes(c) for c in coverage])),
        camera_maths.resized(camera_maths.stack(posed), *small),
        jnp.asarray(background, jnp.float32),
        has_alpha,
    )


def _coverage(
    views: Sequence[View], masks: Bool[np.ndarray, "v h w"] | None
) -> Iterator[Float[np.ndarray, "h w"]]:
    """Yields each view's coverage as `Targets` has it, in [0, 1]."""
    kernel = np.ones((2 * _MARGIN + 1,) * 2, np.uint8)
    for index, view in enumerate(views):
        if view.alpha is not None:
            yield view.alpha
        elif masks is not None:
            yield cv2.dilate(masks[index].astype(np.float32), kernel)
        else:
            yield np.ones(view.image.shape[:2], np.float32)
