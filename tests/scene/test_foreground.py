"""Where the object is, told by each of the means, on a sphere before backgrounds."""

import dataclasses

import cv2
import jax
import numpy as np
import pytest

from jaxsplat.data.background import Surroundings
from jaxsplat.data.views import View, posed_cameras
from jaxsplat.errors import DataError
from jaxsplat.scene import cut_outs, foreground
from jaxsplat.scene.found import Foreground
from tests.scene.test_hull import CENTER, SIDE, ring, sphere

GREY = 225 / 255
VIEWS = 24


@pytest.fixture(scope="module")
def masks() -> np.ndarray:
    """Returns silhouettes of two spheres that are one object."""
    aside = CENTER + np.array([0.0, 0.0, 0.55])
    return sphere(ring(VIEWS), 0.7) | sphere(ring(VIEWS), 0.35, aside)


def _views(masks: np.ndarray, behind: np.ndarray, noise: float = 0) -> tuple[View, ...]:
    """Returns 8-bit photographs of the object, reddish, before [v, h, w, 3]."""
    rng = np.random.default_rng(0)
    stack = ring(VIEWS)
    texture = rng.uniform(-0.06, 0.06, (*masks.shape, 1))
    images = np.where(masks[..., None], np.array([0.6, 0.2, 0.15]) + texture, behind)
    images = images + rng.normal(0, noise / 255, images.shape)
    images = (np.rint(np.clip(images, 0, 1) * 255) / 255).astype(np.float32)
    return tuple(
        View(f"{i}.png", image, camera=jax.tree.map(lambda leaf, i=i: leaf[i], stack))
        for i, image in enumerate(images)
    )


def _plain(color: float = GREY) -> np.ndarray:
    return np.full((VIEWS, SIDE, SIDE, 3), color)


def _clutter(seed: int) -> np.ndarray:
    rng = np.random.default_rng(seed)
    coarse = rng.uniform(size=(9, 9, 3)).astype(np.float32) * [0.5, 1, 1]
    return cv2.resize(coarse, (SIDE, SIDE), interpolation=cv2.INTER_NEAREST)


def _overlaps(found: Foreground, masks: np.ndarray) -> np.ndarray:
    assert found.coverage is not None
    seen = found.coverage > 0.5
    return (seen & masks).sum(axis=(1, 2)) / (seen | masks).sum(axis=(1, 2))


def test_alpha_is_trusted_most(masks: np.ndarray) -> None:
    views = [
        dataclasses.replace(view, alpha=mask.astype(np.float32))
        for view, mask in zip(_views(masks, _plain(0.0)), masks, strict=True)
    ]
    found = foreground.find_foreground(views)
    assert found.kind == "alpha"
    assert found.confidence > 0.9
    assert found.disagreeing == found.notes == ()
    np.testing.assert_array_equal(found.coverage, masks)
    assert foreground.cut_out(views, found) == tuple(views)


def test_masks_of_files_come_next_and_the_others_carve_what_is_missing(
    masks: np.ndarray,
) -> None:
    clutter = np.stack([_clutter(i) for i in range(VIEWS)])
    views = [
        dataclasses.replace(view, foreground=mask.astype(np.float32) if i else None)
        for i, (view, mask) in enumerate(
            zip(_views(masks, clutter), masks, strict=True)
        )
    ]
    found = foreground.find_foreground(views)
    assert found.kind == "masks"
    overlaps = _overlaps(found, masks)
    assert (overlaps[1:] == 1).all()
    assert overlaps[0] > 0.85
    assert found.notes == (
        "has no mask and gets the outline that the others carve: 0.png",
    )


def test_a_patch_that_other_views_see_through_is_left_out(masks: np.ndarray) -> None:
    drawn = masks.copy()
    drawn[3, 2:9, 2:9] = True
    views = [
        dataclasses.replace(view, alpha=mask.astype(np.float32))
        for view, mask in zip(_views(masks, _plain(0.0)), drawn, strict=True)
    ]
    found = foreground.find_foreground(views)
    np.testing.assert_array_equal(found.coverage, masks)
    assert found.notes == (
        "masks a patch that the other views see through; it is left out: 3.png",
    )
    np.testing.assert_array_equal(
        foreground.cut_out(views, found)[3].image[2:9, 2:9], 0
    )


@pytest.mark.parametrize("noise", [0, 3])
def test_a_plain_background_tells_the_object(masks: np.ndarray, noise: float) -> None:
    views = _views(masks, _plain(), noise)
    found = foreground.find_foreground(views)
    assert found.kind == "plain"
    assert found.confidence > 0.9
    assert _overlaps(found, masks).min() > 0.95
    cut = foreground.cut_out(views, found)
    for view, whole, mask in zip(cut, views, masks, strict=True):
        inner = cv2.erode(mask.astype(np.uint8), np.ones((5, 5), np.uint8)) > 0
        np.testing.assert_array_equal(view.image[inner], whole.image[inner])
        outer = cv2.dilate(mask.astype(np.uint8), np.ones((5, 5), np.uint8)) == 0
        assert view.image[outer].max(initial=0) == 0
        assert view.alpha is not None
        assert (view.image <= view.alpha[..., None] + 1e-6).all()


def _before(behind: np.ndarray, gains: np.ndarray) -> np.ndarray:
    """Returns a background [h, w, 3] in the light of each view, [v, h, w, 3]."""
    return behind[None] * gains[:, None, None, None]


def _smooth() -> dict[str, tuple[np.ndarray, np.ndarray]]:
    """Returns what a camera makes of grey walls: background and gain of each view."""
    y, x = np.mgrid[:SIDE, :SIDE] / (SIDE / 2) - 1
    grey, same = np.full((SIDE, SIDE, 3), GREY), np.ones(VIEWS)
    floor = np.where(y < 0.35 + 0.1 * x, GREY, GREY - 20 / 255)[..., None] * np.ones(3)
    return {
        "vignetting": (grey * (1 - 0.05 * (x * x + y * y) / 2)[..., None], same),
        "exposure": (grey, 1 + 0.01 * (-1.0) ** np.arange(VIEWS)),
        "floor and wall": (floor, same),
    }


@pytest.mark.parametrize("kind", _smooth())
def test_vignetting_exposure_and_a_floor_leave_the_background_plain(
    masks: np.ndarray, kind: str
) -> None:
    views = _views(masks, _before(*_smooth()[kind]))
    found = foreground.find_foreground(views)
    assert found.kind == "plain"
    assert found.confidence > 0.9
    overlaps = _overlaps(found, masks)
    assert overlaps.min() > 0.9 and np.median(overlaps) > 0.97


@pytest.mark.parametrize("changes", [False, True], ids=["still", "changing"])
def test_an_object_is_cut_out_of_clutter(masks: np.ndarray, changes: bool) -> None:
    clutter = np.stack([_clutter(i if changes else 0) for i in range(VIEWS)])
    found = foreground.find_foreground(_views(masks, clutter))
    assert found.kind == "cut_out"
    assert found.confidence > 0.84
    assert np.median(_overlaps(found, masks)) > 0.8


def test_a_background_that_is_not_told_is_not_heeded(masks: np.ndarray) -> None:
    """It would call the lower half of the object, and all that is there, background."""
    views = _views(masks, np.stack([_clutter(i) for i in range(VIEWS)]))
    lower = np.arange(SIDE)[:, None, None] >= SIDE // 2
    found = {}
    for is_told in (False, True):
        models = [
            Surroundings(np.where(lower, view.image, -1), 0.0, 1.0, is_told, False)
            for view in views
        ]
        cut = cut_outs.by_cutting(views, models, posed_cameras(views))
        found[is_told] = np.median(_overlaps(cut, masks)) if cut.kind != "none" else 0
    assert found[False] > 0.8 and found[True] < 0.6


def test_cut_outs_do_not_depend_on_the_run(masks: np.ndarray) -> None:
    views = _views(masks, np.stack([_clutter(i) for i in range(VIEWS)]))
    first, second = (foreground.find_foreground(views) for _ in range(2))
    np.testing.assert_array_equal(first.coverage, second.coverage)


def test_clutter_alone_is_no_object(masks: np.ndarray) -> None:
    clutter = np.stack([_clutter(i) for i in range(VIEWS)])
    found = foreground.find_foreground(_views(masks & False, clutter))
    assert (found.kind, found.confidence, found.coverage) == ("none", 0, None)
    assert "give masks" in found.notes[0]
    with pytest.raises(DataError, match="give masks"):
        foreground.cut_out((), found)


def test_a_near_black_object_on_black_cannot_be_told(masks: np.ndarray) -> None:
    views = tuple(
        dataclasses.replace(view, image=view.image * np.float32(0.012))
        for view in _views(masks, _plain(0.0), noise=100)
    )
    found = foreground.find_foreground(views)
    assert found.kind == "none"
    assert "cannot be told from the background" in found.notes[0]
    assert "pose" not in found.notes[0]


@pytest.mark.parametrize("field", ["alpha", "foreground"])
def test_masks_that_mark_nothing_anywhere(masks: np.ndarray, field: str) -> None:
    views = [
        dataclasses.replace(view, **{field: np.zeros(mask.shape, np.float32)})
        for view, mask in zip(_views(masks, _plain()), masks, strict=True)
    ]
    found = foreground.find_foreground(views)
    (note,) = found.notes
    assert "show nothing: their alpha or masks are 0 throughout" in note
    with pytest.raises(DataError, match="show nothing"):
        foreground.cut_out(views, found)


def test_views_of_one_color_show_nothing(masks: np.ndarray) -> None:
    found = foreground.find_foreground(_views(masks & False, _plain(0.0)))
    assert found.kind == "none"
    assert found.notes == (
        "the training views show nothing: each is of one colour throughout; "
        "expected photographs of the object",
    )


def test_the_view_that_disagrees_is_named(masks: np.ndarray) -> None:
    masks = masks.copy()
    masks[4] = np.roll(masks[4], 12, axis=1)
    found = foreground.find_foreground(_views(masks, _plain()))
    assert found.disagreeing == ("4.png",)
    assert found.notes == ("disagrees with what the other views show: 4.png",)


def test_the_view_that_disagrees_most_is_named_first(masks: np.ndarray) -> None:
    masks = masks.copy()
    masks[2] = np.roll(masks[2], 4, axis=1)
    masks[5] = np.roll(masks[5], 12, axis=1)
    found = foreground.find_foreground(_views(masks, _plain()))
    assert found.disagreeing == ("5.png", "2.png")
    assert found.notes == (
        "disagrees with what the other views show: 5.png and 1 more",
    )


def test_wrong_poses_have_little_confidence_and_a_note(masks: np.ndarray) -> None:
    aside = np.array([0.5, 0.0, 0.0])
    apart = sphere(ring(VIEWS), 0.3, CENTER + aside)
    apart[::2] = sphere(ring(VIEWS), 0.3, CENTER - aside)[::2]
    found = foreground.find_foreground(_views(apart, _plain()))
    assert found.kind == "plain"
    assert found.confidence < 0.75
    assert "expected poses that agree with the images" in found.notes[0]
