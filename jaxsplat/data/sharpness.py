"""How sharp a photograph is, told by its strongest edges."""

import cv2
import numpy as np
from jaxtyping import Float

# Of a photograph's pixels, those with the steepest slopes.
_STEEPEST = 0.01
# Standard deviation of the blur that edges are compared with themselves after, pixels.
_BLUR = 1.0
# A ratio nearer to 1 than rounding allows to tell.
_MOST = 0.999


def edge_blur(image: Float[np.ndarray, "h w 3"]) -> float:
    """Returns the standard deviation of the blur of an image's edges, in pixels.

    A step that is blurred by s pixels has a slope of 1 / s of its height. Blurred by b
    more, it keeps s / sqrt(s^2 + b^2) of that, whatever its height; of the steepest
    slopes the median tells. A sharp photograph has half a pixel. It is 0 for an image
    of one colour.

    Args:
        image: RGB in [0, 1].
    """
    grey = image.mean(axis=2, dtype=np.float32)
    steep = _slope(grey)
    least = np.quantile(steep, 1 - _STEEPEST)
    marked = (steep >= least) & (steep > 0)
    if not marked.any():
        return 0.0
    after = _slope(cv2.GaussianBlur(grey, (0, 0), _BLUR))
    ratio = float(np.median(after[marked] / steep[marked]))
    ratio = min(ratio, _MOST)
    return _BLUR * ratio / (1 - ratio * ratio) ** 0.5


def _slope(grey: Float[np.ndarray, "h w"]) -> Float[np.ndarray, "h w"]:
    across = cv2.Sobel(grey, cv2.CV_32F, 1, 0, ksize=1)
    down = cv2.Sobel(grey, cv2.CV_32F, 0, 1, ksize=1)
    return np.hypot(across, down)
