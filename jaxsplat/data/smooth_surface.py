"""Colours that vary smoothly over an image, fitted robustly to a part of its pixels."""

import functools

import cv2
import numpy as np
from jaxtyping import Bool, Float

# Exponents (of x, of y, of the squared radius) of what each degree adds to those below
# it. Light that falls off to the corners goes with the second and fourth power of the
# radius, about a middle that the terms of third order move.
_TERMS = {
    0: ((0, 0, 0),),
    1: ((1, 0, 0), (0, 1, 0)),
    2: ((2, 0, 0), (1, 1, 0), (0, 2, 0)),
    4: ((1, 0, 1), (0, 1, 1), (0, 0, 2)),
}
DEGREES = tuple(_TERMS)
# Keeps what the pixels do not determine near zero, as a share of their weight.
_RIDGE = 1e-5
# Tukey's biweight: 95 % efficient where the errors are Gaussian.
_TUKEY = 4.685
# A median absolute deviation times this is the standard deviation of a Gaussian.
MAD_TO_SD = 1.4826
_STEPS = 4  # reweightings for each degree
_GROWTHS = 6  # the surface follows a vignetted picture inwards in as many


@functools.lru_cache(maxsize=8)
def basis(height: int, width: int, degree: int) -> Float[np.ndarray, "h w k"]:
    """Returns the polynomials at each pixel, x and y from -1 to 1 over the image."""
    x = (np.arange(width, dtype=np.float32) + 0.5) * 2 / width - 1
    y = (np.arange(height, dtype=np.float32) + 0.5)[:, None] * 2 / height - 1
    squared = x * x + y * y
    terms = [
        x**i * y**j * squared**k
        for each in DEGREES
        if each <= degree
        for i, j, k in _TERMS[each]
    ]
    stacked = np.stack([np.broadcast_to(term, (height, width)) for term in terms], -1)
    stacked.setflags(write=False)
    return stacked


def evaluate(
    coefficients: Float[np.ndarray, "k 3"], height: int, width: int
) -> Float[np.ndarray, "h w 3"]:
    """Returns a fitted surface at each pixel of an image of any size."""
    degree = next(d for d in DEGREES if count_terms(d) == len(coefficients))
    return basis(height, width, degree) @ coefficients


def count_terms(degree: int) -> int:
    """Returns how many polynomials a degree has."""
    return sum(len(_TERMS[each]) for each in DEGREES if each <= degree)


def difference(
    first: Float[np.ndarray, "... 3"], second: Float[np.ndarray, "..."]
) -> Float[np.ndarray, "..."]:
    """Returns the largest difference of a channel; quicker than a maximum over axes."""
    each = np.abs(first - second)
    return np.maximum(np.maximum(each[..., 0], each[..., 1]), each[..., 2])


def border_mask(height: int, width: int) -> Bool[np.ndarray, "h w"]:
    """Returns an image that is true on its outermost pixels."""
    mask = np.ones((height, width), bool)
    mask[1:-1, 1:-1] = False
    return mask


def fit(
    image: Float[np.ndarray, "h w 3"],
    seeds: Bool[np.ndarray, "h w"],
    degree: int,
    scale: float,
    within: Bool[np.ndarray, "h w"] | None = None,
) -> Float[np.ndarray, "k 3"]:
    """Returns the surface that most seeds agree with, and what agrees beside them.

    The seeds decide first, by reweighted least squares that go up from the median
    colour degree by degree, so that an object over less than half of them is left out
    before it can bend the surface. Then pixels that agree and hang together with seeds
    that agree join them, step by step: a surface known at the border alone would be
    extrapolated into the picture.

    Args:
        image: the photograph, reduced to some thousand pixels.
        seeds: where the surface is expected, such as the border.
        degree: one of `DEGREES`.
        scale: least standard deviation of a pixel that agrees, in the image's units.
        within: where the surface may grow; everywhere where None.
    """
    if within is not None:
        seeds = seeds & within
    colors = image[seeds]
    coefficients = np.median(colors, axis=0)[None].astype(np.float32)
    for each in DEGREES:
        if not 0 < each <= degree:
            continue
        terms = basis(*image.shape[:2], each)
        rows = terms[seeds]
        coefficients = _padded(coefficients, rows.shape[1])
        for _ in range(_STEPS):
            weights = _weights(rows @ coefficients - colors, scale)
            coefficients = _solve(rows, colors, weights)
    terms = basis(*image.shape[:2], degree)
    for _ in range(_GROWTHS):
        agrees = difference(terms @ coefficients, image) <= 4 * scale
        region = connected(agrees if within is None else agrees & within, seeds)
        if region.sum() < 4 * terms.shape[2]:
            break
        if degree == 0:
            return np.median(image[region], axis=0)[None]
        rows, colors = terms[region], image[region]
        weights = _weights(rows @ coefficients - colors, scale)
        coefficients = _solve(rows, colors, weights)
    return coefficients


def connected(
    marked: Bool[np.ndarray, "h w"], seeds: Bool[np.ndarray, "h w"]
) -> Bool[np.ndarray, "h w"]:
    """Returns the marked pixels that hang together with marked seeds."""
    count, labels = cv2.connectedComponents(marked.astype(np.uint8), connectivity=4)
    kept = np.zeros(count, bool)
    kept[labels[seeds]] = True
    kept[0] = False
    return kept[labels]


def spread(residuals: Float[np.ndarray, "n 3"]) -> float:
    """Returns the robust standard deviation of residuals of which few are outliers.

    The nine-tenths quantile takes part because values that were clipped at white or
    black have a median of nothing.
    """
    if not residuals.size:
        return 0.0
    middle, high = np.quantile(np.abs(residuals), (0.5, 0.9))
    return float(max(MAD_TO_SD * middle, high / 1.645))


def _padded(
    coefficients: Float[np.ndarray, "j 3"], count: int
) -> Float[np.ndarray, "k 3"]:
    return np.pad(coefficients, ((0, count - len(coefficients)), (0, 0)))


def _weights(
    residuals: Float[np.ndarray, "n 3"], scale: float
) -> Float[np.ndarray, " n"]:
    """Returns Tukey's weights of pixels by their worst channel."""
    distance = difference(residuals, np.zeros(3, np.float32))
    reach = _TUKEY * max(MAD_TO_SD * float(np.median(distance)), scale)
    return np.square(np.maximum(1 - np.square(distance / reach), 0))


def _solve(
    rows: Float[np.ndarray, "n k"],
    colors: Float[np.ndarray, "n 3"],
    weights: Float[np.ndarray, " n"],
) -> Float[np.ndarray, "k 3"]:
    weighted = rows.T * weights
    matrix = (weighted @ rows).astype(np.float64)
    ridge = np.full(len(matrix), _RIDGE * max(float(weights.sum()), 1.0))
    ridge[0] = 1e-9
    solved = np.linalg.solve(matrix + np.diag(ridge), weighted @ colors)
    return solved.astype(np.float32)
