"""What images of traced arrays are, whose list capacity cannot be planned."""

import dataclasses

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from jaxsplat.core import cameras
from jaxsplat.core.cameras import Camera
from jaxsplat.rendering import NormalEquations, Photograph, api, normal_equations
from jaxsplat.rendering.api import Rendered
from jaxsplat.scene.gaussians import Gaussians
from tests.helpers.clouds import camera, cloud

ROWS = 160
VIEW = camera(104, 100)
MOST = ROWS * 13 * 13  # every Gaussian in every tile
DEFAULT = api.default_capacity(ROWS, VIEW.width, VIEW.height)
FILLING = cloud(ROWS, log_scale=2.0)
SMALL = cloud(ROWS, log_scale=-2.5)


@jax.jit
def drawn_inside(gaussians: Gaussians, view: Camera) -> Rendered:
    return api.render(gaussians, view)


def drawn_whole(gaussians: Gaussians, view: Camera) -> Rendered:
    return api.render(gaussians, view, capacity=MOST)


def image(drawn: Rendered) -> tuple[jax.Array, ...]:
    return drawn.color, drawn.alpha, drawn.depth


def assert_same_or_nan(found: Rendered, whole: Rendered) -> None:
    """Checks an image made with the default capacity against a complete one."""
    assert int(found.needed) == int(whole.needed)
    for values, expected in zip(image(found), image(whole), strict=True):
        if int(found.needed) > DEFAULT:
            assert jnp.isnan(values).all()
        else:
            np.testing.assert_allclose(values, expected, rtol=1e-5, atol=1e-6)


@settings(deadline=None, max_examples=20, derandomize=True)
@given(
    seed=st.integers(0, 999),
    log_scale=st.floats(-3.0, 2.5),
    logit=st.floats(-2.0, 6.0),
    eye=st.tuples(*[st.floats(-5.0, 5.0)] * 3).filter(any),
)
def test_inside_jit_an_image_is_whole_or_nan(
    seed: int, log_scale: float, logit: float, eye: tuple[float, float, float]
) -> None:
    scene = cloud(ROWS, seed, log_scale=log_scale, logit=logit)
    view = camera(104, 100, eye=eye)
    assert_same_or_nan(drawn_inside(scene, view), drawn_whole(scene, view))


@pytest.mark.parametrize("scene", [FILLING, SMALL], ids=["filling", "small"])
def test_outside_jit_an_image_is_whole(scene: Gaussians) -> None:
    found = api.render(scene, VIEW)
    for values, expected in zip(image(found), image(drawn_whole(scene, VIEW))):
        np.testing.assert_allclose(values, expected, rtol=1e-5, atol=1e-6)


def test_the_scenes_overflow_as_they_shall() -> None:
    """Else the tests here would test nothing."""
    assert int(drawn_whole(FILLING, VIEW).needed) > DEFAULT
    assert 0 < int(drawn_whole(SMALL, VIEW).needed) < DEFAULT


def test_a_given_capacity_is_the_same_inside_jit() -> None:
    capacity = DEFAULT // 2
    inside = jax.jit(lambda scene: api.render(scene, VIEW, capacity=capacity))(FILLING)
    outside = api.render(FILLING, VIEW, capacity=capacity)
    assert int(inside.needed) == int(outside.needed) > capacity
    for values, expected in zip(image(inside), image(outside), strict=True):
        np.testing.assert_allclose(values, expected, rtol=1e-5, atol=1e-6)
        assert jnp.isfinite(values).all()


def test_under_vmap_only_the_images_that_overflow_are_nan() -> None:
    views = [VIEW, camera(104, 100, eye=(0.0, -400.0, 0.0))]
    found = jax.vmap(lambda view: api.render(FILLING, view))(cameras.stack(views))
    assert (np.asarray(found.needed) > DEFAULT).tolist() == [True, False]
    for number, view in enumerate(views):
        one = jax.tree.map(lambda leaf, number=number: leaf[number], found)
        assert_same_or_nan(one, drawn_whole(FILLING, view))


def test_a_gradient_without_all_splats_is_nan() -> None:
    def loss(means: jax.Array, scene: Gaussians, capacity: int | None) -> jax.Array:
        moved = dataclasses.replace(scene, means=means)
        return jnp.sum(api.render(moved, VIEW, capacity=capacity).color ** 2)

    slope = jax.jit(jax.grad(loss), static_argnums=2)
    assert jnp.isnan(slope(FILLING.means, FILLING, None)).any()
    found, expected = (slope(SMALL.means, SMALL, slots) for slots in (None, MOST))
    np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-4)


def test_normal_equations_are_whole_or_nan() -> None:
    grey = jnp.full((VIEW.height, VIEW.width, 3), 0.5, jnp.float32)
    plain = jnp.ones(3), jnp.zeros(3), jnp.float32(0.3)
    seen = Photograph(grey, grey[..., 0], *plain)

    def found(scene: Gaussians, capacity: int | None) -> NormalEquations:
        return normal_equations(scene, VIEW, seen, backend="xla", capacity=capacity)

    inside = jax.jit(found, static_argnums=1)
    lacking = inside(FILLING, None)
    assert int(lacking.needed) > DEFAULT
    for values in (lacking.matrix, lacking.vector, lacking.cost):
        assert jnp.isnan(values).all()
    for values, expected in zip(
        jax.tree.leaves(inside(SMALL, None)),
        jax.tree.leaves(inside(SMALL, MOST)),
        strict=True,
    ):
        np.testing.assert_allclose(values, expected, rtol=1e-5, atol=1e-6)


def test_few_large_gaussians_never_overflow() -> None:
    assert api.default_capacity(20, 400, 400) == 20 * 50 * 50


def test_default_capacity_holds_small_gaussians_and_layers_of_large_ones() -> None:
    assert api.default_capacity(1000, 400, 400) == 16 * 1000 + 64 * 50 * 50
    assert api.default_capacity(100_000, 400, 400) < 18 * 100_000
    assert api.default_capacity(0, 1, 1) == 0


@pytest.mark.parametrize("count", [1, 2, 8, 9, 17])
def test_a_plan_is_that_of_the_camera_that_takes_most(count: int) -> None:
    scene = cloud(ROWS, log_scale=-0.5)
    views = [camera(104, 100, eye=(0.0, 0.0, -20.0))] * (count - 1)
    nearest = camera(104, 100, eye=(0.0, 0.0, -3.0))
    most = api.plan(scene, nearest, slack=1.0)
    for place in range(count):
        order = [*views[:place], nearest, *views[place:]]
        assert api.plan(scene, cameras.stack(order), slack=1.0) == most
    if views:
        assert api.plan(scene, cameras.stack(views), slack=1.0) < most


def test_any_number_of_cameras_is_planned_by_one_program() -> None:
    api.plan(SMALL, cameras.stack([VIEW] * 2))
    programs = api._needed._cache_size()
    for count in (3, 8, 20):
        api.plan(SMALL, cameras.stack([VIEW] * count))
    assert api._needed._cache_size() == programs
