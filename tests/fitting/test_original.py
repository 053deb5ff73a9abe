"""Clone, split, prune and reset on states made by hand."""

import dataclasses
import math

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxsplat.fitting import original
from jaxsplat.fitting import state as fit_state
from jaxsplat.fitting.config import DensityConfig
from jaxsplat.fitting.state import FitState
from jaxsplat.scene import gaussians as scene
from tests.helpers import clouds

SETTINGS = DensityConfig(gradient=1.0, percent_dense=0.01)
EXTENT = jnp.float32(10.0)  # clone below a scale of .1, prune above 1
SMALL, LARGE = math.log(0.05), math.log(0.5)
KEY = jax.random.key(0)
N = 8


def state(live: int = 4, **changes: jax.Array) -> FitState:
    """Returns a state of small opaque Gaussians that ask for nothing."""
    cloud = dataclasses.replace(
        clouds.cloud(N),
        log_scales=jnp.full((N, 3), SMALL),
        opacity_logits=jnp.full(N, 2.0),
        live=jnp.arange(N) < live,
    )
    made = fit_state.initial(cloud, 1)
    moments = made.moments._replace(
        mu=jax.tree.map(jnp.ones_like, made.moments.mu),
        nu=jax.tree.map(jnp.ones_like, made.moments.nu),
    )
    made = dataclasses.replace(made, moments=moments, seen=jnp.full(N, 2.0))
    return dataclasses.replace(made, **changes)


def wants(*pulls: float) -> jax.Array:
    """Returns sums of gradients over two views, of the first rows."""
    return 2 * jnp.pad(jnp.array(pulls), (0, N - len(pulls)))


def densify(before: FitState, after_reset: bool = False) -> FitState:
    return original.densify(before, KEY, EXTENT, SETTINGS, after_reset)


def with_row(before: FitState, name: str, row: int, value: float) -> FitState:
    cloud = clouds.changed(before.gaussians, name, row, value)
    return dataclasses.replace(before, gaussians=cloud)


def test_quiet_state_stays() -> None:
    before = state(pull=wants(0.9, 0.5))
    after = densify(before)
    for found, expected in zip(
        jax.tree.leaves(after.gaussians), jax.tree.leaves(before.gaussians), strict=True
    ):
        np.testing.assert_array_equal(found, expected)
    assert not np.any(after.pull) and not np.any(after.seen)


def test_small_gaussian_is_cloned() -> None:
    before = state(pull=wants(0.0, 1.5))
    after = densify(before)
    np.testing.assert_array_equal(after.gaussians.live, np.arange(N) < 5)
    for name in ("means", "log_scales", "quats", "opacity_logits", "colors"):
        old = np.asarray(getattr(before.gaussians, name))
        new = np.asarray(getattr(after.gaussians, name))
        np.testing.assert_array_equal(new[:4], old[:4])
        np.testing.assert_array_equal(new[4], old[1])
    # The clone starts without momentum, the parent keeps its own.
    mean = np.asarray(after.moments.mu["means"])
    assert not mean[4].any() and mean[:4].all()


def test_large_gaussian_is_split() -> None:
    before = with_row(state(pull=wants(0.0, 0.0, 2.0)), "log_scales", 2, LARGE)
    after = densify(before)
    assert scene.count(after.gaussians) == 5
    for row in (2, 4):
        np.testing.assert_allclose(
            scene.scales(after.gaussians)[row], 0.5 / 1.6, rtol=1e-5
        )
        offset = after.gaussians.means[row] - before.gaussians.means[2]
        assert 0 < float(jnp.linalg.norm(offset)) < 5 * 0.5
        assert not np.any(after.moments.nu["colors"][row])
    assert np.any(after.gaussians.means[2] != after.gaussians.means[4])


def test_parts_of_a_split_are_drawn_from_the_parent() -> None:
    cloud = state(live=1).gaussians
    cloud = dataclasses.replace(
        cloud,
        log_scales=cloud.log_scales.at[0].set(jnp.log(jnp.array([0.8, 0.01, 0.01]))),
        quats=cloud.quats.at[0].set(jnp.array([1.0, 0.0, 0.0, 0.0])),
    )
    before = dataclasses.replace(state(live=1, pull=wants(5.0)), gaussians=cloud)
    along, across = [], []
    for seed in range(40):
        after = original.densify(before, jax.random.key(seed), EXTENT, SETTINGS, False)
        offset = np.asarray(after.gaussians.means[:2] - cloud.means[0])
        along.append(offset[:, 0])
        across.append(offset[:, 1:])
    assert np.std(along) == pytest.approx(0.8, rel=0.25)
    assert np.std(across) == pytest.approx(0.01, rel=0.25)
    correlation = np.corrcoef(np.array(along).T)[0, 1]
    assert abs(correlation) < 0.5


def test_strongest_come_first_when_rows_run_out() -> None:
    before = state(live=6, pull=wants(1.5, 9.0, 3.0, 0.5, 7.0, 2.0))
    after = densify(before)
    assert scene.count(after.gaussians) == N
    added = np.asarray(after.gaussians.means[6:])
    expected = np.asarray(before.gaussians.means)[[1, 4]]
    np.testing.assert_array_equal(added, expected)
    np.testing.assert_array_equal(after.gaussians.means[:6], before.gaussians.means[:6])


def test_full_record_stays_as_it_is() -> None:
    before = with_row(state(live=N, pull=jnp.full(N, 9.0)), "log_scales", 3, LARGE)
    after = densify(before)
    np.testing.assert_array_equal(after.gaussians.means, before.gaussians.means)
    np.testing.assert_array_equal(
        after.gaussians.log_scales, before.gaussians.log_scales
    )


def test_dead_rows_never_ask() -> None:
    after = densify(state(pull=jnp.where(jnp.arange(N) >= 4, 9.0, 0.0)))
    assert scene.count(after.gaussians) == 4


def test_transparent_gaussian_is_pruned() -> None:
    before = with_row(state(), "opacity_logits", 1, -5.4)  # opacity .0045
    before = with_row(before, "opacity_logits", 2, -5.2)  # opacity .0055
    after = densify(before)
    np.testing.assert_array_equal(after.gaussians.live[:4], [True, False, True, True])


@pytest.mark.parametrize("after_reset", [False, True])
def test_large_ones_are_pruned_after_a_reset(after_reset: bool) -> None:
    radius = jnp.zeros(N).at[0].set(21.0).at[1].set(19.0)
    before = with_row(state(radius=radius), "log_scales", 3, math.log(1.1))
    live = densify(before, after_reset).gaussians.live[:4]
    np.testing.assert_array_equal(live, [not after_reset, True, True, not after_reset])


def test_reset_lowers_opacities_and_forgets_their_moments() -> None:
    before = with_row(state(), "opacity_logits", 2, -7.0)
    after = original.reset_opacity(before)
    opacity = np.asarray(jax.nn.sigmoid(after.gaussians.opacity_logits))
    np.testing.assert_allclose(np.delete(opacity, 2), 0.01, rtol=1e-4)
    assert float(after.gaussians.opacity_logits[2]) == -7
    for moments in (after.moments.mu, after.moments.nu):
        assert not np.any(moments["opacity_logits"])
        assert np.all(moments["means"])
