"""Lenses: as files state them, and in pixels of an image."""

import dataclasses
import math

import jax.numpy as jnp

from jaxsplat.core import cameras
from jaxsplat.data import principal_points
from jaxsplat.data.notes import Notes
from jaxsplat.errors import DataError

# Two statements of one focal length that differ more contradict each other.
_AGREEMENT = 1e-3
MAX_PIXELS = 1e6
# Focal lengths as shares of their side. Shorter ones are millimetres or shares: they
# would see 125 degrees, beyond lenses without distortion; longer ones a third of one.
_SHORTEST, _LONGEST = 0.26, 200.0
# Fewer pixels than this are no length in pixels for an image of at least 100.
_LEAST_FOCAL = 10
_OF_PIXELS = 100
# Beyond this ratio of fx and fy, either way, a slip is likelier than such pixels.
_ODD_PIXELS = 2.0
# Sides of two sizes that are one size but for rounding differ by no more, in pixels and
# as a share.
_ROUNDING, _ROUNDING_SHARE = 1, 0.1
_EXIF_HINT = (
    "; an EXIF orientation is not applied: save the images upright, or state the lens "
    "and the poses for the pixels as they are stored"
)


@dataclasses.dataclass(frozen=True)
class Lens:
    """A lens in pixels of one image size.

    Attributes:
        fx: focal length along x; `fy` along y.
        fy: see `fx`.
        cx: principal point from the left edge of the image, whose first pixel has its
            centre at 0.5; `cy` from the top.
        cy: see `cx`.
        width: of the image; `height` likewise.
        height: see `width`.
        distortion: OpenCV's coefficients k1 k2 p1 p2 k3 k4 k5 k6; empty for a pinhole.
    """

    fx: float
    fy: float
    cx: float
    cy: float
    width: int
    height: int
    distortion: tuple[float, ...] = ()

    def scaled(self, width: int, height: int) -> "Lens":
        """Returns the lens for the same photograph at another size in pixels."""
        if (width, height) == (self.width, self.height):
            return self
        x, y = width / self.width, height / self.height
        return Lens(
            self.fx * x,
            self.fy * y,
            self.cx * x,
            self.cy * y,
            width,
            height,
            self.distortion,
        )

    def camera(self) -> cameras.Camera:
        """Returns the pinhole camera at the identity pose; distortion is not in it."""
        return cameras.Camera(
            jnp.eye(4, dtype=jnp.float32),
            jnp.float32(self.fx),
            jnp.float32(self.fy),
            jnp.float32(self.cx),
            jnp.float32(self.cy),
            self.width,
            self.height,
        )


@dataclasses.dataclass(frozen=True)
class StatedLens:
    """The intrinsics that a file states, those left out as None.

    Attributes:
        place: what messages begin with: the file, and where in it.
        angle_x: field of view over the width in radians; `angle_y` over the height.
        angle_y: see `angle_x`.
        fl_x: focal length along x in pixels; `fl_y` along y.
        fl_y: see `fl_x`.
        cx: principal point in pixels from the left edge; `cy` from the top.
        cy: see `cx`.
        width: image width in pixels that the others belong to; `height` likewise.
        height: see `width`.
        distortion: as `Lens.distortion`.
        is_shared: whether it was stated once for all images, not for this one.
    """

    place: str
    angle_x: float | None = None
    angle_y: float | None = None
    fl_x: float | None = None
    fl_y: float | None = None
    cx: float | None = None
    cy: float | None = None
    width: float | None = None
    height: float | None = None
    distortion: tuple[float, ...] = ()
    is_shared: bool = True

    def error(self, key: str, found: str, expected: str) -> DataError:
        """Returns the error that says what is wrong with the member `key`."""
        return DataError(f"{self.place}{key}: found {found}, expected {expected}")


def have_one_shape(size: tuple[int, int], other: tuple[int, int]) -> bool:
    """Returns whether two image sizes have the same ratio of sides but for rounding."""
    width, height = size
    if abs(width * other[1] / (height * other[0]) - 1) > _ROUNDING_SHARE:
        return False
    return (
        abs(width * other[1] / other[0] - height) <= _ROUNDING
        or abs(other[0] * height / width - other[1]) <= _ROUNDING
    )


def lens_of_image(
    stated: StatedLens,
    size: tuple[int, int],
    notes: Notes,
    *,
    first: tuple[int, int] | None = None,
    is_turned: bool = False,
) -> Lens:
    """Returns the lens of an image.

    A focal length in pixels comes before a field of view; where one direction states
    neither, pixels are square. The principal point is the middle where none is stated.

    Args:
        stated: what the file says. It may be for another size of the same photograph.
        size: of the image, width and height in pixels.
        notes: takes remarks on what was scaled, repaired or contradicts itself.
        first: size of the object's first image, which a shared lens belongs to where
            the file states no size; None where this is the first.
        is_turned: whether EXIF says that the image is not stored upright.

    Raises:
        DataError: the file states an image of another shape, a focal length that is no
            number of pixels or of no such lens, or a principal point that is outside
            the image or belongs to it only when it is turned.
    """
    width, height = _size_of_lens(stated, size, first, notes)
    _check_focal_lengths(stated, width, height)
    fx = _focal_length(stated.fl_x, stated.angle_x, width, "x", notes)
    fy = _focal_length(stated.fl_y, stated.angle_y, height, "y", notes)
    fx, fy = fx or fy, fy or fx
    if not fx or not fy or max(fx, fy) > MAX_PIXELS:
        raise DataError(
            f"{stated.place}focal length: found {fx}, {fy}, expected values up to "
            f"{MAX_PIXELS:g} pixels"
        )
    _check_field_of_view(stated, fx, fy, width, height, notes)
    try:
        cx, cy = principal_points.principal_point(
            stated.cx, stated.cy, width, height, notes
        )
    except DataError as error:
        raise DataError(f"{stated.place}{error}") from None
    if is_turned and (cx, cy) == (stated.cy, stated.cx) and cx != cy:
        raise stated.error(
            "cx, cy",
            f"{stated.cx:g}, {stated.cy:g}",
            f"a point near the middle of {width}x{height} pixels{_EXIF_HINT}",
        )
    return Lens(fx, fy, cx, cy, width, height, stated.distortion).scaled(*size)


def _size_of_lens(
    stated: StatedLens,
    size: tuple[int, int],
    first: tuple[int, int] | None,
    notes: Notes,
) -> tuple[int, int]:
    """Returns the image size in pixels that the stated numbers belong to."""
    if stated.width is None and stated.height is None:
        return first if first and stated.is_shared else size
    width, height = stated.width, stated.height
    if width is not None and height is not None and min(width, height) >= 1:
        whole = round(width), round(height)
        if whole == size == (width, height):
            return size
        if (width, height) == whole and have_one_shape(whole, size):
            notes.add(
                f"the lens is stated for images of {width:g}x{height:g} pixels and "
                f"scaled to their {size[0]}x{size[1]}"
            )
            return whole
    hint = ""
    if (width, height) == size[::-1]:
        # The sides are exchanged where the file was made from the turned images.
        hint = _EXIF_HINT
    for key, value, found in zip("wh", (width, height), size, strict=True):
        if value is not None and value != found:
            expected = f"{found}, the size of the images{hint}"
            raise stated.error(key, f"{value:g}", expected)
    return size


def _check_focal_lengths(stated: StatedLens, width: int, height: int) -> None:
    """Refuses focal lengths that can only be shares of a side."""
    for key, value in (("fl_x", stated.fl_x), ("fl_y", stated.fl_y)):
        if (
            value is not None
            and value < _LEAST_FOCAL
            and max(width, height) >= _OF_PIXELS
        ):
            side = width if key == "fl_x" else height
            raise stated.error(
                key,
                f"{value:g}",
                f"a length in pixels for an image of {width}x{height}; if it is a "
                f"share of the side, write {value * side:g}",
            )


def _check_field_of_view(
    stated: StatedLens, fx: float, fy: float, width: int, height: int, notes: Notes
) -> None:
    """Refuses what no lens sees, and notes pixels that are far from square."""
    longer = max(width, height)
    for share in (fx / width, fy / height):
        if (share < _SHORTEST or share > _LONGEST) and longer >= _OF_PIXELS:
            degrees = math.degrees(2 * math.atan(0.5 / share))
            raise stated.error(
                "focal length",
                f"{fx:g}, {fy:g} for an image of {width}x{height} pixels, a field of "
                f"view of {degrees:.3g} degrees",
                "pixels, not millimetres (pixels = millimetres * image width / sensor "
                "width), or an angle in radians",
            )
    if not 1 / _ODD_PIXELS <= fx / fy <= _ODD_PIXELS:
        notes.add(f"fx ({fx:.5g} px) and fy ({fy:.5g} px) make pixels far from square")


def _focal_length(
    stated: float | None, angle: float | None, pixels: int, axis: str, notes: Notes
) -> float | None:
    """Returns the focal length in pixels along one axis, or None."""
    from_angle = None if angle is None else pixels / 2 / math.tan(angle / 2)
    if stated is None:
        return from_angle
    if from_angle is not None and abs(from_angle / stated - 1) > _AGREEMENT:
        notes.add(
            f"fl_{axis} ({stated:g} px) is used; camera_angle_{axis} disagrees "
            f"({from_angle:g} px)"
        )
    return stated
