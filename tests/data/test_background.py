"""The background of an object: a colour from the training views alone."""

import dataclasses
import pathlib
from collections.abc import Callable

import cv2
import numpy as np
import pytest

from jaxsplat import data
from jaxsplat.data import background, silhouettes
from jaxsplat.data.views import View
from tests.helpers import datasets, faults

GREY = (0.5, 0.6, 0.7)
_RNG = np.random.default_rng(0)
Image, Mask = np.ndarray, np.ndarray


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


def _disc(height: int, width: int, row: float, column: float, radius: float) -> Mask:
    y, x = np.mgrid[:height, :width]
    return (y - row) ** 2 + (x - column) ** 2 < radius**2


def _scene(behind: np.ndarray, where: Mask, noise: float = 0, seed: int = 0) -> Image:
    """Returns an 8-bit photograph of a striped object before a background."""
    rng = np.random.default_rng(seed)
    stripes = np.where(np.arange(behind.shape[1]) // 5 % 2, 0.15, 0.45)
    color = stripes[:, None] * np.array([1.0, 0.7, 0.4])
    image = np.where(where[..., None], color, behind)
    image = image + rng.normal(0, noise / 255, behind.shape)
    return (np.rint(np.clip(image, 0, 1) * 255) / 255).astype(np.float32)


def _plane(value: float = 225 / 255) -> np.ndarray:
    return np.full((120, 160, 3), value)


def _coordinates() -> tuple[np.ndarray, np.ndarray]:
    y, x = np.mgrid[:120, :160]
    return (x / 80 - 1)[..., None], (y / 60 - 1)[..., None]


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


def test_a_plain_background_is_its_median_exactly() -> None:
    image = _scene(_plane(), _disc(120, 160, 60, 80, 30))
    found = background.model_background(image)
    assert found.is_plain
    assert found.noise == pytest.approx(0, abs=1e-4)
    np.testing.assert_allclose(found.image, 225 / 255, atol=1e-4)
    assert np.ptp(found.image) == 0


@pytest.mark.parametrize("noise", [3, 6])
@pytest.mark.parametrize("grey", [225, 255])
def test_noise_is_measured_and_tolerated(noise: float, grey: int) -> None:
    image = _scene(_plane(grey / 255), _disc(120, 160, 60, 80, 30), noise)
    found = background.model_background(image)
    assert found.is_plain
    np.testing.assert_allclose(found.image, grey / 255, atol=1.5 / 255)
    # Half of the noise about white is clipped.
    assert 0.7 * noise < 255 * found.noise < 1.1 * noise


def _gradient() -> np.ndarray:
    x, y = _coordinates()
    return np.broadcast_to(0.7 + 0.15 * x - 0.1 * y, (120, 160, 3))


def _vignetting(share: float) -> np.ndarray:
    x, y = _coordinates()
    return np.broadcast_to(0.85 * (1 - share * (x * x + y * y) / 2), (120, 160, 3))


@pytest.mark.parametrize("noise", [0, 3])
@pytest.mark.parametrize(
    "behind",
    [_gradient(), _vignetting(0.05), _vignetting(0.2)],
    ids=["gradient", "vignetting of 5 %", "vignetting of 20 %"],
)
def test_smooth_changes_are_followed_behind_the_object(
    behind: np.ndarray, noise: float
) -> None:
    image = _scene(behind, _disc(120, 160, 55, 90, 35), noise)
    found = background.model_background(image)
    assert found.is_plain
    assert np.abs(found.image - behind).max() < (3 if noise else 2) / 255


def test_the_frame_may_cut_the_object_off() -> None:
    where = np.zeros((120, 160), bool)
    where[40:, 30:130] = True
    where[70:90] = True
    ring = background.border_mask(120, 160)
    assert 0.2 < where[ring].mean() < 0.4
    found = background.model_background(_scene(_vignetting(0.1), where, 2))
    assert found.is_plain
    outside = ~where
    assert np.abs(found.image - _vignetting(0.1))[outside].max() < 3 / 255


def test_a_soft_shadow_belongs_to_the_background() -> None:
    x, y = _coordinates()
    shade = 1 - 0.2 * np.exp(-((x / 0.8) ** 2) - ((y - 0.6) / 0.35) ** 2)
    where = _disc(120, 160, 40, 80, 25)
    image = _scene(_plane() * shade, where, 1)
    found = background.model_background(image)
    assert found.is_plain
    away = ~_disc(120, 160, 40, 80, 33)
    assert np.quantile(np.abs(found.image - _plane() * shade)[away], 0.98) < 4 / 255


@pytest.mark.parametrize("noise", [0, 2])
def test_a_shadow_close_to_its_object_is_no_part_of_it(noise: float) -> None:
    where = _disc(120, 160, 60, 70, 30)
    where[45:75, 70:115] = True
    moved = np.roll(where, (6, 4), (0, 1)).astype(np.float32)
    shade = 1 - 0.35 * cv2.GaussianBlur(moved, (0, 0), 5.0)[..., None]
    light = np.full((120, 160, 3), 209 / 255)
    image = _scene(light * shade, where, noise)
    found = background.model_background(image)
    assert found.is_plain
    seen = silhouettes.differing(image, found)
    assert (seen & where).sum() / (seen | where).sum() > 0.95
    # Taken as it is, the shadow is as much as half of the object.
    plain = np.abs(image - light).max(axis=2) > background.tolerance(noise / 255)
    assert (plain & where).sum() / (plain | where).sum() < 0.75


def test_a_part_as_bright_as_the_shadow_beside_it_is_still_the_objects() -> None:
    where = _disc(120, 160, 60, 70, 30)
    moved = np.roll(where, (6, 4), (0, 1)).astype(np.float32)
    shade = 1 - 0.35 * cv2.GaussianBlur(moved, (0, 0), 5.0)[..., None]
    image = _scene(209 / 255 * np.ones(3) * shade, where, 0)
    # Its outline has no contrast where the shadow is as bright, on both sides of it.
    part = _disc(120, 160, 60, 104, 14) & ~where
    image[part] = 190 / 255
    seen = silhouettes.differing(image, background.model_background(image))
    assert seen[part].mean() > 0.8
    assert seen[~part & ~where].mean() < 0.02


def test_floor_and_wall_meet_in_a_line() -> None:
    x, y = _coordinates()
    behind = np.where(y < 0.25 + 0.1 * x, 0.85, 0.7) * np.ones(3)
    found = background.model_background(_scene(behind, _disc(120, 160, 60, 80, 30), 1))
    assert found.is_plain
    wrong = np.abs(found.image - behind).max(axis=2) > 3 / 255
    # Only the seam, where the photograph decides.
    assert wrong.mean() < 0.02


@pytest.mark.parametrize("noise", [0, 2])
def test_an_object_of_a_tone_between_floor_and_wall_crosses_their_line(
    noise: float,
) -> None:
    x, y = _coordinates()
    behind = np.where(y < 0.1 + 0.1 * x, 0.85, 0.65) * np.ones(3)
    where = np.zeros((120, 160), bool)
    where[30:100, 50:110] = True
    image = _scene(behind, np.zeros((120, 160), bool), noise)
    image[where] = np.clip(0.75 + image[where] - behind[where], 0, 1)
    found = background.model_background(image)
    assert found.is_plain
    shown = silhouettes.differing(image, found)
    assert (shown ^ where).mean() < 0.005
    # Beside the object the seam is still the background's, but for noise.
    beside = np.concatenate([shown[:, :45], shown[:, 115:]], axis=1)
    assert beside.mean() < (1e-3 if noise else 1e-9)


@pytest.mark.parametrize("slant", [-0.1, 0.02, 0.15])
def test_floor_and_wall_are_vignetted_too(slant: float) -> None:
    x, y = _coordinates()
    tones = np.where(y < 0.1 + slant * x, 225 / 255, 205 / 255) * np.ones(3)
    behind = tones * (1 - 0.025 * (x * x + y * y))
    found = background.model_background(_scene(behind, _disc(120, 160, 60, 80, 30), 0))
    assert found.is_plain
    wrong = np.abs(found.image - behind).max(axis=2) > 3 / 255
    # A surface that follows the border alone is wrong in a third of the picture.
    assert wrong.mean() < 0.03


@pytest.mark.parametrize("seed", range(3))
def test_clutter_is_not_plain(seed: int) -> None:
    rng = np.random.default_rng(seed)
    coarse = rng.uniform(size=(8, 10, 3)).astype(np.float32)
    clutter = cv2.resize(coarse, (160, 120), interpolation=cv2.INTER_CUBIC)
    image = _scene(clutter, _disc(120, 160, 60, 80, 30))
    found = background.model_background(image)
    assert not found.is_plain and not found.is_told


def test_a_few_patches_that_agree_tell_no_background() -> None:
    """What is left of a border of clutter may agree with anything."""
    rng = np.random.default_rng(0)
    grain = rng.uniform(0.2, 0.9, (120, 160, 1)) * np.ones(3)
    grain[:60] = cv2.resize(rng.uniform(size=(3, 8, 3)), (160, 60), interpolation=0)
    found = background.model_background(_scene(grain, _disc(120, 160, 60, 80, 30)))
    assert not found.is_told


def test_what_tells_a_background_need_not_be_plain() -> None:
    """Something else stands on it, at the border."""
    behind = _plane()
    behind[10:25, :40] = (0.1, 0.3, 0.8)
    image = _scene(behind, _disc(120, 160, 60, 100, 30), noise=2)
    assert background.model_background(image).is_told


@pytest.mark.parametrize("shape", [(3, 3, 3), (3, 40, 3), (12, 20, 3)])
def test_tiny_photographs_have_a_background_too(shape: tuple[int, int, int]) -> None:
    found = background.model_background(np.full(shape, 0.5, np.float32))
    assert found.is_plain
    np.testing.assert_allclose(found.image, 0.5, atol=1e-4)


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


@pytest.mark.parametrize("grey", [191, 211])
def test_other_test_photographs_change_nothing_of_the_training_set(
    mad: pathlib.Path, grey: int
) -> None:
    before = data.load_object(mad)
    for path in mad.glob("test/*/*.png"):
        pixels = datasets.picture(int(path.stem))
        pixels = np.where(pixels == 255, grey, 0.75 * pixels)
        datasets.save(path, pixels.astype(np.uint8))
    after = data.load_object(mad)
    for field in dataclasses.fields(before):
        if field.name not in ("test", "train"):
            found = getattr(after, field.name), getattr(before, field.name)
            assert repr(found[0]) == repr(found[1]), field.name
    for one, other in zip(after.train, before.train, strict=True):
        np.testing.assert_array_equal(one.image, other.image)
        assert (one.alpha, one.foreground) == (None, None)
        assert one.camera is not None and other.camera is not None
        np.testing.assert_array_equal(
            one.camera.camera_from_world, other.camera.camera_from_world
        )
    # They are what they are themselves.
    for view in after.test:
        assert view.image.max() == pytest.approx(grey / 255)


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
