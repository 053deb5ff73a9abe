"""Photographs as people have them, made into what a detector looks at."""

import dataclasses
import os
import pathlib
from typing import Any

import cv2
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Float

from jaxsplat import data
from jaxsplat.core import cameras
from jaxsplat.core.cameras import Camera
from jaxsplat.data import sampling
from jaxsplat.data.lens import Lens, have_one_shape
from jaxsplat.data.views import View, over_background
from jaxsplat.errors import DataError
from jaxsplat.methods.inspection import Inspection, failed
from jaxsplat.pose import Outcome

# What a feature network needs at least, in pixels a side.
_LEAST_SIDE = 16
# Noise up to half a grey level leaves a plain background as plain as it is.
_CLEAN = 0.5 / 255
# A pixel that differs from the background by so much shows the object alone.
_COVERED = 0.12
# Floats that were made from bytes, or by filters, may go this far beyond [0, 1].
_ROUNDING = 0.01


@dataclasses.dataclass(frozen=True)
class Taken:
    """A photograph that can be inspected.

    Attributes:
        name: its path, or its number among those given.
        image: RGB in [0, 1], [h, w, 3].
        plain: whether it shows the object before one colour; else its surroundings are
            unknown.
        camera: its intrinsics and size.
        whole: the photograph as it is, where `image` has one colour in place of its
            surroundings; else None, [h, w, 3].
    """

    name: str
    image: Float[np.ndarray, "h w 3"]
    plain: bool
    camera: Camera
    whole: Float[np.ndarray, "h w 3"] | None = None

    @property
    def anywhere(self) -> "Taken | None":
        """The same before unknown surroundings, None where that tells nothing new."""
        if self.whole is None:
            return None
        return Taken(self.name, self.whole, False, self.camera)


def take(
    item: Any,
    number: int,
    camera: Camera,
    background: Float[np.ndarray, "3"],
    lens: Lens | None = None,
    by_background: bool = True,
) -> Taken | Inspection:
    """Returns a photograph, or why it cannot be inspected.

    Larger photographs are reduced to the camera's size, by area: the twin is no sharper
    than the photographs it was fitted to. Those with a lens of their own are reduced
    until their focal lengths are no longer than the camera's. Smaller ones stay as they
    are.

    Args:
        item: a path; the bytes of a PNG or JPEG file; an array [h, w, 3] or [h, w, 4]
            of uint8, or of numbers in [0, 1]; or a `View`, which is undistorted already
            and may have a lens of its own (`intrinsics`, or that of its `camera`).
        number: of the photograph among those given.
        camera: of the training views, with the same lens.
        background: RGB that photographs with alpha are put over, [3].
        lens: that paths, bytes and arrays were taken with; its distortion is taken out.
        by_background: see `inspecting.Prepared`.
    """
    name = _name(item, number)
    try:
        view = _undistorted(item, _read(item, name), lens)
        own = _own_camera(view, camera)
    except DataError as error:
        return failed(name, Outcome.UNREADABLE, str(error))
    if not np.isfinite(view.image).all():
        return failed(name, Outcome.NONFINITE, "the photograph holds NaN or infinity")
    height, width = view.image.shape[:2]
    size = (width, height)
    if own is not None:
        width, height = _reduced(own, camera)
    elif not have_one_shape(size, (camera.width, camera.height)):
        detail = f"{width}x{height}, expected {camera.width}x{camera.height}"
        return failed(name, Outcome.WRONG_SHAPE, detail)
    elif width > camera.width or height > camera.height:
        width, height = camera.width, camera.height
    if min(width, height) < min(_LEAST_SIDE, camera.width, camera.height):
        return failed(name, Outcome.WRONG_SHAPE, f"{width}x{height} is too small")
    if (width, height) != size:
        view = _resized(view, width, height)
    image, plain = _before_one_color(view, background, by_background)
    seen_by = camera if own is None else own
    is_cut_out = view.alpha is not None or view.foreground is not None
    whole = view.image if plain and not is_cut_out else None
    return Taken(name, image, plain, cameras.resized(seen_by, width, height), whole)


def _undistorted(item: Any, view: View, lens: Lens | None) -> View:
    """Returns what was read of an item, without the distortion of the lens."""
    return view if isinstance(item, View) else sampling.undistorted(view, lens)


def _own_camera(view: View, camera: Camera) -> Camera | None:
    """Returns the lens that a view states for itself, at the camera's pose, or None.

    Raises:
        DataError: it is of another image, or none of a pinhole.
    """
    own = view.camera if view.intrinsics is None else view.intrinsics
    if own is None:
        return None
    height, width = view.image.shape[:2]
    if (own.width, own.height) != (width, height):
        raise DataError(
            f"found a lens for {own.width}x{own.height} pixels, expected one for "
            f"{width}x{height}, the size of the image"
        )
    numbers = [float(value) for value in (own.fx, own.fy, own.cx, own.cy)]
    if not np.isfinite(numbers).all() or min(numbers[:2]) <= 0:
        raise DataError(
            f"found a lens with fx, fy, cx, cy = {', '.join(map(str, numbers))}, "
            "expected finite numbers of pixels and focal lengths above 0"
        )
    fx, fy, cx, cy = map(jnp.float32, numbers)
    return Camera(camera.camera_from_world, fx, fy, cx, cy, width, height)


def _reduced(own: Camera, camera: Camera) -> tuple[int, int]:
    """Returns the size at which a lens has no longer focal lengths than the camera."""
    share = min(float(camera.fx / own.fx), float(camera.fy / own.fy))
    if share >= 1:
        return own.width, own.height
    return max(1, round(own.width * share)), max(1, round(own.height * share))


def _resized(view: View, width: int, height: int) -> View:
    """Returns a photograph at another size, without its mask."""

    def resized(plane: Float[np.ndarray, "h w"] | None) -> np.ndarray | None:
        return None if plane is None else data.resize_area(plane, width, height)

    return dataclasses.replace(
        view,
        image=data.resize_area(view.image, width, height),
        alpha=resized(view.alpha),
        foreground=resized(view.foreground),
        mask=None,
    )


def _before_one_color(
    view: View, background: Float[np.ndarray, "3"], by_background: bool
) -> tuple[Float[np.ndarray, "h w 3"], bool]:
    """Returns a photograph with one colour behind the object, if that can be.

    What is cut out already is put over the background. Gradients, vignetting, soft
    shadows and noise of a plain background are taken away; a photograph that shows
    anything else stays as it is.
    """
    if view.alpha is None and view.foreground is not None:
        image = view.image * view.foreground[..., None]
        view = dataclasses.replace(view, image=image, alpha=view.foreground)
    if view.alpha is not None:
        return over_background(view, background), True
    image = view.image
    if not by_background:
        return image, False
    surroundings = data.model_background(image)
    if not surroundings.is_plain:
        return image, False
    behind = surroundings.image
    color = np.median(behind.reshape(-1, 3), axis=0)
    if surroundings.noise <= _CLEAN and np.ptp(behind, axis=(0, 1)).max() == 0:
        return image, True
    marked = data.differing(image, surroundings).astype(np.uint8)
    near = cv2.dilate(marked, np.ones((3, 3), np.uint8))[..., None] > 0
    covered = np.abs(image - behind).max(axis=2, keepdims=True) / _COVERED
    shown = image - (1 - np.minimum(covered, 1)) * (behind - color)
    return np.where(near, shown, color).astype(np.float32), True


def _name(item: Any, number: int) -> str:
    if isinstance(item, View):
        return item.name
    return os.fspath(item) if isinstance(item, str | os.PathLike) else str(number)


def _read(item: Any, name: str) -> View:
    if isinstance(item, View):
        return item
    if isinstance(item, str | os.PathLike):
        image, alpha = data.read_image(pathlib.Path(item))
        return View(name, image, alpha)
    if isinstance(item, bytes):
        return View(name, *data.image_in(item, name))
    if not isinstance(item, np.ndarray | jax.Array):
        raise DataError(
            f"found {type(item).__name__}, expected a path, bytes or an array"
        )
    pixels = np.asarray(item)
    if pixels.ndim != 3 or pixels.shape[2] not in (3, 4) or not pixels.size:
        raise DataError(
            f"found an array of shape {pixels.shape}, expected [h, w, 3] or [h, w, 4]"
        )
    if pixels.dtype == np.uint8:
        pixels = pixels.astype(np.float32) / np.float32(255)
    elif not np.issubdtype(pixels.dtype, np.floating):
        raise DataError(f"found an array of {pixels.dtype}, expected uint8 or floats")
    pixels = pixels.astype(np.float32)
    finite = pixels[np.isfinite(pixels)]
    if finite.size and (finite.min() < -_ROUNDING or finite.max() > 1 + _ROUNDING):
        raise DataError(
            f"found values from {finite.min():g} to {finite.max():g}, expected [0, 1]; "
            "arrays of bytes must be uint8"
        )
    if pixels.shape[2] == 3:
        return View(name, pixels)
    return View(name, pixels[..., :3] * pixels[..., 3:], pixels[..., 3])
