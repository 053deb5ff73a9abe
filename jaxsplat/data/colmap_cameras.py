"""The camera models of COLMAP."""

from collections.abc import Sequence

from jaxsplat.data.lens import MAX_PIXELS, StatedLens
from jaxsplat.errors import DataError

# Name and number of parameters by the model's number in binary files.
MODELS = {
    0: ("SIMPLE_PINHOLE", 3),
    1: ("PINHOLE", 4),
    2: ("SIMPLE_RADIAL", 4),
    3: ("RADIAL", 5),
    4: ("OPENCV", 8),
    5: ("OPENCV_FISHEYE", 8),
    6: ("FULL_OPENCV", 12),
    7: ("FOV", 5),
    8: ("SIMPLE_RADIAL_FISHEYE", 4),
    9: ("RADIAL_FISHEYE", 5),
    10: ("THIN_PRISM_FISHEYE", 12),
}
# Those with one focal length; the others have two.
_ONE_FOCAL = ("SIMPLE_PINHOLE", "SIMPLE_RADIAL", "RADIAL")
_READ = (*_ONE_FOCAL, "PINHOLE", "OPENCV", "FULL_OPENCV")
_COUNTS = dict(MODELS.values())


def stated_lens(
    place: str, model: str, width: int, height: int, values: Sequence[float]
) -> StatedLens:
    """Returns the lens of a camera of a COLMAP model.

    COLMAP has, as this package, the corner of the first pixel at 0, and its distortion
    is OpenCV's.

    Args:
        place: what messages begin with.
        model: name of the camera model.
        width: of its images in pixels; `height` likewise.
        height: see `width`.
        values: the parameters in COLMAP's order.

    Raises:
        DataError: the model is none of a pinhole with OpenCV's distortion, or the
            parameters are not as many as it has, or no lens.
    """
    if model not in _READ:
        raise DataError(
            f"{place}model: found {model}, expected one of {', '.join(_READ)}; "
            "undistort the images to a pinhole camera first (`colmap "
            "image_undistorter`)"
        )
    if len(values) != _COUNTS[model]:
        raise DataError(
            f"{place}parameters: found {len(values)}, expected {_COUNTS[model]} of "
            f"{model}"
        )
    if model in _ONE_FOCAL:
        values = (values[0], *values)
    fx, fy, cx, cy, *others = values
    if not (0 < fx < MAX_PIXELS and 0 < fy < MAX_PIXELS):
        raise DataError(
            f"{place}focal length: found {fx:g}, {fy:g}, expected values between 0 and "
            f"{MAX_PIXELS:g}"
        )
    # All leave out coefficients at the end of OpenCV's order, and those are zero.
    distortion = tuple(others) + (0.0,) * (8 - len(others))
    return StatedLens(
        place,
        fl_x=float(fx),
        fl_y=float(fy),
        cx=float(cx),
        cy=float(cy),
        width=float(width),
        height=float(height),
        distortion=distortion if any(distortion) else (),
        is_shared=False,
    )
