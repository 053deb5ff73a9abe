"""Colours of Gaussians for every look, and what viewers are given."""

import dataclasses

import jax.numpy as jnp
import numpy as np
import pytest

from jaxsplat.scene.gaussians import count
from jaxsplat.viewing import Exhibit, exhibit, looks, painting
from jaxsplat.viewing.drawing import Drawer
from jaxsplat.viewing.looks import Looks
from tests.helpers import shown, toy_object


def test_a_photograph_tells_of_what_it_shows_alone(toy: Exhibit) -> None:
    found = exhibit.anomalies(toy, toy.shots[1:])
    known = found[np.isfinite(found)]
    assert 0 < len(known) <= count(toy.detector.twin.gaussians)
    assert known.min() >= 0.49 and 3 < known.max() <= 6.01


def test_different_parts_tell_their_worst_and_one_part_its_mean(toy: Exhibit) -> None:
    each = np.stack([exhibit.anomalies(toy, [shot]) for shot in toy.shots])
    both = np.isfinite(each).all(axis=0)
    worst = exhibit.anomalies(toy, toy.shots)
    np.testing.assert_allclose(worst[both], each.max(axis=0)[both], rtol=1e-5)
    part = dataclasses.replace(toy, is_one_part=True)
    mean = exhibit.anomalies(part, toy.shots)
    hot = both & (each[1] > 4)
    assert hot.any() and (mean[hot] < worst[hot] - 0.1).all()


def test_a_photograph_without_verdict_takes_no_part(toy: Exhibit) -> None:
    lost = dataclasses.replace(toy.shots[1], defective=None)
    assert np.isnan(exhibit.anomalies(toy, [lost])).all()


def test_the_threshold_leaves_grey_what_is_below(toy: Exhibit) -> None:
    made = Looks(toy)
    look = made.first
    assert (look.color, look.shot) == ("anomaly", None)
    assert look.threshold == pytest.approx(shown.THRESHOLD)
    assert made.highest == pytest.approx(2 * shown.THRESHOLD)
    colors = np.asarray(made.scene(look).colors)
    values = made.anomalies(None)
    is_grey = np.ptp(colors, axis=1) == 0
    np.testing.assert_array_equal(is_grey, ~(values >= look.threshold))
    assert not is_grey.all()
    all_grey = made.scene(dataclasses.replace(look, threshold=100.0))
    assert np.ptp(np.asarray(all_grey.colors), axis=1).max() == 0


def test_the_photographs_colours_are_the_twins_own(toy: Exhibit) -> None:
    made = Looks(toy)
    look = dataclasses.replace(made.first, color="photograph")
    assert made.scene(look) is toy.detector.twin.gaussians
    # The toy's method expects no residual.
    assert painting.choices(toy) == ("photograph", "anomaly")


def test_soft_places_are_hot(toy: Exhibit) -> None:
    gaussians = toy.detector.twin.gaussians
    values = np.zeros(len(gaussians.live))
    values[1] = 4.0
    colors = painting.by_residual(gaussians, values)
    assert np.ptp(colors[0]) == 0 and colors[1, 0] > 0.9 and np.ptp(colors[1]) > 0.2


def test_what_is_shown_is_told(toy: Exhibit) -> None:
    made = Looks(toy)
    assert made.told(made.first) == "2 photographs together"
    second = dataclasses.replace(made.first, shot=1)
    # The folder that all photographs are in is left out.
    assert made.told(second) == "1.png: defective, score 6"
    assert made.names()[0] == "1: 0.png (good, score 0.5)"
    bare = Looks(dataclasses.replace(toy, shots=()))
    assert bare.first.color == "photograph"


def test_folders_that_differ_are_told(toy: Exhibit) -> None:
    names = ("/data/parts/good/1.png", "/data/parts/new/1.png")
    shots = [dataclasses.replace(toy.shots[0], name=name) for name in names]
    assert exhibit.labels(shots) == ("good/1.png", "new/1.png")
    assert exhibit.labels(shots[:1]) == ("1.png",)
    assert exhibit.labels([dataclasses.replace(shots[0], name="a.png"), shots[1]]) == (
        "a.png",
        "/data/parts/new/1.png",
    )
    assert exhibit.labels([]) == ()


def test_viewers_are_given_live_gaussians_and_their_shapes(toy: Exhibit) -> None:
    gaussians = toy.detector.twin.gaussians
    found = looks.splats_of(gaussians)
    assert len(found.centers) == count(gaussians) == len(toy_object.cloud().live)
    w, x, y, z = np.asarray(gaussians.quats[0]) / np.linalg.norm(gaussians.quats[0])
    rotation = np.array(
        [
            [1 - 2 * (y * y + z * z), 2 * (x * y - w * z), 2 * (x * z + w * y)],
            [2 * (x * y + w * z), 1 - 2 * (x * x + z * z), 2 * (y * z - w * x)],
            [2 * (x * z - w * y), 2 * (y * z + w * x), 1 - 2 * (x * x + y * y)],
        ]
    )
    variances = np.exp(2 * np.asarray(gaussians.log_scales[0]))
    expected = rotation @ np.diag(variances) @ rotation.T
    np.testing.assert_allclose(found.covariances[0], expected, rtol=1e-4, atol=1e-6)
    np.testing.assert_allclose(found.opacities, 1 / (1 + np.exp(-3.0)), rtol=1e-5)


@pytest.mark.parametrize(
    ("aspect", "size"), [(1.0, (64, 64)), (2.0, (64, 32)), (0.01, (16, 64))]
)
def test_pictures_have_few_sizes(aspect: float, size: tuple[int, int]) -> None:
    assert looks.render_size(aspect, 60) == size


def test_viewers_are_given_finite_numbers_of_live_gaussians_alone(toy: Exhibit) -> None:
    gaussians = toy.detector.twin.gaussians
    dead = dataclasses.replace(
        gaussians,
        means=gaussians.means.at[0].set(jnp.nan),
        live=gaussians.live.at[0].set(False),
    )
    found = looks.splats_of(dead)
    assert len(found.centers) == int(gaussians.live.sum()) - 1
    for values in dataclasses.astuple(found):
        assert np.isfinite(values).all()


def test_our_own_picture_is_the_photograph_even_with_short_lists(toy: Exhibit) -> None:
    twin = dataclasses.replace(toy.detector.twin, capacity=8)
    picture, depth = Drawer(twin).draw(twin.gaussians, toy.shots[0].camera)
    differs = np.abs(picture.astype(int) - toy.shots[0].picture.astype(int))
    assert differs.max() <= 2
    covered = (picture < 250).any(axis=-1)
    assert (depth[~covered] == 100).all()
    middle = depth[jnp.asarray(depth) < 100]
    assert 2.5 < middle.min() and middle.max() < 5.5
