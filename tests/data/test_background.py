"""The background of an object: a colour from the training views alone."""

import pathlib
from collections.abc import Callable

import numpy as np
import pytest

from jaxsplat import data
from jaxsplat.data import background, silhouettes
from jaxsplat.data.views import View
from tests.helpers import datasets, faults

GREY = (0.5, 0.6, 0.7)
_RNG = np.random.default_rng(0)


def _photograph(noise: float = 0.0, seed: int = 0) -> View:
    """Returns a view of a dark block on grey, with uniform noise."""
    image = np.broadcast_to(np.float32(GREY), (40, 50, 3)).copy()
    image[10:30, 15:35] = 0.1
    rng = np.random.default_rng(seed)
    image += rng.uniform(-noise, noise, image.shape).astype(np.float32)
    return View(f"{seed}.png", image)


def test_background_that_is_not_plain_is_the_median() -> None:
    noisy = tuple(_photograph(noise=0.1, seed=seed) for seed in range(3))
    found = background.find_background(noisy)
    assert not found.is_plain
    assert found.color == pytest.approx(GREY, abs=0.02)


def test_half_and_half_is_not_plain() -> None:
    half = np.zeros((20, 20, 3), np.float32)
    half[:, :9] = 1.0
    found = background.find_background((View("half", half),))
    assert found == background.Background((0.0, 0.0, 0.0), is_plain=False)


def test_object_may_touch_the_border_in_some_views() -> None:
    views = tuple(_photograph(seed=seed) for seed in range(5))
    views[0].image[-1, 10:40] = 0.0
    found = background.find_background(views)
    assert found.is_plain
    assert found.color == pytest.approx(GREY)


def test_views_with_alpha_are_on_white() -> None:
    view = View("a.png", _photograph().image, np.zeros((40, 50), np.float32))
    expected = background.Background((1.0, 1.0, 1.0), is_plain=True)
    assert background.find_background((view,)) == expected


Change = Callable[[np.ndarray], np.ndarray]


@pytest.mark.parametrize(
    "change",
    [
        lambda pixels: pixels * 0.75,
        lambda pixels: np.where(pixels == 255, 211, pixels),
        lambda pixels: _RNG.integers(0, 256, pixels.shape),
    ],
    ids=["a quarter darker", "light grey", "noise"],
)
def test_test_photographs_take_no_part(mad: pathlib.Path, change: Change) -> None:
    for path in mad.glob("test/*/*.png"):
        pixels = change(datasets.picture(int(path.stem)))
        datasets.save(path, pixels.astype(np.uint8))
    loaded = data.load_object(mad)
    assert loaded.background == (1.0, 1.0, 1.0)
    assert loaded.background_is_plain


def _clear_every_second(root: pathlib.Path, outside: Change) -> None:
    """Gives odd training views alpha and changes what the even ones show outside."""
    for index in range(datasets.VIEWS):
        pixels = datasets.picture(index, alpha=index % 2 == 1)
        if index % 2 == 0:
            block = pixels[..., 1:2] == 60
            pixels = np.where(block, pixels, outside(pixels)).astype(np.uint8)
        datasets.save(root / f"train/good/{index}.png", pixels)


@pytest.mark.parametrize("grey", [255, 102])
def test_a_mixed_set_becomes_one_on_a_plain_background(
    mad: pathlib.Path, grey: int
) -> None:
    _clear_every_second(mad, lambda pixels: np.full_like(pixels, grey))
    loaded = data.load_object(mad)
    assert loaded.background == pytest.approx((grey / 255,) * 3, abs=1e-4)
    assert loaded.background_is_plain
    for index, view in enumerate(loaded.train):
        expected = datasets.picture(index)
        expected[expected == 255] = grey
        assert view.alpha is None
        np.testing.assert_allclose(view.image, expected / 255, atol=1e-4)
        seen = silhouettes.silhouette(view, loaded.background)
        np.testing.assert_array_equal(seen, datasets.picture(0)[..., 1] == 60)
    assert loaded.warnings == (
        "has alpha where others have none and is put over the background of those: "
        "train/good/1.png and 5 more",
    )


def test_a_mixed_set_whose_background_is_not_plain_is_remarked(
    mad: pathlib.Path,
) -> None:
    _clear_every_second(mad, lambda p: _RNG.integers(0, 256, p.shape))
    loaded = data.load_object(mad)
    assert not loaded.background_is_plain
    assert all(view.alpha is None for view in loaded.train)
    outside = loaded.train[1].image[0, 0]
    np.testing.assert_allclose(outside, loaded.background, atol=1e-6)
    assert "which is not plain: train/good/1.png" in loaded.warnings[0]


def test_what_test_views_have_does_not_mix_the_training_set(
    mad: pathlib.Path,
) -> None:
    faults.image("test/good/0.png", datasets.picture(3, alpha=True))(mad)
    loaded = data.load_object(mad)
    assert [view.alpha is None for view in loaded.test].count(False) == 1
    assert all(view.alpha is None for view in loaded.train)
    assert not [text for text in loaded.warnings if "alpha" in text]


def test_an_opaque_query_has_no_alpha_whatever_the_others_have(
    mad: pathlib.Path,
) -> None:
    opaque = np.dstack([datasets.picture(3), np.full((12, 20), 255, np.uint8)])
    faults.image("test/good/0.png", opaque)(mad)
    faults.image("test/good/1.png", datasets.picture(3, alpha=True))(mad)
    alphas = {view.name: view.alpha for view in data.load_object(mad).test}
    assert alphas["test/good/0.png"] is None
    assert alphas["test/good/1.png"] is not None
