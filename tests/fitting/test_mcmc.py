"""Relocation, growth and exploration of the MCMC control."""

import dataclasses
import math

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxsplat.fitting import mcmc, steps
from jaxsplat.fitting import state as fit_state
from jaxsplat.fitting.config import DensityConfig
from jaxsplat.fitting.state import FitState
from jaxsplat.scene import gaussians as scene
from tests.helpers import clouds

KEY = jax.random.key(1)
N = 24
SETTINGS = DensityConfig(kind="mcmc", growth=1.0)
GROWING = DensityConfig(kind="mcmc", growth=1.25)


def state(logits: jax.Array, live: int = N) -> FitState:
    cloud = dataclasses.replace(
        clouds.cloud(N), opacity_logits=logits, live=jnp.arange(N) < live
    )
    made = fit_state.initial(cloud, 1)
    moments = made.moments._replace(mu=jax.tree.map(jnp.ones_like, made.moments.mu))
    return dataclasses.replace(made, moments=moments, pull=jnp.ones(N))


def share(opacity: float, copies: int) -> tuple[float, float]:
    found = mcmc.share(jnp.array([opacity]), jnp.array([copies]))
    return float(found[0][0]), float(found[1][0])


@pytest.mark.parametrize("opacity", [0.02, 0.5, 0.95])
def test_share_of_one_is_itself(opacity: float) -> None:
    assert share(opacity, 1) == pytest.approx((opacity, 1.0), rel=1e-5)


@pytest.mark.parametrize("opacity", [0.02, 0.5, 0.95])
def test_share_of_two_is_the_closed_form(opacity: float) -> None:
    new = 1 - math.sqrt(1 - opacity)
    factor = opacity / (2 * new - new**2 / math.sqrt(2))
    assert share(opacity, 2) == pytest.approx((new, factor), rel=1e-4)


@pytest.mark.parametrize("opacity", [0.05, 0.6, 0.99])
@pytest.mark.parametrize("copies", [3, 7, 20, 51])
def test_shares_keep_the_integral_of_the_profile(opacity: float, copies: int) -> None:
    new, factor = share(opacity, copies)
    x = np.linspace(-30, 30, 60_001)
    together = 1 - (1 - new * np.exp(-0.5 * (x / factor) ** 2)) ** copies
    alone = opacity * np.exp(-0.5 * x**2)
    assert together.max() == pytest.approx(opacity, rel=1e-3)
    assert together.sum() == pytest.approx(alone.sum(), rel=5e-3)


def test_nothing_dead_and_no_growth_changes_nothing() -> None:
    before = state(jnp.full(N, 1.0))
    after = mcmc.relocate(before, KEY, SETTINGS)
    for found, expected in zip(
        jax.tree.leaves(after.gaussians), jax.tree.leaves(before.gaussians), strict=True
    ):
        np.testing.assert_array_equal(found, expected)
    assert np.all(after.moments.mu["means"]) and not np.any(after.pull)


def test_dead_rows_move_onto_live_ones() -> None:
    logits = jnp.where(jnp.arange(N) % 3 == 0, -6.0, 1.0)
    before = state(logits)
    after = mcmc.relocate(before, KEY, SETTINGS)
    assert scene.count(after.gaussians) == N
    moved = np.arange(N) % 3 == 0
    means = np.asarray(before.gaussians.means)
    for row in np.flatnonzero(moved):
        place = np.asarray(after.gaussians.means[row])
        source = np.flatnonzero((means == place).all(axis=1))
        assert source.size == 1 and not moved[source[0]]
        assert not np.any(after.moments.mu["means"][row])
        assert not np.any(after.moments.mu["means"][source[0]])
        # Source and copy are alike.
        for name in ("log_scales", "quats", "opacity_logits", "colors"):
            leaf = np.asarray(getattr(after.gaussians, name))
            np.testing.assert_array_equal(leaf[row], leaf[source[0]])
    np.testing.assert_array_equal(after.gaussians.means[~moved], means[~moved])
    assert float(scene.opacities(after.gaussians).min()) > 0.05


def test_relocation_nearly_keeps_the_image() -> None:
    logits = jnp.where(jnp.arange(N) < 6, -6.0, 0.0)
    before = state(logits)
    after = mcmc.relocate(before, KEY, SETTINGS)
    view = clouds.camera()
    old = clouds.draw(before.gaussians, view, "xla")
    new = clouds.draw(after.gaussians, view, "xla")
    difference = np.abs(np.asarray(new.color - old.color))
    assert np.any(after.gaussians.means != before.gaussians.means)
    assert difference.mean() < 0.01
    # Copies without the shares of equation 9 are far brighter.
    copied = dataclasses.replace(
        after.gaussians,
        opacity_logits=jnp.zeros(N),
        log_scales=jnp.where(
            (after.gaussians.means == before.gaussians.means),
            before.gaussians.log_scales,
            after.gaussians.log_scales,
        ),
    )
    worse = clouds.draw(copied, view, "xla")
    assert np.abs(np.asarray(worse.color - old.color)).mean() > 3 * difference.mean()


def test_sources_are_drawn_in_proportion_to_opacity() -> None:
    # One Gaussian has nearly all the opacity, so it gets nearly all the copies.
    logits = jnp.where(jnp.arange(N) < 12, -6.0, -4.0).at[20].set(5.0)
    before = state(logits)
    after = mcmc.relocate(before, KEY, SETTINGS)
    at_strong = np.all(
        np.asarray(after.gaussians.means[:12]) == before.gaussians.means[20], axis=1
    )
    assert at_strong.sum() >= 8


def test_growth_adds_rows_up_to_the_capacity() -> None:
    current = state(jnp.full(N, 1.0), live=12)
    counts = []
    for step in range(5):
        current = mcmc.relocate(current, jax.random.key(step), GROWING)
        counts.append(scene.count(current.gaussians))
    assert counts == [15, 19, 24, 24, 24]
    assert clouds.all_finite(current.gaussians)


def test_all_transparent_stays_without_nan() -> None:
    before = state(jnp.full(N, -8.0))
    after = mcmc.relocate(before, KEY, GROWING)
    np.testing.assert_array_equal(after.gaussians.means, before.gaussians.means)
    assert clouds.all_finite(after)


def test_exploration_spares_opaque_gaussians_and_follows_their_shape() -> None:
    n = 4000
    cloud = clouds.cloud(n)
    cloud = dataclasses.replace(
        cloud,
        log_scales=jnp.tile(jnp.log(jnp.array([0.5, 0.1, 0.1])), (n, 1)),
        quats=jnp.tile(jnp.array([1.0, 0.0, 0.0, 0.0]), (n, 1)),
        opacity_logits=jnp.where(jnp.arange(n) < 2000, -12.0, 2.0),
        live=jnp.arange(n) % 4 != 0,
    )
    moves = np.asarray(steps.explore(cloud, KEY, jnp.float32(2.0)))
    live = np.arange(n) % 4 != 0
    assert not moves[~live].any()
    assert np.abs(moves[2000:]).max() < 1e-6
    # The covariance times noise: scales enter squared; the gate is .622 at opacity 0.
    deviations = moves[:2000][live[:2000]].std(axis=0)
    gate = 1 / (1 + math.exp(-0.5))
    expected = 2 * gate * np.array([0.25, 0.01, 0.01])
    np.testing.assert_allclose(deviations, expected, rtol=0.1)
