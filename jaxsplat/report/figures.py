"""Pictures for people: heat maps, overlays, outlines, and their encoding."""

import pathlib

import cv2
import numpy as np
from jaxtyping import Bool, Float, UInt8

from jaxsplat.errors import DataError

Rgb8 = UInt8[np.ndarray, "h w 3"]

# Inferno grows evenly in lightness, so it reads in grey and with any colour vision.
_COLORS: UInt8[np.ndarray, "256 3"] = cv2.applyColorMap(
    np.arange(256, dtype=np.uint8)[:, None], cv2.COLORMAP_INFERNO
)[:, 0, ::-1]
_UNDEFINED = (128, 128, 128)
_OUTLINE = (255, 32, 96)
_OUTLINE_GAP = 2  # pixels between a region and its line, so that it stays visible
_DIMMED = 0.6  # brightness of the photograph below a map, so that hot colours stand out
_BESIDE = 0.45  # brightness of a photograph beside what it is about
_JPEG_QUALITY = 85


def to_uint8(image: Float[np.ndarray, "..."]) -> UInt8[np.ndarray, "..."]:
    """Returns values in [0, 1] as 0 to 255, rounded, clamped, NaN as 0."""
    finite = np.nan_to_num(image, nan=0.0, posinf=1.0, neginf=0.0)
    return np.rint(np.clip(finite, 0.0, 1.0) * 255.0).astype(np.uint8)


def heat_map(
    values: Float[np.ndarray, "h w"], scale: tuple[float, float]
) -> UInt8[np.ndarray, "h w 3"]:
    """Returns the map in colours from black over red to light yellow.

    Args:
        values: anomaly per pixel.
        scale: values of the coldest and the hottest colour; outside of it the colour
            stays. NaN is drawn grey.
    """
    colors = _COLORS[to_uint8(_relative(values, scale))]
    colors[np.isnan(values)] = _UNDEFINED
    return colors


def overlay(
    image: UInt8[np.ndarray, "h w 3"],
    values: Float[np.ndarray, "map_h map_w"],
    scale: tuple[float, float],
) -> UInt8[np.ndarray, "h w 3"]:
    """Returns the image dim and grey with the map's colours where the map is high.

    Args:
        image: the photograph.
        values: anomaly per pixel; resized to the image.
        scale: see `heat_map`.
    """
    height, width = image.shape[:2]
    resized = cv2.resize(values.astype(np.float32), (width, height))
    return on_grey(image, resized, scale)


def on_grey(
    image: UInt8[np.ndarray, "h w 3"],
    values: Float[np.ndarray, "h w"],
    scale: tuple[float, float],
) -> UInt8[np.ndarray, "h w 3"]:
    """Returns what `overlay` does, of values that need no resizing."""
    weight = np.nan_to_num(_relative(values, scale), nan=1.0)[..., None] ** 0.5
    grey = cv2.cvtColor(image, cv2.COLOR_RGB2GRAY)[..., None].astype(np.float32)
    mixed = (1 - weight) * _DIMMED * grey + weight * heat_map(values, scale)
    return np.rint(np.clip(mixed, 0, 255)).astype(np.uint8)


def outline(
    image: UInt8[np.ndarray, "h w 3"], mask: Bool[np.ndarray, "mask_h mask_w"]
) -> UInt8[np.ndarray, "h w 3"]:
    """Returns the image with a line around every region of the mask.

    Args:
        image: the photograph.
        mask: true on defective pixels; resized to the image so that none gets lost.
    """
    height, width = image.shape[:2]
    share = cv2.resize(
        mask.astype(np.float32), (width, height), interpolation=cv2.INTER_AREA
    )
    size = 2 * _OUTLINE_GAP + 1
    grown = cv2.dilate(
        (share > 0).astype(np.uint8),
        cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (size, size)),
    )
    contours, _ = cv2.findContours(grown, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
    result = np.ascontiguousarray(image.copy())
    cv2.drawContours(result, contours, -1, _OUTLINE, 1, cv2.LINE_AA)
    return result


def spotlight(
    image: UInt8[np.ndarray, "h w 3"], coverage: Float[np.ndarray, "cover_h cover_w"]
) -> UInt8[np.ndarray, "h w 3"]:
    """Returns the image dimmed but for an object, with a line around it.

    Args:
        image: the photograph.
        coverage: of each pixel by the object in [0, 1]; resized to the image.
    """
    height, width = image.shape[:2]
    share = cv2.resize(
        coverage.astype(np.float32), (width, height), interpolation=cv2.INTER_AREA
    )
    light = _BESIDE + (1 - _BESIDE) * share[..., None]
    result = np.rint(light * image).astype(np.uint8)
    inside = (share > 0.5).astype(np.uint8)
    # Holes have an edge too.
    contours, _ = cv2.findContours(inside, cv2.RETR_LIST, cv2.CHAIN_APPROX_NONE)
    cv2.drawContours(result, contours, -1, _OUTLINE, 1, cv2.LINE_AA)
    return result


def thumbnail(
    image: UInt8[np.ndarray, "h w 3"], side: int
) -> UInt8[np.ndarray, "small_h small_w 3"]:
    """Returns the image with its longer side reduced to `side` pixels at most."""
    height, width = image.shape[:2]
    factor = side / max(height, width)
    if factor >= 1:
        return image
    size = (max(1, round(width * factor)), max(1, round(height * factor)))
    return cv2.resize(image, size, interpolation=cv2.INTER_AREA)


def color_stops(number: int) -> list[str]:
    """Returns evenly spaced colours of the heat map as CSS, cold to hot."""
    rows = _COLORS[np.linspace(0, 255, number).round().astype(int)]
    return [f"#{r:02x}{g:02x}{b:02x}" for r, g, b in rows.tolist()]


def encode_png(image: UInt8[np.ndarray, "h w 3"]) -> bytes:
    """Returns the RGB image as a PNG file."""
    return _encode(".png", image, [cv2.IMWRITE_PNG_COMPRESSION, 6])


def encode_jpeg(image: UInt8[np.ndarray, "h w 3"]) -> bytes:
    """Returns the RGB image as a JPEG file."""
    return _encode(".jpg", image, [cv2.IMWRITE_JPEG_QUALITY, _JPEG_QUALITY])


def read_picture(path: pathlib.Path) -> Rgb8 | None:
    """Returns a picture that was written here, None where it is not there."""
    try:
        data = np.frombuffer(path.read_bytes(), np.uint8)
    except OSError:
        return None
    image = cv2.imdecode(data, cv2.IMREAD_COLOR) if data.size else None
    return None if image is None else np.ascontiguousarray(image[..., ::-1])


def _encode(
    suffix: str, image: UInt8[np.ndarray, "h w 3"], options: list[int]
) -> bytes:
    done, data = cv2.imencode(suffix, np.ascontiguousarray(image[..., ::-1]), options)
    if not done:
        raise DataError(f"an image of shape {image.shape} cannot be encoded")
    return data.tobytes()


def _relative(
    values: Float[np.ndarray, "h w"], scale: tuple[float, float]
) -> Float[np.ndarray, "h w"]:
    low, high = scale
    if not high > low:
        return np.where(values > low, 1.0, 0.0) + 0 * values
    return np.clip((values - low) / (high - low), 0.0, 1.0)
