"""Peaks of maps, and maps read between their pixels."""

import jax.numpy as jnp
import numpy as np

from jaxsplat.matchers import peaks


def test_peaks_are_the_highest_around_and_not_at_the_frame() -> None:
    heat = np.zeros((1, 9, 11), np.float32)
    heat[0, 4, 4], heat[0, 4, 5], heat[0, 1, 8], heat[0, 6, 8] = 3, 2, 5, 1
    found = np.argwhere(peaks.peaks(jnp.asarray(heat - 1), 5)[0])
    high = [tuple(p) for p in found if heat[0, p[0], p[1]] > 0]
    assert high == [(4, 4), (6, 8)]


def test_further_rounds_find_what_higher_peaks_hide() -> None:
    heat = np.full((1, 7, 16), 0.1, np.float32)
    heat[0, 3, 3:12] = 9, 8, 7, 6, 5, 4, 3, 2, 1

    def found(rounds: int) -> list[tuple[int, int]]:
        where = peaks.peaks(jnp.asarray(heat), 5, rounds)[0]
        return [(y, x) for y, x in np.argwhere(where) if heat[0, y, x] > 0.5]

    assert found(0) == [(3, 3)]
    assert found(1) == [(3, 3), (3, 6)]
    assert found(2) == [(3, 3), (3, 6), (3, 9)]


def test_soft_argmax_is_the_mean_by_softmax() -> None:
    heat = np.zeros((1, 6, 7), np.float32)
    heat[0, 2, 3], heat[0, 2, 4] = 1.0, 0.5
    found = peaks.refined(jnp.asarray(heat), jnp.array([[[3, 2]]]), 1, 0.5)
    powers = np.exp([2, 1, 0])
    expected = 3 + (powers[1] + 2 - 3) / (powers[0] + powers[1] + 7)
    np.testing.assert_allclose(found, [[[expected, 2.0]]], rtol=1e-6)


def test_the_best_come_first_and_are_as_many_as_asked_for() -> None:
    scores = jnp.array([[[1.0, 5.0, 2.0], [0.0, 4.0, 3.0]]])
    places, found = peaks.best(scores, 8)
    np.testing.assert_array_equal(found[0, :6], [5, 4, 3, 2, 1, 0])
    np.testing.assert_array_equal(places[0, :3], [[1, 0], [1, 1], [2, 1]])
    assert np.isneginf(found[0, 6:]).all()


def test_a_linear_map_is_read_exactly_inside_and_as_0_far_outside() -> None:
    y, x = np.mgrid[:6, :7].astype(np.float32)
    grid = jnp.asarray(np.stack([1 + 2 * x - y, y], axis=-1))
    places = jnp.array([[2.0, 3.0], [1.25, 2.5], [4.6, 3.9], [-3.0, 2.0]])
    found = peaks.read(grid, places, "linear")
    expected = [[2.0, 3.0], [1.0, 2.5], [6.3, 3.9], [0.0, 0.0]]
    np.testing.assert_allclose(found, expected, atol=1e-5)


def test_a_step_is_read_by_four_pixels_along_each_axis() -> None:
    grid = jnp.zeros((6, 8, 1)).at[:, 4:].set(1.0)
    places = jnp.array([[2.5, 2.0], [3.5, 2.3], [4.5, 3.0], [5.0, 2.5], [7.5, 2.0]])
    # Keys' kernel (1981) with a = -.75: .59375 at 1/2 and -.09375 at 3/2.
    expected = [-0.09375, 0.5, 1.09375, 1.0, 0.5]
    np.testing.assert_allclose(
        peaks.read(grid, places, "cubic")[:, 0], expected, atol=1e-6
    )
