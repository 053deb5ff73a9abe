"""What photographs should show, before any background, and how far they do."""

import dataclasses

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import scipy.ndimage

from jaxsplat import pose
from jaxsplat.pose.expected import agreement, as_good_views
from tests.pose.conftest import CAPACITY, Toy, cluttered, drawn_before, estimated

WHITE = jnp.ones(3)


def test_before_clutter_the_photograph_is_expected_around_the_object(toy: Toy) -> None:
    photographs = pose.anywhere(cluttered(toy, toy.truth, 0))
    shown = pose.expected_photographs(toy.twin, photographs, estimated(toy, 1.0, WHITE))
    np.testing.assert_allclose(shown.images, photographs.images, atol=0.26)
    beside = np.asarray(shown.coverage) < 1e-6
    assert beside.mean() > 0.1
    np.testing.assert_array_equal(
        np.asarray(shown.images)[beside], np.asarray(photographs.images)[beside]
    )
    # In front of its own pixels, what shows through is the photograph itself.
    color, alpha = drawn_before(toy, toy.truth)
    through = color + (1 - alpha[..., None]) * photographs.images
    np.testing.assert_allclose(shown.images, through, atol=1e-5)
    assert (shown.needed <= CAPACITY).all()


def test_on_plain_the_background_is_that_of_the_photograph(toy: Toy) -> None:
    behind = jnp.array([0.75, 0.85, 0.95])
    seen, alpha = drawn_before(toy, toy.truth, behind)
    shown = pose.expected_photographs(
        toy.twin, pose.on_plain(jnp.zeros_like(seen)), estimated(toy, 1.0, behind)
    )
    np.testing.assert_allclose(shown.images, seen, atol=1e-5)
    np.testing.assert_allclose(shown.coverage, alpha, atol=1e-5)


def test_brighter_photographs_elsewhere_become_good_views(toy: Toy) -> None:
    gain, behind = 1.2, jnp.array([0.5, 0.6, 0.7])
    # The toy's colours reach .9: none becomes saturated at this share of them.
    color, alpha = drawn_before(toy, toy.truth)
    cover = alpha[..., None]
    image = gain * 0.9 * color + (1 - cover) * behind
    estimate = estimated(toy, gain * 0.9, behind)
    photographs = pose.on_plain(image)
    expected = pose.expected_photographs(toy.twin, photographs, estimate)
    seen, known = as_good_views(toy.twin, photographs, expected)
    np.testing.assert_allclose(seen, known, atol=1e-5)
    np.testing.assert_allclose(seen, color + (1 - cover) * WHITE, atol=1e-5)


@pytest.mark.parametrize("gain", [0.8, 1.2])
def test_before_clutter_too(toy: Toy, gain: float) -> None:
    clutter = cluttered(toy, toy.truth, 1)
    color, alpha = drawn_before(toy, toy.truth)
    # What shows through the object is told by the photograph: take what covers wholly.
    whole = np.asarray(alpha) > 0.99
    image = jnp.where(alpha[..., None] > 0.5, gain * color, clutter)
    image = jnp.clip(image, 0.0, 1.0)
    estimate = estimated(toy, gain, WHITE)
    photographs = pose.anywhere(image)
    expected = pose.expected_photographs(toy.twin, photographs, estimate)
    seen, known = as_good_views(toy.twin, photographs, expected)
    unsaturated = whole & (np.asarray(image) < 1).all(axis=3)
    assert unsaturated.sum() > 100
    np.testing.assert_allclose(
        np.asarray(seen)[unsaturated], np.asarray(color)[unsaturated], atol=0.02
    )
    # Beside the object both are the twin's background.
    beside = np.asarray(alpha) < 1e-6
    for one in (seen, known):
        np.testing.assert_allclose(np.asarray(one)[beside], 1.0, atol=1e-5)


def test_what_stands_beside_the_object_is_measured_by_its_area(toy: Toy) -> None:
    seen, alpha = drawn_before(toy, toy.truth)
    seen = seen + (1 - alpha[..., None]) * WHITE
    marked = seen.at[0, :3, :20].set(0.2).at[1].set(seen[1] + 5 / 255)
    photographs = pose.on_plain(marked)
    photographs = dataclasses.replace(photographs, plain=jnp.array([True, True, False]))
    estimate = estimated(toy, 1.0, WHITE)
    shown = pose.expected_photographs(toy.twin, photographs, estimate)
    found = np.asarray(pose.beside(photographs, shown))
    # Nine pixels around, as far as the object's depth goes on beside it.
    near = scipy.ndimage.uniform_filter(np.asarray(alpha[0]), 9, mode="constant") * 81
    away = (near < 0.5)[:3, :20].sum()
    assert away > 10
    assert found[0] == pytest.approx(away / float(alpha[0].sum()), rel=1e-3)
    assert found[1] == 0
    assert np.isnan(found[2])


def correlation(one: np.ndarray, other: np.ndarray) -> float:
    return float((one * other).sum() / np.sqrt((one**2).sum() * (other**2).sum()))


def test_agreement_is_a_correlation_over_the_object() -> None:
    rng = np.random.default_rng(0)
    images, others = (
        jnp.asarray(rng.uniform(size=(2, 24, 24, 3)), jnp.float32) for _ in range(2)
    )
    coverage = jnp.zeros((2, 24, 24)).at[:, 4:20, 4:20].set(1.0)

    def alike(seen: jax.Array, known: jax.Array) -> np.ndarray:
        return np.asarray(agreement(seen, known, coverage, jnp.zeros(2, bool)))

    np.testing.assert_allclose(alike(images, images), 1.0, rtol=1e-5)
    assert np.abs(alike(images, others)).max() < 0.15
    np.testing.assert_allclose(alike(images, 1 - images), -1.0, rtol=1e-5)
    tint = jnp.array([0.1, -0.05, 0.02])
    np.testing.assert_allclose(
        alike(0.7 * images + tint, others), alike(images, others), atol=1e-5
    )
    # What is not the object takes no part.
    beside = jnp.where(coverage[..., None] > 0, images, 1 - images)
    np.testing.assert_allclose(alike(beside, images), 1.0, rtol=1e-5)
    pairs = zip(np.asarray(images), np.asarray(others), strict=True)
    for found, (one, other) in zip(alike(images, others), pairs, strict=True):
        colors = [x[4:20, 4:20] - x[4:20, 4:20].mean(axis=(0, 1)) for x in (one, other)]
        # Slopes count where the neighbours are the object too.
        slopes = [
            np.stack([x[5:19, 6:20] - x[5:19, 4:18], x[6:20, 5:19] - x[4:18, 5:19]])
            for x in (one, other)
        ]
        expected = (correlation(*colors) + correlation(*slopes)) / 2
        assert found == pytest.approx(expected, abs=1e-4)


def test_without_an_object_nothing_agrees() -> None:
    image = jnp.full((1, 8, 8, 3), 0.5)
    for plain in (True, False):
        found = agreement(image, image, jnp.zeros((1, 8, 8)), jnp.array([plain]))
        assert found.tolist() == [0.0]


def test_before_a_plain_background_a_third_may_be_unlike() -> None:
    rng = np.random.default_rng(0)
    coarse = jnp.asarray(rng.uniform(size=(10, 10, 3)), jnp.float32)
    image = jax.image.resize(coarse, (30, 30, 3), "linear")
    coverage = jnp.zeros((30, 30)).at[5:25, 5:25].set(1.0)

    def alike(rows: int) -> list[float]:
        seen = image.at[5 : 5 + rows].set(1.0)
        both = [jnp.stack([x, x]) for x in (seen, image, coverage)]
        return agreement(*both, jnp.array([True, False])).tolist()

    whole, lacking, more = alike(0), alike(6), alike(12)
    assert whole == pytest.approx([1.0, 1.0], rel=1e-5)
    # What is left is the same, but for slopes where it ends.
    assert lacking[0] > 0.9 and lacking[1] < 0.7
    assert more[0] < 0.7


def test_a_record_of_photographs_says_what_is_behind() -> None:
    images = jnp.zeros((2, 4, 5, 3))
    assert pose.on_plain(images).plain.tolist() == [True, True]
    assert pose.anywhere(images).plain.tolist() == [False, False]
