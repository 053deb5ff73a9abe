"""Objects cut out of photographs, against coverage that is known in closed form."""

import numpy as np
import pytest

from jaxsplat.study import cutouts

SIDE, RADIUS = 64, 20.0


def disc(hole: float = 0.0) -> np.ndarray:
    """Returns the coverage of a disc, or ring, from 16 x 16 samples of each pixel."""
    fine = (np.arange(16 * SIDE) + 0.5) / 16 - SIDE / 2
    radius = np.hypot(fine[:, None], fine[None])
    inside = (radius < RADIUS) & (radius >= hole)
    return inside.reshape(SIDE, 16, SIDE, 16).mean(axis=(1, 3)).astype(np.float32)


def colors() -> np.ndarray:
    """Returns colours that change over the object."""
    ramp = np.linspace(0.1, 0.7, SIDE, dtype=np.float32)
    return np.stack(
        [
            np.broadcast_to(ramp, (SIDE, SIDE)),
            np.full((SIDE, SIDE), 0.3),
            np.broadcast_to(ramp[:, None], (SIDE, SIDE)),
        ],
        axis=-1,
    ).astype(np.float32)


@pytest.mark.parametrize("behind", [(1.0, 1.0, 1.0), (0.2, 0.6, 0.9), (0.0, 0.0, 0.0)])
def test_coverage_and_colour_come_back_from_a_plain_background(
    behind: tuple[float, float, float],
) -> None:
    background = np.array(behind, np.float32)
    coverage = disc()
    plate = np.broadcast_to(background, (SIDE, SIDE, 3)).astype(np.float32)
    photo = cutouts.over(colors(), coverage, plate)
    found = cutouts.of_plain_background(photo, background)
    assert np.abs(found.coverage - coverage).max() < 0.1
    assert abs(found.coverage.sum() / coverage.sum() - 1) < 0.005
    again = cutouts.over(found.color, found.coverage, plate)
    assert np.abs(again - photo).max() < 2.5 / 255 + 1e-6
    # Over another background there is no rim in the old one's colour.
    other = np.full_like(plate, 0.5)
    expected = cutouts.over(colors(), coverage, other)
    assert (
        np.abs(cutouts.over(found.color, found.coverage, other) - expected).max() < 0.06
    )


def test_holes_stay_open_and_highlights_are_the_object() -> None:
    white = np.ones(3, np.float32)
    plate = np.ones((SIDE, SIDE, 3), np.float32)
    ring = cutouts.over(colors(), disc(hole=8.0), plate)
    found = cutouts.of_plain_background(ring, white)
    assert found.coverage[SIDE // 2, SIDE // 2] == 0
    # A few saturated pixels of a large photograph are no hole.
    solid = cutouts.over(colors(), disc(), plate)
    big = np.ones((256, 256, 3), np.float32)
    big[:SIDE, :SIDE] = solid
    big[30:33, 30:33] = 1.0
    assert cutouts.of_plain_background(big, white).coverage[31, 31] == 1


def test_alpha_is_the_coverage_and_colours_go_on_beyond_it() -> None:
    coverage = disc()
    premultiplied = coverage[..., None] * colors()
    found = cutouts.of_alpha(premultiplied, coverage)
    np.testing.assert_array_equal(found.coverage, coverage)
    inside = coverage > 0.01
    np.testing.assert_allclose(found.color[inside], colors()[inside], atol=1e-4)
    # A row's nearest colour on the left is the disc's leftmost one.
    left = int(SIDE / 2 - RADIUS)
    np.testing.assert_allclose(
        found.color[SIDE // 2, 0], colors()[SIDE // 2, left], atol=0.03
    )


def test_a_picture_of_the_background_alone_has_no_object() -> None:
    empty = np.full((16, 16, 3), 0.5, np.float32)
    found = cutouts.of_plain_background(empty, np.full(3, 0.5, np.float32))
    assert not found.coverage.any() and np.isfinite(found.color).all()
