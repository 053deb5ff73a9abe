"""PSNR against scikit-image and by hand."""

import math

import numpy as np
import pytest
from skimage.metrics import peak_signal_noise_ratio

from jaxsplat import metrics


def test_equals_scikit_image() -> None:
    a, b = np.random.default_rng(0).uniform(size=(2, 9, 7, 3)).astype(np.float32)
    expected = peak_signal_noise_ratio(
        a.astype(np.float64), b.astype(np.float64), data_range=1.0
    )
    assert metrics.psnr(a, b) == pytest.approx(expected)
    assert metrics.psnr(a, b) == metrics.psnr(b, a)


def test_a_tenth_everywhere_is_twenty_decibels() -> None:
    assert metrics.psnr(np.zeros((2, 2, 3)), np.full((2, 2, 3), 0.1)) == pytest.approx(
        20
    )


def test_equal_images_are_infinitely_close() -> None:
    assert metrics.psnr(np.ones((2, 2, 3)), np.ones((2, 2, 3))) == math.inf
