"""One optimiser step: what it lowers, what it leaves, and what it aims at."""

import dataclasses

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxsplat.fitting import state as fit_state
from jaxsplat.fitting import steps, targets
from jaxsplat.fitting.config import LearningRates
from jaxsplat.fitting.state import FitState
from jaxsplat.fitting.targets import Targets
from jaxsplat.rendering import projection
from jaxsplat.scene.gaussians import Gaussians
from tests.fitting.test_trainer import CONFIG
from tests.helpers import clouds, toy_object
from tests.helpers.toy_object import WHITE

# Rows and list slots as in the fits of test_trainer, so that the program is shared.
N, CAPACITY = 48, 1280
UNEXPOSED = fit_state.initial(clouds.cloud(N), 6)


@pytest.fixture(scope="module")
def seen() -> Targets:
    return targets.make_targets(toy_object.views(), None, WHITE, 1.0)


def guess(**changes: jax.Array) -> Gaussians:
    """Returns the object's Gaussians, grey and moved, then dead rows."""
    true = toy_object.cloud()
    rng = np.random.default_rng(0)
    spare = clouds.cloud(N - 20)
    spare = dataclasses.replace(spare, live=jnp.zeros(N - 20, bool))
    begun = jax.tree.map(lambda *leaves: jnp.concatenate(leaves), true, spare)
    moved = begun.means + jnp.asarray(0.05 * rng.normal(size=(N, 3)), jnp.float32)
    begun = dataclasses.replace(begun, means=moved, colors=jnp.full((N, 3), 0.5))
    return dataclasses.replace(begun, **changes)


def run(
    state: FitState, seen: Targets, view: int = 0, seed: int = 0
) -> tuple[FitState, steps.StepReport]:
    # The step takes its input's memory, so it is given a copy.
    return steps.train_step(
        jax.tree.map(jnp.copy, state),
        seen,
        jnp.int32(view),
        jax.random.key(seed),
        jnp.float32(4.4),
        jnp.float32(int(state.step) / CONFIG.steps),
        config=CONFIG,
        backend="xla",
        capacity=CAPACITY,
        minification=1.0,
    )


def test_steps_lower_the_loss(seen: Targets) -> None:
    state = fit_state.initial(guess(), 6)
    values = []
    for number in range(24):
        state, report = run(state, seen, number % 6)
        assert bool(report.finite)
        values.append(float(report.loss))
    assert np.mean(values[-6:]) < 0.7 * np.mean(values[:6])
    assert int(state.step) == 24


def test_colors_leave_0_and_do_not_fall_below_it(seen: Targets) -> None:
    after, _ = run(fit_state.initial(guess(colors=jnp.zeros((N, 3))), 6), seen)
    assert (after.gaussians.colors >= 0).all()
    assert (after.gaussians.colors[:20] > 0).any()
    black = dataclasses.replace(
        seen,
        images=jnp.zeros_like(seen.images),
        background=jnp.zeros_like(seen.background),
    )
    after, _ = run(fit_state.initial(guess(colors=jnp.full((N, 3), 1e-3)), 6), black)
    assert (after.gaussians.colors >= 0).all()
    assert (after.gaussians.colors[:20] == 0).any()


def test_dead_rows_stay_as_they_are(seen: Targets) -> None:
    before = fit_state.initial(guess(), 6)
    after, _ = run(before, seen)
    for name, value in fit_state.parameters(after.gaussians).items():
        old = fit_state.parameters(before.gaussians)[name]
        np.testing.assert_array_equal(value[20:], old[20:], err_msg=name)
        assert np.any(value[:20] != old[:20]), name
    assert not np.any(after.pull[20:]) and not np.any(after.seen[20:])


def test_nonfinite_step_changes_nothing_but_the_count(seen: Targets) -> None:
    state, _ = run(fit_state.initial(guess(), 6), seen)
    broken = dataclasses.replace(seen, background=jnp.array([1.0, jnp.nan, 1.0]))
    after, report = run(state, broken)
    assert not bool(report.finite)
    assert int(after.step) == int(state.step) + 1
    unchanged = dataclasses.replace(after, step=state.step)
    for found, expected in zip(
        jax.tree.leaves(unchanged), jax.tree.leaves(state), strict=True
    ):
        np.testing.assert_array_equal(found, expected)
    healed, report = run(after, seen)
    assert bool(report.finite) and clouds.all_finite(healed.gaussians)


def test_statistics_count_the_views_that_show_a_gaussian(seen: Targets) -> None:
    # Row 0 is far to the side in view 0; row 1 is behind its camera.
    pose = np.asarray(seen.cameras.camera_from_world[0])
    aside, behind = (
        pose[:3, :3].T @ (np.array(place) - pose[:3, 3])
        for place in ([9.0, 0.0, 4.0], [0.0, 0.0, -1.0])
    )
    means = guess().means.at[0].set(jnp.float32(aside)).at[1].set(jnp.float32(behind))
    after, _ = run(fit_state.initial(guess(means=means), 6), seen)
    np.testing.assert_array_equal(after.seen[:20], [0, 0] + [1] * 18)
    np.testing.assert_array_equal(
        np.asarray(after.radius[:20]) > 0, [False] * 2 + [True] * 18
    )
    assert not np.any(after.pull[:2])
    assert np.all(after.pull[2:20] > 0)


def test_radii_are_those_on_screen() -> None:
    view = clouds.frontal()
    scene = clouds.changed(clouds.cloud(), "means", 0, (0.0, 0.0, 4.0))
    splats = jax.jit(projection.project)(scene, view)
    radius = float(steps._radii(splats, view)[0])
    assert radius == pytest.approx(float(splats.extents[0].max()))
    moved = dataclasses.replace(
        splats, means=splats.means.at[0, 0].set(29 + 2 * radius)
    )
    assert float(steps._radii(moved, view)[0]) == 0


def test_spill_makes_floaters_in_the_background_s_colour_transparent(
    seen: Targets,
) -> None:
    # White on white: the photographs alone do not tell them from background.
    rng = np.random.default_rng(1)
    corner = np.array([0.9, 0.9, 0.9]) + 0.05 * rng.normal(size=(4, 3))
    cloud = toy_object.cloud()
    spare = dataclasses.replace(clouds.cloud(N - 20), live=jnp.arange(N - 20) < 4)
    begun = jax.tree.map(lambda *leaves: jnp.concatenate(leaves), cloud, spare)
    floating = slice(20, 24)
    begun = dataclasses.replace(
        begun,
        means=begun.means.at[floating].set(jnp.float32(corner)),
        colors=begun.colors.at[floating].set(1.0),
        log_scales=begun.log_scales.at[floating].set(-2.0),
        opacity_logits=begun.opacity_logits.at[floating].set(1.0),
    )
    state = fit_state.initial(begun, 6)
    for number in range(24):
        state, _ = run(state, seen, number % 6)
    logits = np.asarray(state.gaussians.opacity_logits)
    assert (logits[floating] < 0.5).all()
    # The object's own stay opaque.
    assert np.median(logits[:20]) > 2.5


def test_target_is_put_over_a_random_background(seen: Targets) -> None:
    config = dataclasses.replace(CONFIG, random_background=True)
    premultiplied = np.asarray(seen.images[2], np.float32) / 255
    alpha = np.asarray(seen.coverage[2], np.float32) / 255
    backgrounds = []
    for seed in range(3):
        image, coverage, background = steps._target(
            UNEXPOSED, seen, jnp.int32(2), jax.random.key(seed), config
        )
        expected = premultiplied + (1 - alpha[..., None]) * np.asarray(background)
        np.testing.assert_allclose(image, expected, atol=1e-6)
        np.testing.assert_allclose(coverage, alpha, atol=1e-6)
        backgrounds.append(tuple(np.asarray(background)))
    assert len(set(backgrounds)) == 3


def test_target_keeps_its_background_otherwise(seen: Targets) -> None:
    key = jax.random.key(0)
    _, _, background = steps._target(UNEXPOSED, seen, jnp.int32(0), key, CONFIG)
    np.testing.assert_array_equal(background, WHITE)
    # Photographs without alpha keep the background that they show.
    opaque = targets.make_targets(toy_object.views(2, alpha=False), None, WHITE, 1.0)
    config = dataclasses.replace(CONFIG, random_background=True)
    image, _, background = steps._target(UNEXPOSED, opaque, jnp.int32(0), key, config)
    np.testing.assert_array_equal(background, WHITE)
    np.testing.assert_allclose(image, np.asarray(opaque.images[0]) / 255, atol=1e-6)


def test_rate_of_the_centres_falls_exponentially() -> None:
    rates = LearningRates(means=1e-2, means_last=1e-4)
    unit = jnp.float32(3.0)
    found = [
        float(fit_state.step_sizes(rates, unit, jnp.float32(p))["means"])
        for p in (0.0, 0.5, 1.0)
    ]
    assert found == pytest.approx([3e-2, 3e-3, 3e-4], rel=1e-4)
    others = fit_state.step_sizes(rates, unit, jnp.float32(0.7))
    assert float(others["log_scales"]) == pytest.approx(rates.scales)
    assert float(others["opacity_logits"]) == pytest.approx(rates.opacities)


def test_other_rates_fall_after_their_share_of_the_steps() -> None:
    rates = LearningRates(last_share=0.01, falls_after=0.5)
    for progress, share in ((0.0, 1.0), (0.5, 1.0), (0.75, 0.1), (1.0, 0.01)):
        found = fit_state.step_sizes(rates, jnp.float32(1.0), jnp.float32(progress))
        assert float(found["sh_rest"]) == pytest.approx(rates.sh_rest * share, rel=1e-4)
        assert float(found["quats"]) == pytest.approx(rates.quats * share, rel=1e-4)


def test_target_is_shown_in_the_mean_exposure(seen: Targets) -> None:
    gains = jnp.ones((6, 3)).at[2].set(jnp.array([0.8, 1.0, 1.25]))
    offsets = jnp.zeros((6, 3)).at[2].set(jnp.array([0.0, 0.05, -0.02]))
    state = dataclasses.replace(UNEXPOSED, gains=gains, offsets=offsets)
    image, coverage, background = steps._target(
        state, seen, jnp.int32(2), jax.random.key(0), CONFIG
    )
    alpha = np.asarray(coverage)[..., None]
    object_alone = np.asarray(image) - (1 - alpha) * np.asarray(background)
    again = object_alone * np.array([0.8, 1.0, 1.25]) + alpha * offsets[2]
    expected = np.asarray(seen.images[2], np.float32) / 255
    np.testing.assert_allclose(again, expected, atol=1e-6)
