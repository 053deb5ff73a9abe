"""Soft edges of an object that is cut out of a photograph."""

import cv2
import numpy as np
from jaxtyping import Bool, Float

# Colours that differ by less do not tell how much of a pixel the object covers.
_LEAST_CONTRAST = 16 / 255
_NEAR = 2.0  # pixels, standard deviation: what the object's colour at its edge is from
_SOLID = 0.999


def feathered(mask: Bool[np.ndarray, "h w"]) -> Float[np.ndarray, "h w"]:
    """Returns the coverage of a mask whose outermost pixels are half background."""
    blurred = cv2.blur(mask.astype(np.float32), (3, 3))
    return np.where(mask, np.clip(1.5 * blurred - 0.5, 0, 1), 0).astype(np.float32)


def soft_edges(
    image: Float[np.ndarray, "h w 3"],
    mask: Bool[np.ndarray, "h w"],
    behind: Float[np.ndarray, "h w 3"],
) -> Float[np.ndarray, "h w"]:
    """Returns the coverage of an object on a known background.

    At the mask's edge it is the pixel's place between the background and the object's
    colour near there (compositing equation, with both ends known).

    Args:
        image: the photograph.
        mask: where the object is, at least in part.
        behind: the photograph without its object.
    """
    core = _eroded(mask)
    object_color = _colors_near(image, core)
    away = object_color - behind
    contrast = np.square(away).sum(axis=2)
    place = (away * (image - behind)).sum(axis=2) / np.maximum(contrast, 1e-6)
    soft = np.where(contrast > _LEAST_CONTRAST**2, np.clip(place, 0, 1), 1)
    return np.where(core, 1, np.where(mask, soft, 0)).astype(np.float32)


def premultiplied(
    image: Float[np.ndarray, "h w 3"], coverage: Float[np.ndarray, "h w"]
) -> Float[np.ndarray, "h w 3"]:
    """Returns the object's share of a photograph's light.

    Pixels that show background too get the object's colour near them, so that none of
    the background's is left at the edges.
    """
    solid = coverage >= _SOLID
    pure = np.where(solid[..., None], image, _colors_near(image, solid))
    return (coverage[..., None] * pure).astype(np.float32)


def _eroded(mask: Bool[np.ndarray, "h w"]) -> Bool[np.ndarray, "h w"]:
    # Beyond the photograph's border the object goes on.
    return cv2.erode(mask.astype(np.uint8), np.ones((3, 3), np.uint8)) > 0


def _colors_near(
    image: Float[np.ndarray, "h w 3"], where: Bool[np.ndarray, "h w"]
) -> Float[np.ndarray, "h w 3"]:
    """Returns the mean colour of the marked pixels near each; its own far from them."""
    weight = where.astype(np.float32)
    total = cv2.GaussianBlur(weight, (0, 0), _NEAR)
    colors = cv2.GaussianBlur(image * weight[..., None], (0, 0), _NEAR)
    known = total > 1e-3
    return np.where(
        known[..., None], colors / np.maximum(total, 1e-3)[..., None], image
    )
