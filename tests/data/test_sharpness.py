"""The blur of edges, against what they were blurred by."""

import math

import numpy as np
import pytest

from jaxsplat.data.sharpness import edge_blur


def step(sigma_px: float, slant: float = 0.3) -> np.ndarray:
    """Returns a slanted step through the middle, blurred by a closed form."""
    y, x = np.mgrid[:60, :80].astype(float)
    away = ((x - 40) + slant * (y - 30)) / math.hypot(1, slant)
    profile = [0.5 + 0.5 * math.erf(d / sigma_px / math.sqrt(2)) for d in away.ravel()]
    grey = 0.2 + 0.6 * np.reshape(profile, away.shape)
    return np.repeat(grey[..., None], 3, axis=2).astype(np.float32)


@pytest.mark.parametrize("sigma_px", [1.0, 1.5, 2.5, 4.0])
def test_the_blur_of_a_step_is_found(sigma_px: float) -> None:
    # Differences over two pixels widen an edge a little more.
    assert edge_blur(step(sigma_px)) == pytest.approx(sigma_px, rel=0.2)


def test_contrast_and_noise_do_not_matter() -> None:
    noise = 3 / 255 * np.random.default_rng(0).normal(size=(60, 80, 3))
    faint = (0.5 * step(2.0) + noise).astype(np.float32)
    assert edge_blur(faint) == pytest.approx(2.0, rel=0.25)


def test_one_color_has_no_edges() -> None:
    assert edge_blur(np.full((20, 20, 3), 0.4, np.float32)) == 0.0
