"""The normal equations, on every backend, against finite differences and each other."""

import dataclasses

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy.linalg import expm

from jaxsplat.core.cameras import Camera
from jaxsplat.rendering import motion, normal_equations, tile_lists
from jaxsplat.rendering.backends import BACKENDS, Backend
from jaxsplat.rendering.normal_form import NormalEquations, Photograph
from jaxsplat.scene.gaussians import Gaussians
from tests.helpers import clouds, numpy_renderer
from tests.helpers.clouds import camera, cloud

BACKGROUND = (0.9, 0.7, 0.4)
CENTER = (0.2, -0.1, 0.3)
CAPACITY = 16_000
# Of the worst entry over the largest, against float64; worst seen: 2e-5.
TOLERANCE = 1e-4
# Between backends; worst seen: 3e-6, and 3.4e-5 of the kernels on an H200, see
# `test_agreement`.
AGREEMENT = dict.fromkeys(BACKENDS, 2e-5) | {"pallas": 1e-4}
VIEW = camera(77, 61)
TILED = clouds.runnable()[1:]
SCENES = {
    "small": cloud(60, seed=1, log_scale=-2.5),
    "dense": cloud(60, seed=3, log_scale=-0.3, logit=4.0),
    "off_screen": cloud(60, seed=2, spread=4.0, log_scale=-0.8),
    "harmonics": cloud(60, seed=0, degree=2),
}


@pytest.fixture(params=clouds.runnable())
def backend(request: pytest.FixtureRequest) -> Backend:
    return request.param


def photograph(view: Camera, scale: float = 0.3, seed: int = 0) -> Photograph:
    """Returns smooth colours, uneven weights, an exposure of its own per channel."""
    wave, other = clouds.waves(view.height, view.width)
    image = np.stack([0.5 + 0.4 * wave, 0.4 + 3 * other, 0.3 - 0.2 * wave], axis=-1)
    weights = np.random.default_rng(seed).uniform(0, 1, wave.shape)
    weights[: view.height // 3, : view.width // 4] = 0
    return Photograph(
        jnp.asarray(image, jnp.float32),
        jnp.asarray(weights, jnp.float32),
        jnp.array([1.1, 0.9, 1.0]),
        jnp.array([-0.05, 0.02, 0.1]),
        jnp.float32(scale),
    )


def equations(
    scene: Gaussians,
    view: Camera,
    seen: Photograph,
    backend: Backend,
    exposure: bool = False,
    **options: object,
) -> NormalEquations:
    settings: dict = {
        "center": jnp.array(CENTER),
        "background": jnp.array(BACKGROUND),
        "capacity": CAPACITY,
    }
    return normal_equations(
        scene, view, seen, exposure=exposure, backend=backend, **(settings | options)
    )


def difference(found: jax.Array, expected: jax.Array | np.ndarray) -> float:
    """Returns the worst entry's difference as a share of the largest entry."""
    gap = np.abs(np.asarray(found) - np.asarray(expected)).max()
    return float(gap / np.abs(np.asarray(expected)).max())


def assert_equal(
    found: NormalEquations, expected: NormalEquations, tolerance: float
) -> None:
    for name in ("matrix", "vector", "cost"):
        share = difference(getattr(found, name), getattr(expected, name))
        assert share <= tolerance, (name, share)


def by_finite_differences(
    scene: Gaussians, view: Camera, seen: Photograph
) -> tuple[np.ndarray, np.ndarray, float]:
    """Returns matrix, vector and cost, with exposure, of the float64 renderer."""
    oracle = clouds.oracle(scene, view)
    pose = np.asarray(view.camera_from_world, np.float64)
    center = pose[:3, :3] @ np.array(CENTER) + pose[:3, 3]
    gain, offset, image, weights = (
        np.asarray(x, np.float64)
        for x in (seen.gain, seen.offset, seen.image, seen.weights)
    )

    def color(twist: np.ndarray) -> np.ndarray:
        generator = np.zeros((4, 4))
        generator[:3, 3] = twist[:3]
        x, y, z = twist[3:]
        generator[:3, :3] = [[0, -z, y], [z, 0, -x], [-y, x, 0]]
        about = np.eye(4)
        about[:3, 3] = center
        motion = about @ expm(generator) @ np.linalg.inv(about)
        moved = dataclasses.replace(oracle, camera_from_world=motion @ pose)
        return numpy_renderer.render(moved, np.array(BACKGROUND))[0]

    still = color(np.zeros(6))
    columns = [
        gain * (color(1e-5 * axis) - color(-1e-5 * axis)) / 2e-5 for axis in np.eye(6)
    ]
    for values in (still, np.ones_like(still)):
        columns += [values * axis for axis in np.eye(3)]
    jacobian = np.stack(columns, axis=-1)
    residual = gain * still + offset - image
    squared = (residual**2).sum(axis=-1)
    softened = 1 / (1 + squared / float(seen.scale) ** 2)
    weighted = jacobian * (weights * softened**2)[..., None, None]
    return (
        np.einsum("hwck,hwcl->kl", weighted, jacobian),
        np.einsum("hwck,hwc->k", weighted, residual),
        float((0.5 * weights * squared * softened).sum()),
    )


def smooth() -> Gaussians:
    """Returns few, wide, half transparent Gaussians: no pixel is near a threshold."""
    scene = cloud(seed=5, log_scale=-0.2, logit=0.0)
    scales = jnp.clip(scene.log_scales, -1.2, 0.3)
    return dataclasses.replace(scene, log_scales=scales, live=jnp.arange(24) < 4)


@pytest.mark.parametrize("scale", [np.inf, 0.3])
def test_equations_are_those_of_finite_differences(
    backend: Backend, scale: float
) -> None:
    view = camera()
    seen = photograph(view, scale)
    matrix, vector, cost = by_finite_differences(smooth(), view, seen)
    found = equations(smooth(), view, seen, backend, exposure=True)
    assert found.matrix.shape == (12, 12)
    assert difference(found.matrix[:6, :6], matrix[:6, :6]) < TOLERANCE
    assert difference(found.matrix, matrix) < TOLERANCE
    assert difference(found.vector, vector) < TOLERANCE
    assert difference(found.cost, np.array(cost)) < TOLERANCE


@pytest.mark.parametrize("name", SCENES)
def test_tiled_agree_with_reference(name: str) -> None:
    seen = photograph(VIEW)
    expected = equations(SCENES[name], VIEW, seen, "reference", exposure=True)
    assert np.linalg.eigvalsh(np.asarray(expected.matrix, np.float64)).min() > 0
    for tiled in TILED:
        found = equations(SCENES[name], VIEW, seen, tiled, exposure=True)
        assert 0 < int(found.needed) <= CAPACITY
        assert_equal(found, expected, AGREEMENT[tiled])


@pytest.mark.parametrize("tiled", TILED)
def test_minification_moves_the_opacities_too(tiled: Backend) -> None:
    scene, seen = SCENES["small"], photograph(VIEW)
    expected = equations(scene, VIEW, seen, "reference", minification=3.0)
    found = equations(scene, VIEW, seen, tiled, minification=3.0)
    assert_equal(found, expected, AGREEMENT[tiled])
    plain = equations(scene, VIEW, seen, "reference")
    assert difference(plain.matrix, expected.matrix) > 0.01


def test_vector_is_the_gradient_of_the_cost() -> None:
    seen, center = photograph(camera()), jnp.array(CENTER)

    def cost(twist: jax.Array) -> jax.Array:
        moved = motion.moved(camera(), twist, center)
        return equations(smooth(), moved, seen, "reference").cost

    expected = jax.jit(jax.grad(cost))(jnp.zeros(6))
    found = equations(smooth(), camera(), seen, "reference").vector
    np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-5)


def test_vmap_over_photographs_is_the_loop(backend: Backend) -> None:
    scene = cloud()
    views = [camera(eye=eye) for eye in [(0.4, -4.0, 1.0), (3.0, 2.0, -1.0)] * 2]
    seen = [photograph(view, seed=seed) for seed, view in enumerate(views)]

    def nested(records: list) -> object:
        stacked = jax.tree.map(lambda *leaves: jnp.stack(leaves), *records)
        return jax.tree.map(lambda x: x.reshape(2, 2, *x.shape[1:]), stacked)

    def one(view: Camera, picture: Photograph) -> NormalEquations:
        return equations(scene, view, picture, backend, capacity=clouds.CAPACITY)

    found = jax.jit(jax.vmap(jax.vmap(one)))(nested(views), nested(seen))
    for index, (view, picture) in enumerate(zip(views, seen, strict=True)):
        mine = jax.tree.map(lambda x, i=index: x[i // 2, i % 2], found)
        assert_equal(mine, one(view, picture), 1e-5)


def test_no_gaussian_and_no_weight_give_zeros(backend: Backend) -> None:
    view = camera()
    seen = photograph(view)
    nothing = clouds.rows(cloud(), slice(0))
    dead = dataclasses.replace(cloud(), live=jnp.zeros(24, bool))
    for scene in (nothing, dead):
        found = equations(scene, view, seen, backend, capacity=clouds.CAPACITY)
        assert not np.any(found.matrix) and not np.any(found.vector)
        assert float(found.cost) > 0
    blind = dataclasses.replace(seen, weights=jnp.zeros_like(seen.weights))
    found = equations(cloud(), view, blind, backend, capacity=clouds.CAPACITY)
    assert not np.any(found.matrix) and float(found.cost) == 0


def test_broken_row_is_culled(backend: Backend) -> None:
    view = camera()
    broken = clouds.changed(cloud(), "means", 5, (np.nan, 0.0, 0.0))
    without = dataclasses.replace(cloud(), live=jnp.arange(24) != 5)
    found, expected = (
        equations(s, view, photograph(view), backend, capacity=clouds.CAPACITY)
        for s in (broken, without)
    )
    assert clouds.all_finite(found)
    assert_equal(found, expected, 1e-6)


@pytest.mark.parametrize("tiled", TILED)
def test_padded_lists_of_a_nearby_pose_serve(tiled: Backend) -> None:
    scene, seen = SCENES["small"], photograph(VIEW)
    twist = jnp.array([0.01, -0.01, 0.02, 0.004, 0.003, -0.005])
    near = motion.moved(VIEW, twist, jnp.array(CENTER))
    lists = tile_lists(scene, VIEW, capacity=CAPACITY, padding=3.0)
    found = equations(scene, near, seen, tiled, lists=lists)
    assert_equal(found, equations(scene, near, seen, tiled), 1e-6)
    bare = tile_lists(scene, VIEW, capacity=CAPACITY)
    assert int(lists.needed) > int(bare.needed)


def test_without_exposure_the_equations_are_the_upper_left_part(
    backend: Backend,
) -> None:
    seen = photograph(camera())
    whole, part = (
        equations(cloud(), camera(), seen, backend, exposure, capacity=clouds.CAPACITY)
        for exposure in (True, False)
    )
    assert part.matrix.shape == (6, 6)
    assert difference(part.matrix, whole.matrix[:6, :6]) < 1e-6
    assert difference(part.vector, whole.vector[:6]) < 1e-6
    assert difference(part.cost, whole.cost) < 1e-6


def test_moved_turns_about_the_center() -> None:
    view = camera()
    center = jnp.array(CENTER)
    turned = motion.moved(view, jnp.array([0.0, 0.0, 0.0, 0.3, -0.2, 0.1]), center)
    places = [
        pose[:3, :3] @ center + pose[:3, 3]
        for pose in (view.camera_from_world, turned.camera_from_world)
    ]
    np.testing.assert_allclose(*places, atol=1e-6)
    shifted = motion.moved(view, jnp.array([0.1, 0.2, 0.3, 0.0, 0.0, 0.0]), center)
    gap = shifted.camera_from_world - view.camera_from_world
    np.testing.assert_allclose(gap[:3, 3], [0.1, 0.2, 0.3], atol=1e-6)
