"""What lens, sensor and file do to an image: blur, noise, bytes, JPEG."""

import cv2
import numpy as np
from jaxtyping import Float, UInt8

# Of the noise's variance at middle grey; the rest is that of counting photons.
_READ_SHARE = 0.5
_MIDDLE = 0.5


def blurred(
    image: Float[np.ndarray, "h w *c"], deviation_px: float
) -> Float[np.ndarray, "h w *c"]:
    """Returns an image through a Gaussian of a standard deviation in pixels."""
    return cv2.GaussianBlur(
        image, (0, 0), deviation_px, borderType=cv2.BORDER_REPLICATE
    )


def noise_deviation(
    values: Float[np.ndarray, "..."], levels: float
) -> Float[np.ndarray, "..."]:
    """Returns the noise's standard deviation at image values, in [0, 1].

    Half of the variance at middle grey is the sensor's own, the same everywhere; the
    other half is that of photons, which grows with the light.

    Args:
        values: in [0, 1].
        levels: the deviation at middle grey, in grey levels of 255.
    """
    photons = (1 - _READ_SHARE) * values / _MIDDLE
    return levels / 255 * np.sqrt(_READ_SHARE + photons)


def noisy(
    image: Float[np.ndarray, "h w 3"], levels: float, rng: np.random.Generator
) -> Float[np.ndarray, "h w 3"]:
    """Returns an image with noise that is independent by pixel and channel.

    Args:
        image: values in [0, 1], [h, w, 3]; those outside are clipped before.
        levels: see `noise_deviation`.
        rng: of the noise.
    """
    light = np.clip(image, 0, 1)
    noise = noise_deviation(light, levels) * rng.standard_normal(light.shape)
    return (light + noise).astype(np.float32)


def to_bytes(image: Float[np.ndarray, "..."]) -> UInt8[np.ndarray, "..."]:
    """Returns the nearest of 256 levels; what is below 0 or above 1 is clipped."""
    return np.rint(255 * np.clip(image, 0, 1)).astype(np.uint8)


def encode_jpeg(pixels: UInt8[np.ndarray, "h w 3"], quality: int) -> bytes:
    """Returns the JPEG file of RGB pixels at a quality from 1 to 100."""
    done, data = cv2.imencode(
        ".jpg",
        cv2.cvtColor(pixels, cv2.COLOR_RGB2BGR),
        [cv2.IMWRITE_JPEG_QUALITY, quality],
    )
    assert done
    return data.tobytes()


def encode_png(pixels: UInt8[np.ndarray, "h w *c"]) -> bytes:
    """Returns the PNG file of grey, RGB or RGBA pixels."""
    order = {3: cv2.COLOR_RGB2BGR, 4: cv2.COLOR_RGBA2BGRA}
    if pixels.ndim == 3:
        pixels = cv2.cvtColor(pixels, order[pixels.shape[2]])
    done, data = cv2.imencode(".png", pixels)
    assert done
    return data.tobytes()


def through_jpeg(
    pixels: UInt8[np.ndarray, "h w 3"], quality: int
) -> UInt8[np.ndarray, "h w 3"]:
    """Returns the pixels that a reader finds in `encode_jpeg`'s file."""
    data = np.frombuffer(encode_jpeg(pixels, quality), np.uint8)
    decoded = cv2.imdecode(data, cv2.IMREAD_COLOR)
    assert decoded is not None
    return np.asarray(cv2.cvtColor(decoded, cv2.COLOR_BGR2RGB), np.uint8)
