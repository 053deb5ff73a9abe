"""Photographs before plain backgrounds and others, made into what is looked at."""

from typing import Any

import jax.numpy as jnp
import numpy as np
import pytest

from jaxsplat.core.cameras import Camera
from jaxsplat.data.views import View
from jaxsplat.methods import photographs
from jaxsplat.methods.photographs import Taken

SIDE = 64
GREY = np.array([0.7, 0.72, 0.75], np.float32)
# The twin's own background, which photographs with alpha are put over.
WHITE = np.ones(3, np.float32)


def camera() -> Camera:
    focal, middle = jnp.float32(80.0), jnp.float32(SIDE / 2)
    return Camera(jnp.eye(4), focal, focal, middle, middle, SIDE, SIDE)


def taken(item: Any) -> Taken:
    found = photographs.take(item, 0, camera(), WHITE)
    assert isinstance(found, Taken), found
    return found


def coverage() -> np.ndarray:
    """Returns a disc with hard edges."""
    rows, columns = np.mgrid[:SIDE, :SIDE] + 0.5
    return np.hypot(rows - 33, columns - 30) < 16


def object_colors() -> np.ndarray:
    """Returns dark stripes of strong colours."""
    rows, columns = np.mgrid[:SIDE, :SIDE]
    stripes = (rows // 5 + columns // 7) % 3
    colors = np.array([[0.5, 0.1, 0.1], [0.1, 0.4, 0.1], [0.1, 0.1, 0.45]])
    return colors[stripes].astype(np.float32)


def before(behind: np.ndarray) -> np.ndarray:
    shown = np.where(coverage()[..., None], object_colors(), behind)
    return np.rint(255 * shown.clip(0, 1)).astype(np.uint8)


def plain() -> np.ndarray:
    return np.broadcast_to(GREY, (SIDE, SIDE, 3)).copy()


def noisy() -> np.ndarray:
    rng = np.random.default_rng(0)
    return plain() + rng.normal(scale=3 / 255, size=(SIDE, SIDE, 3))


def graded() -> np.ndarray:
    return plain() * np.linspace(0.85, 1.1, SIDE)[:, None, None]


def vignetted() -> np.ndarray:
    rows, columns = np.mgrid[:SIDE, :SIDE] / (SIDE / 2) - 1
    return plain() * (1 - 0.12 * (rows**2 + columns**2))[..., None]


@pytest.mark.parametrize("behind", [noisy, graded, vignetted])
def test_a_plain_background_comes_out_of_one_color(behind: Any) -> None:
    image = before(behind())
    found = taken(image)
    assert found.plain
    rows, columns = np.mgrid[:SIDE, :SIDE] + 0.5
    distance = np.hypot(rows - 33, columns - 30)
    beside = found.image[distance > 20]
    assert np.ptp(beside, axis=0).max() < 1e-6
    np.testing.assert_allclose(beside[0], np.median(behind(), axis=(0, 1)), atol=0.02)
    inside = coverage()
    np.testing.assert_array_equal(
        found.image[inside], image[inside].astype(np.float32) / np.float32(255)
    )


def test_what_covers_half_keeps_its_share_of_the_object() -> None:
    half = 0.5 * object_colors() + 0.5 * graded()
    edge = np.zeros((SIDE, SIDE), bool)
    edge[26:40, 46:48] = True
    image = np.where(edge[..., None], half, before(graded()) / 255)
    found = taken(image.astype(np.float32))
    color = found.image[0, 0]
    change = found.image - image
    # Such pixels differ enough from the background to be taken for the object.
    assert found.plain
    assert np.abs(change[edge]).max() < np.abs(graded() - color).max() + 1e-3


def test_clutter_stays_as_it_is_and_is_not_plain() -> None:
    rng = np.random.default_rng(1)
    patches = rng.uniform(size=(8, 8, 3)).repeat(8, axis=0).repeat(8, axis=1)
    image = before(patches)
    found = taken(image)
    assert not found.plain
    np.testing.assert_array_equal(
        found.image, image.astype(np.float32) / np.float32(255)
    )


def test_a_clean_background_is_unchanged_bit_for_bit() -> None:
    image = before(plain())
    found = taken(image)
    assert found.plain
    np.testing.assert_array_equal(
        found.image, image.astype(np.float32) / np.float32(255)
    )


def test_a_foreground_cuts_the_photograph_out() -> None:
    rng = np.random.default_rng(2)
    image = before(rng.uniform(size=(SIDE, SIDE, 3))).astype(np.float32) / 255
    known = coverage().astype(np.float32)
    found = taken(View("a", image, foreground=known))
    assert found.plain and found.name == "a"
    inside = coverage()
    np.testing.assert_array_equal(found.image[~inside], 1.0)
    np.testing.assert_allclose(found.image[inside], image[inside], atol=1e-6)


def test_alpha_is_put_over_the_twins_background() -> None:
    known = coverage().astype(np.float32)[..., None]
    cut = np.concatenate([object_colors(), known], axis=2)
    found = taken(cut)
    assert found.plain
    expected = known * object_colors() + (1 - known)
    np.testing.assert_allclose(found.image, expected, atol=1e-6)
