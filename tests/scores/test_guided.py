"""The guided filter, against float64 NumPy written from the paper."""

import jax.numpy as jnp
import numpy as np
import scipy.ndimage

from jaxsplat.scores.guided import guided_filter


def window_by_window(
    image: np.ndarray, guide: np.ndarray, sigma: float, ridge: float
) -> np.ndarray:
    """Returns the filtered image: a least-squares line in every window (He, Sun and
    Tang 2013, equations 4 to 8), and the mean of the lines that hold a pixel.
    """
    lines = np.empty((2, *image.shape))
    for row, column in np.ndindex(*image.shape):
        at = np.zeros_like(image)
        at[row, column] = 1
        # The window of a Gaussian filter that repeats the border, as a matrix row.
        weights = _transposed(at, sigma)
        guide_mean, mean = (weights * guide).sum(), (weights * image).sum()
        spread = (weights * (guide - guide_mean) ** 2).sum()
        together = (weights * (guide - guide_mean) * (image - mean)).sum()
        slope = together / (spread + ridge)
        lines[:, row, column] = slope, mean - slope * guide_mean
    slopes, rest = (scipy.ndimage.gaussian_filter(x, sigma) for x in lines)
    return slopes * guide + rest


def _transposed(at: np.ndarray, sigma: float) -> np.ndarray:
    """Returns what each pixel counts in the window about the marked one."""
    rows = scipy.ndimage.gaussian_filter1d(np.eye(len(at)), sigma, axis=0)
    columns = scipy.ndimage.gaussian_filter1d(np.eye(at.shape[1]), sigma, axis=0)
    return rows.T @ at @ columns


def test_filter_is_the_papers() -> None:
    rng = np.random.default_rng(0)
    image, guide = rng.normal(size=(2, 12, 9))
    found = guided_filter(*jnp.asarray([image, guide], jnp.float32)[:, None], 1.5, 0.3)
    expected = window_by_window(image, guide, 1.5, 0.3)
    np.testing.assert_allclose(found[0], expected, atol=1e-5)


def test_a_soft_map_gets_the_guides_edges() -> None:
    guide = np.zeros((40, 40), np.float32)
    guide[12:28, 12:28] = 4.0
    soft = scipy.ndimage.gaussian_filter(guide, 3.0)
    sharp = np.asarray(guided_filter(*jnp.asarray([soft, guide])[:, None], 2.0, 1.0))[0]
    step = sharp[20, 12] - sharp[20, 11]
    assert step > 2 * (soft[20, 12] - soft[20, 11])
    # Where the guide says nothing the map is as it was, but for the window's blur.
    flat = np.asarray(guided_filter(*jnp.asarray([soft, 0 * guide])[:, None], 2.0, 1.0))
    twice = scipy.ndimage.gaussian_filter(scipy.ndimage.gaussian_filter(soft, 2.0), 2.0)
    np.testing.assert_allclose(flat[0], twice, atol=1e-5)
