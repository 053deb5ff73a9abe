"""Where the object is, and the plain background that tells it."""

import cv2
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


def test_a_mask_of_its_own_decides_before_the_background() -> None:
    view = View("m.png", np.ones((40, 50, 3), np.float32), foreground=_inside() * 0.6)
    np.testing.assert_array_equal(
        silhouettes.silhouette(view, (1.0, 1.0, 1.0)), _inside()
    )


def _ring(noise: float, seed: int = 0) -> tuple[View, np.ndarray]:
    """Returns a noisy photograph of a ring, whose hole is background, and its mask."""
    y, x = np.mgrid[:150, :200]
    squared = (y - 75) ** 2 + (x - 100) ** 2
    mask = (squared < 50**2) & (squared > 20**2)
    image = np.where(mask[..., None], [0.3, 0.25, 0.35], 225 / 255)
    image = image + np.random.default_rng(seed).normal(0, noise / 255, image.shape)
    image = np.rint(np.clip(image, 0, 1) * 255) / 255
    return View("ring.png", image.astype(np.float32)), mask


@pytest.mark.parametrize("noise", [0, 3, 6])
def test_noise_neither_marks_background_nor_fills_holes(noise: float) -> None:
    view, mask = _ring(noise)
    model = background.model_background(view.image)
    seen = silhouettes.silhouette(view, model)
    assert seen is not None
    assert (seen & mask).sum() / (seen | mask).sum() > 0.985
    assert not seen[70:80, 95:105].any()
    assert not seen[:20].any()


def test_a_clean_photograph_has_the_silhouette_of_its_exact_color() -> None:
    view = _disc()
    model = background.model_background(view.image)
    np.testing.assert_array_equal(
        silhouettes.silhouette(view, model), silhouettes.silhouette(view, GREY)
    )


def test_compression_beside_the_edge_is_not_the_object() -> None:
    view, mask = _ring(0)
    pixels = np.rint(255 * view.image).astype(np.uint8)
    _, coded = cv2.imencode(".jpg", pixels, [cv2.IMWRITE_JPEG_QUALITY, 75])
    image = cv2.imdecode(coded, cv2.IMREAD_COLOR).astype(np.float32) / 255
    seen = silhouettes.silhouette(
        View("ring.jpg", image), background.model_background(image)
    )
    assert seen is not None
    assert (seen & mask).sum() / (seen | mask).sum() > 0.95


def test_nothing_is_told_before_clutter() -> None:
    image = np.random.default_rng(0).uniform(size=(60, 80, 3)).astype(np.float32)
    model = background.model_background(image)
    assert silhouettes.silhouette(View("c.png", image), model) is None
