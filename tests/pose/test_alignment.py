"""Alignment in the image: motions that are known, and its parts by themselves."""

import functools
from collections.abc import Callable

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxsplat.core import cameras, resampling, se3
from jaxsplat.pose import alignment, moving
from jaxsplat.rendering import NormalEquations, exposure, motion
from tests.pose.conftest import Toy

CENTER = jnp.zeros(3)
PLAIN = exposure.neutral(jnp.ones(3))
ON_PLAIN, ANYWHERE = jnp.array(True), jnp.array(False)


def template(toy: Toy, index: int) -> alignment.Template:
    camera = cameras.with_pose(toy.camera, toy.truth[index])
    return alignment.render_template(toy.twin, camera)[0]


def equations(
    seen: alignment.Template, photograph: jax.Array, toy: Toy
) -> Callable[[jax.Array], NormalEquations]:
    problem = alignment.problem(
        seen, photograph, toy.camera, CENTER, PLAIN, ON_PLAIN, 1.0
    )
    return functools.partial(alignment.equations, problem)


@pytest.mark.parametrize("index", range(3))
def test_one_step_finds_most_of_a_small_motion(toy: Toy, index: int) -> None:
    seen = template(toy, index)
    twist = jnp.array([0.01, -0.02, 0.02, 0.01, -0.01, 0.015])
    # The photograph is the template's own, so the way back is the answer.
    away = motion.moved(seen.camera, -twist, CENTER)
    evaluate = equations(seen, toy.queries[index], toy)
    found = evaluate(away.camera_from_world)
    step = -jnp.linalg.solve(found.matrix, found.vector)
    assert float(jnp.linalg.norm(step - twist)) < 0.15 * float(jnp.linalg.norm(twist))
    home = evaluate(seen.camera.camera_from_world)
    assert float(home.cost) < 1e-3 * float(found.cost)


def test_flow_is_the_derivative_of_the_projection(toy: Toy) -> None:
    camera = cameras.with_pose(toy.camera, toy.truth[0])
    seen, _ = alignment._move(
        template(toy, 0),
        jnp.moveaxis(toy.queries[0], -1, 0),
        camera,
        toy.truth[0],
        jnp.ones(3),
    )
    center = jnp.array([0.1, 0.2, -0.1])
    here = se3.apply(toy.truth[0], center)
    across, down = moving.flow(seen, moving.lens_of(camera), here)
    row, column = 20, 30
    point = jnp.stack([seen.x, seen.y, seen.z])[:, row, column]

    def project(twist: jax.Array) -> jax.Array:
        x, y, z = se3.apply(se3.about(se3.exp(twist), here), point)
        return jnp.stack([camera.fx * x / z, camera.fy * y / z])

    expected = jax.jacfwd(project)(jnp.zeros(6))
    found = [[part[row, column] for part in parts] for parts in (across, down)]
    np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-3)


def test_what_leaves_the_photograph_does_not_pull(toy: Toy) -> None:
    seen = template(toy, 0)
    evaluate = equations(seen, toy.queries[0], toy)
    twist = jnp.array([9.0, 0, 0, 0, 0, 0])
    gone = motion.moved(seen.camera, twist, CENTER).camera_from_world
    found = evaluate(gone)
    np.testing.assert_array_equal(found.matrix, 0.0)
    np.testing.assert_array_equal(found.vector, 0.0)
    assert float(found.cost) > 0


def test_bilinear_is_exact_on_a_plane() -> None:
    rows, columns = np.mgrid[0.5:7, 0.5:9]
    image = jnp.asarray(np.stack([2 * columns + 3 * rows, rows]), jnp.float32)
    x, y = jnp.array([1.0, 4.3, 8.5]), jnp.array([2.2, 6.1, 0.5])
    value = resampling.bilinear(image, x, y)
    np.testing.assert_allclose(value, jnp.stack([2 * x + 3 * y, y]), rtol=1e-5)


def test_bilinear_goes_on_at_the_border_and_survives_nan() -> None:
    image = jnp.arange(6.0).reshape(1, 2, 3)
    far = jnp.array([-50.0, 50.0, jnp.nan])
    value = resampling.bilinear(image, far, far)
    np.testing.assert_allclose(value[0, :2], [0.0, 5.0])


def test_exposure_is_recovered(toy: Toy) -> None:
    seen = template(toy, 1)
    true = exposure.Exposure(
        jnp.array([0.8, 1.1, 0.9]), jnp.array([0.05, 0.0, 0.02]), jnp.full(3, 0.7)
    )
    image = jnp.moveaxis(true.apply(seen.color, seen.alpha), 0, -1)
    found = alignment.estimate_exposure(
        seen, image, seen.camera, true.background, ON_PLAIN
    )
    shown = found.apply(seen.color, seen.alpha)
    np.testing.assert_allclose(shown, jnp.moveaxis(image, -1, 0), atol=0.03)


def test_overexposure_is_recovered(toy: Toy) -> None:
    seen = template(toy, 1)
    bright = 1.2 * exposure.neutral(jnp.ones(3)).apply(seen.color, seen.alpha)
    image = jnp.moveaxis(jnp.clip(bright, 0.0, 1.0), 0, -1)
    found = alignment.estimate_exposure(seen, image, seen.camera, jnp.ones(3), ON_PLAIN)
    np.testing.assert_allclose(found.background, 1.2, atol=0.05)
    shown = found.apply(seen.color, seen.alpha)
    np.testing.assert_allclose(shown, jnp.moveaxis(image, -1, 0), atol=0.03)


def test_the_border_tells_the_background_unless_it_cannot() -> None:
    image = jnp.full((8, 8, 3), 0.8).at[2:6, 2:6].set(0.1)
    np.testing.assert_allclose(exposure.border_color(image, jnp.ones(3)), 0.8)
    dark = jnp.full((8, 8, 3), 0.1)
    np.testing.assert_array_equal(exposure.border_color(dark, jnp.ones(3)), 1.0)
    broken = jnp.full((8, 8, 3), jnp.nan)
    np.testing.assert_array_equal(exposure.border_color(broken, jnp.ones(3)), 1.0)
