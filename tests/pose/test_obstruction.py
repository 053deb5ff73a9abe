"""What reaches in from the frame, in front of an object before a plain background."""

import jax.numpy as jnp
import numpy as np
import pytest
import scipy.ndimage

from jaxsplat import pose
from jaxsplat.pose.expected import Expected, expected_photographs
from jaxsplat.pose.obstruction import find_obstructed, hidden, obstructed
from tests.pose.conftest import Toy, drawn_before, estimated

SIDE = 48


def good_photographs(toy: Toy) -> np.ndarray:
    """Returns what the toy's cameras see before white, [3, h, w, 3]."""
    color, alpha = drawn_before(toy, toy.truth)
    return np.array(color + (1 - alpha[..., None]))


def shown(
    toy: Toy, images: np.ndarray, plain: bool = True, gain: np.ndarray = np.ones(3)
) -> tuple[np.ndarray, Expected]:
    """Returns what is found in front, and what the photographs should show."""
    photographs = pose.on_plain(jnp.asarray(images, jnp.float32))
    if not plain:
        photographs = pose.anywhere(photographs.images)
    expected = expected_photographs(
        toy.twin, photographs, estimated(toy, gain, jnp.ones(3))
    )
    found, told = find_obstructed(toy.twin, photographs, expected)
    return np.asarray(found), told


def test_a_rod_from_outside_is_found_and_nothing_else(toy: Toy) -> None:
    images = good_photographs(toy)
    rod = np.zeros((SIDE, SIDE), bool)
    rod[20:28, :26] = True
    images[0, rod] = [0.9, 0.1, 0.8]
    # A patch as large that does not reach the frame is a defect of the object.
    images[1, 18:28, 14:34] = [0.9, 0.1, 0.8]
    found, expected = shown(toy, images)
    assert found[0][rod].all()
    # The soft border of a piece counts with it, and no more.
    wide = scipy.ndimage.binary_dilation(rod, np.ones((7, 7)))
    assert not found[0][~wide].any()
    assert not found[1].any() and not found[2].any()
    share = hidden(jnp.asarray(found), expected.coverage)
    coverage = np.asarray(expected.coverage[0])
    assert coverage[rod].sum() / coverage.sum() > 0.05
    assert float(share[0]) >= coverage[rod].sum() / coverage.sum()
    assert float(share[0]) <= coverage[wide].sum() / coverage.sum() + 1e-6
    assert share[1:].tolist() == [0, 0]


def test_before_unknown_surroundings_nothing_is_found(toy: Toy) -> None:
    images = good_photographs(toy)
    images[:, 20:28, :26] = [0.9, 0.1, 0.8]
    found, _ = shown(toy, images, plain=False)
    assert not found.any()


def test_the_exposure_is_told_without_it(toy: Toy) -> None:
    color, alpha = drawn_before(toy, toy.truth)
    images = np.array(0.8 * color + (1 - alpha[..., None]))
    images[:2, 18:30, :26] = [0.5, 0.0, 0.6]
    tinted = np.array([0.84, 0.76, 0.82])
    found, expected = shown(toy, images, gain=tinted)
    assert found[:2].any(axis=(1, 2)).all() and not found[2].any()
    # Up to the prior, which holds gains near 1; most of the tint is gone.
    gains = np.asarray(expected.exposure.gain)
    np.testing.assert_allclose(gains[:2], 0.8, atol=0.04)
    assert np.ptp(gains[:2], axis=1).max() < 0.3 * np.ptp(tinted)
    # Nothing is told anew where nothing stands in front.
    np.testing.assert_allclose(gains[2], tinted, rtol=1e-6)


@pytest.mark.parametrize("size", [(30, 40), (150, 200)])
def test_any_size_is_followed_around_corners(size: tuple[int, int]) -> None:
    height, width = size
    known = np.ones((1, height, width, 3), np.float32)
    coverage = np.zeros((1, height, width), np.float32)
    coverage[:, height // 3 : -height // 3, width // 3 : -width // 3] = 1
    seen = known.copy()
    # A hook: down from the upper frame, then across the object.
    thick = height // 6
    hook = np.zeros((height, width), bool)
    hook[: height // 2 + thick, 2 : 2 + thick] = True
    hook[height // 2 : height // 2 + thick, 2 : width // 2] = True
    seen[0, hook] = 0.2
    seen[0, height // 4, -3:] = 0.2  # too thin for a piece
    found = np.asarray(obstructed(*map(jnp.asarray, (seen, known, coverage))))[0]
    assert found[hook].all()
    margin = 5 * max(1, max(size) // 100)
    wide = scipy.ndimage.binary_dilation(hook, np.ones((2 * margin + 1,) * 2))
    assert not found[~wide].any()


def test_an_object_that_the_frame_cuts_is_no_obstruction() -> None:
    known = np.ones((1, 40, 40, 3), np.float32)
    coverage = np.zeros((1, 40, 40), np.float32)
    coverage[0, 10:30, 20:] = 1
    known[0, 10:30, 20:] = 0.5
    seen = known.copy()
    seen[0, 14:24, 30:] = 0.1  # a stain that the frame cuts
    found = obstructed(*map(jnp.asarray, (seen, known, coverage)))
    assert not found.any()
