"""Where the object is, and the plain background that tells it."""

import numpy as np
import pytest

from jaxsplat.data import background, silhouettes
from jaxsplat.data.views import View

GREY = (0.5, 0.6, 0.7)


def _disc(color: tuple[float, ...] = GREY, seed: int = 0, noise: float = 0) -> View:
    rng = np.random.default_rng(seed)
    y, x = np.mgrid[:40, :50]
    image = np.broadcast_to(np.float32(color), (40, 50, 3)).copy()
    image[_inside()] = (0.9, 0.1, 0.3)
    image += rng.uniform(-noise, noise, image.shape).astype(np.float32)
    return View(f"{seed}.png", image)


def _inside() -> np.ndarray:
    y, x = np.mgrid[:40, :50]
    return (y - 20) ** 2 + (x - 25) ** 2 < 100


@pytest.mark.parametrize("color", [(1.0, 1.0, 1.0), (0.0, 0.0, 0.0), GREY])
def test_plain_background_with_noise(color: tuple[float, ...]) -> None:
    views = tuple(_disc(color, seed, noise=2 / 255) for seed in range(3))
    found = background.find_background(views)
    assert found.is_plain
    assert found.color == pytest.approx(color, abs=0.5 / 255)
    seen = silhouettes.silhouette(views[0], color)
    np.testing.assert_array_equal(seen, _inside())


def test_nothing_tells_the_object_without_plain_background() -> None:
    assert silhouettes.silhouette(_disc(noise=0.1), None) is None


def test_alpha_decides() -> None:
    view = View("a.png", _disc().image, alpha=_inside().astype(np.float32) * 0.7)
    np.testing.assert_array_equal(silhouettes.silhouette(view, None), _inside())


def test_single_pixels_are_noise_and_thin_lines_are_not() -> None:
    image = np.ones((20, 20, 3), np.float32)
    image[3, 3] = 0.0
    image[10, 2:18, 1] = 0.9
    seen = silhouettes.silhouette(View("a.png", image), (1.0, 1.0, 1.0))
    assert seen is not None
    assert not seen[3, 3]
    assert seen[10, 3:17].all()
    assert seen.sum() == 14
