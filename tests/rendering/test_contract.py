"""What every backend must do: one contract, run on each."""

import dataclasses
import math

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from jaxsplat.core import cameras, quaternions, se3
from jaxsplat.core.cameras import Camera
from jaxsplat.rendering import api as render
from jaxsplat.rendering.backends import Backend
from jaxsplat.scene.gaussians import Gaussians
from tests.helpers import clouds, numpy_renderer
from tests.helpers.clouds import BACKGROUND, CAPACITY, camera, cloud, draw, frontal

NAN, INF = math.nan, math.inf
# Worst seen: 1e-6.
ORACLE = 1e-4

SIZES = {
    "one_pixel": camera(1, 1, shift=(0.2, -0.1), focal=20.0),
    "13x50": camera(13, 50, focal=3.0),
    "principal_point_outside": camera(29, 21, shift=(-33.0, 4.0)),
    "fx_not_fy": camera(29, 21, aspect=2.5),
}


@pytest.fixture(params=clouds.runnable())
def backend(request: pytest.FixtureRequest) -> Backend:
    return request.param


def one(
    depth: float = 4.0,
    scale: float = 0.3,
    logit: float = 1.0,
    color: tuple[float, float, float] = (0.9, 0.2, 0.4),
    offset: tuple[float, float] = (0.0, 0.0),
) -> Gaussians:
    """Returns a round Gaussian before the frontal camera, as the only live row."""
    return joined(
        Gaussians(
            jnp.array([[*offset, depth]]),
            jnp.full((1, 3), math.log(scale)),
            jnp.array([[1.0, 0.0, 0.0, 0.0]]),
            jnp.array([logit]),
            jnp.array([color]),
            jnp.ones(1, bool),
        )
    )


def joined(*parts: Gaussians) -> Gaussians:
    """Returns the live rows of all parts, then dead ones up to the usual number.

    With one number of rows the tests share one compiled program.
    """
    live = [clouds.rows(part, np.asarray(part.live)) for part in parts]
    count = sum(len(part.live) for part in live)
    dead = dataclasses.replace(cloud(), live=jnp.zeros(24, bool))
    return jax.tree.map(
        lambda *leaves: jnp.concatenate(leaves),
        *live,
        clouds.rows(dead, slice(24 - count)),
    )


def profile(view: Camera, depth: float, scale: float, logit: float) -> np.ndarray:
    """Returns the alpha image of a round Gaussian on the optical axis."""
    xs = np.arange(view.width) + 0.5 - float(view.cx)
    ys = np.arange(view.height) + 0.5 - float(view.cy)
    variance = (float(view.fx) * scale / depth) ** 2 + 0.3
    squared = (xs**2 + ys[:, None] ** 2) / variance
    alpha = np.minimum(np.exp(-0.5 * squared) / (1 + math.exp(-logit)), 0.99)
    return np.where(alpha >= 1 / 255, alpha, 0)


def assert_background(drawn: render.Rendered) -> None:
    np.testing.assert_array_equal(drawn.alpha, 0)
    np.testing.assert_array_equal(drawn.depth, 0)
    expected = np.broadcast_to(np.float32(BACKGROUND), drawn.color.shape)
    np.testing.assert_array_equal(drawn.color, expected)


def same(found: render.Rendered, expected: render.Rendered, atol: float = 0.0) -> None:
    assert np.asarray(expected.alpha).max() > 0.1, "empty images are always the same"
    for name in ("color", "alpha", "depth"):
        np.testing.assert_allclose(
            getattr(found, name), getattr(expected, name), rtol=0, atol=atol
        )


def with_live(gaussians: Gaussians, live: jax.Array) -> Gaussians:
    return dataclasses.replace(gaussians, live=live)


def test_no_rows_show_the_background(backend: Backend) -> None:
    empty = clouds.rows(cloud(), slice(0))
    assert_background(draw(empty, camera(), backend))
    assert_background(render.render(empty, camera(), background=jnp.array(BACKGROUND)))


def test_dead_rows_show_the_background(backend: Backend) -> None:
    dead = with_live(cloud(), jnp.zeros(24, bool))
    assert_background(draw(dead, camera(), backend))
    for name, gradient in clouds.gradients(dead, camera(), backend).items():
        assert not np.any(gradient), name


def test_one_gaussian_is_its_closed_form(backend: Backend) -> None:
    drawn = draw(one(), frontal(), backend)
    alpha = profile(frontal(), 4.0, 0.3, 1.0)
    assert alpha.max() > 0.7 and alpha.min() == 0
    color = alpha[..., None] * np.array([0.9, 0.2, 0.4])
    color += (1 - alpha[..., None]) * np.array(BACKGROUND)
    np.testing.assert_allclose(drawn.alpha, alpha, atol=1e-6)
    np.testing.assert_allclose(drawn.depth, 4 * alpha, atol=4e-6)
    np.testing.assert_allclose(drawn.color, color, atol=1e-6)


def test_nearer_gaussian_covers_farther(backend: Backend) -> None:
    far = one(6.0, 0.5, 2.0, (0.0, 1.0, 0.0))
    drawn = draw(joined(far, one(color=(1.0, 0.0, 0.0))), frontal(), backend)
    near = profile(frontal(), 4.0, 0.3, 1.0)
    behind = (1 - near) * profile(frontal(), 6.0, 0.5, 2.0)
    np.testing.assert_allclose(drawn.alpha, near + behind, atol=1e-6)
    rest = (1 - near - behind)[..., None] * np.array(BACKGROUND)
    found = np.asarray(drawn.color) - rest
    np.testing.assert_allclose(found[..., 0], near, atol=1e-6)
    np.testing.assert_allclose(found[..., 1], behind, atol=1e-6)


def test_opaque_layers_stop_before_transmittance_of_1e_4(
    backend: Backend,
) -> None:
    # Alpha is clamped to .99, so the third layer would take .0001 to below the stop.
    layers = [one(4.0 + k, 3.0, 20.0, (1.0, 0.0, 0.0)) for k in range(2)]
    layers += [one(6.0 + k, 3.0, 20.0, (0.0, 1.0, 0.0)) for k in range(4)]
    drawn = draw(joined(*layers), frontal(), backend, background=(0.0, 0.0, 0.0))
    middle = np.asarray(drawn.color)[10, 14]
    assert middle[1] == 0
    assert 0.99 <= middle[0] <= 1 - 0.99e-4


@pytest.mark.parametrize("depth", [-4.0, 0.0, 0.005, 0.01])
def test_gaussian_behind_the_near_plane_is_culled(
    backend: Backend, depth: float
) -> None:
    assert_background(draw(one(depth), frontal(), backend))
    assert clouds.all_finite(clouds.gradients(one(depth), frontal(), backend))


def test_gaussian_before_the_near_plane_is_seen(backend: Backend) -> None:
    drawn = draw(one(0.0101, 1e-4), frontal(), backend)
    assert float(drawn.alpha[10, 14]) > 0.5


def test_all_behind_the_camera(backend: Backend) -> None:
    turned = camera(eye=(0.4, -4.0, 1.0))
    half_turn = jnp.diag(jnp.array([-1.0, 1.0, -1.0, 1.0]))
    away = cameras.with_pose(turned, half_turn @ turned.camera_from_world)
    assert_background(draw(cloud(), away, backend))


def test_transparent_gaussian_changes_nothing(backend: Backend) -> None:
    added = clouds.changed(cloud(), "opacity_logits", 23, -100.0)
    without = with_live(added, jnp.arange(24) < 23)
    expected = draw(without, camera(), backend)
    same(draw(added, camera(), backend), expected)
    opaque = draw(cloud(), camera(), backend)
    assert np.abs(np.asarray(opaque.color - expected.color)).max() > 0.05


def test_order_of_rows_does_not_matter(backend: Backend) -> None:
    order = np.random.default_rng(3).permutation(24)
    shuffled = clouds.rows(cloud(), order)
    same(draw(shuffled, camera(), backend), draw(cloud(), camera(), backend))


def test_equal_depths_are_drawn_in_row_order(backend: Backend) -> None:
    red, blue = one(color=(1.0, 0.0, 0.0)), one(color=(0.0, 0.0, 1.0))
    alpha = float(draw(red, frontal(), backend).alpha[10, 14])
    for pair, front in ((joined(red, blue), 0), (joined(blue, red), 2)):
        drawn = draw(pair, frontal(), backend, background=(0.0, 0.0, 0.0))
        color = np.asarray(drawn.color)[10, 14]
        np.testing.assert_allclose(color[front], alpha, atol=1e-6)
        np.testing.assert_allclose(color[2 - front], alpha * (1 - alpha), atol=1e-6)


def test_moving_world_and_camera_together_changes_nothing(
    backend: Backend,
) -> None:
    scene, view = cloud(), camera()
    motion = np.asarray(se3.exp(jnp.array([0.7, -0.4, 1.1, 0.9, -1.3, 0.4])), float)
    turn, shift = motion[:3, :3], motion[:3, 3]
    moved = dataclasses.replace(
        scene,
        means=jnp.asarray(np.asarray(scene.means) @ turn.T + shift, jnp.float32),
        quats=_quaternions(turn @ np.asarray(quaternions.to_rotation(scene.quats))),
    )
    pose = np.asarray(view.camera_from_world) @ np.linalg.inv(motion)
    same(
        draw(moved, cameras.with_pose(view, jnp.float32(pose)), backend),
        draw(scene, view, backend),
        atol=3e-5,
    )


def _quaternions(rotations: np.ndarray) -> jax.Array:
    quats = np.roll(Rotation.from_matrix(rotations).as_quat(), 1, axis=-1)
    return jnp.asarray(quats, jnp.float32)


def test_crop_is_the_cropped_camera(backend: Backend) -> None:
    # All centres lie in the window: there the clamp of far-off rays does not act.
    scene, view = cloud(spread=0.25), camera(shift=(0.0, 0.0))
    whole = draw(scene, view, backend)
    window = dataclasses.replace(
        view, cx=view.cx - 5, cy=view.cy - 3, width=29, height=21
    )
    part = draw(scene, window, backend)
    assert float(jnp.max(part.alpha)) > 0.9
    for name in ("color", "alpha"):
        found, expected = getattr(part, name), getattr(whole, name)
        np.testing.assert_allclose(found[:18, :24], expected[3:, 5:], atol=1e-5)


def test_alpha_stays_in_the_unit_interval(backend: Backend) -> None:
    drawn = draw(cloud(log_scale=-0.5, logit=3.0), camera(), backend)
    assert float(drawn.alpha.min()) >= 0
    assert 0.999 < float(drawn.alpha.max()) <= 1


def test_linear_in_background_and_colours(backend: Backend) -> None:
    scene, view = cloud(), camera()
    black = draw(scene, view, backend, background=(0.0, 0.0, 0.0))
    over = draw(scene, view, backend)
    added = (1 - black.alpha)[..., None] * jnp.array(BACKGROUND)
    np.testing.assert_allclose(over.color, black.color + added, atol=1e-6)
    brighter = dataclasses.replace(scene, colors=-2 * scene.colors)
    found = draw(brighter, view, backend, background=(0.0, 0.0, 0.0))
    np.testing.assert_allclose(found.color, -2 * black.color, atol=1e-6)


@pytest.mark.parametrize("name", SIZES)
def test_any_size_and_intrinsics(backend: Backend, name: str) -> None:
    view, scene = SIZES[name], cloud(log_scale=-1.2)
    drawn = draw(scene, view, backend)
    color, alpha, depth = numpy_renderer.render(
        clouds.oracle(scene, view), np.array(BACKGROUND)
    )
    assert alpha.max() > 0.3
    np.testing.assert_allclose(drawn.color, color, atol=ORACLE)
    np.testing.assert_allclose(drawn.alpha, alpha, atol=ORACLE)
    np.testing.assert_allclose(drawn.depth, depth, atol=5 * ORACLE)


def test_quaternion_and_its_negative_are_one(backend: Backend) -> None:
    scene = cloud()
    expected = draw(scene, camera(), backend)
    negative = dataclasses.replace(scene, quats=-scene.quats)
    same(draw(negative, camera(), backend), expected)
    longer = dataclasses.replace(scene, quats=5 * scene.quats)
    same(draw(longer, camera(), backend), expected, atol=1e-5)


@pytest.mark.parametrize(
    "log_scales",
    [
        (-INF, -INF, -INF),
        (-69.0, -69.0, -69.0),
        (13.8, 13.8, 13.8),
        (4.0, -9.8, -9.8),
        (13.8, 0.0, -13.8),
        (INF, 0.0, 0.0),
        (1e30, 1.0, 1.0),
    ],
    ids=["zero", "1e-30", "1e6", "thin_1e6", "flat_1e6", "inf", "overflow"],
)
def test_extreme_scales_are_finite(
    backend: Backend, log_scales: tuple[float, float, float]
) -> None:
    scene = clouds.changed(cloud(), "log_scales", 5, log_scales)
    drawn = draw(scene, camera(), backend)
    assert clouds.all_finite(drawn)
    assert 0 <= float(drawn.alpha.min()) <= float(drawn.alpha.max()) <= 1
    assert clouds.all_finite(clouds.gradients(scene, camera(), backend))
    # The other rows are drawn as ever.
    if log_scales[0] > 1e6:
        without = with_live(scene, jnp.arange(24) != 5)
        same(drawn, draw(without, camera(), backend))


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("means", (NAN, 0.0, 0.0)),
        ("means", (INF, 0.0, 0.0)),
        ("means", (0.0, 0.0, -INF)),
        ("means", (1e10, 1e10, 1e10)),
        ("means", (-1e30, 1e30, 3e38)),
        ("log_scales", (NAN, 0.0, 0.0)),
        ("quats", (NAN, 0.0, 0.0, 1.0)),
        ("quats", (INF, 0.0, 0.0, 0.0)),
        ("opacity_logits", NAN),
        ("opacity_logits", -INF),
        ("colors", (0.0, NAN, 0.0)),
        ("colors", (INF, 0.0, 0.0)),
    ],
)
def test_broken_row_is_culled(
    backend: Backend, field: str, value: tuple[float, ...]
) -> None:
    scene = clouds.changed(cloud(), field, 5, value)
    without = with_live(cloud(), jnp.arange(24) != 5)
    same(draw(scene, camera(), backend), draw(without, camera(), backend))
    gradients = clouds.gradients(scene, camera(), backend)
    assert clouds.all_finite(gradients)
    for name in ("means", "log_scales", "quats", "opacity_logits", "colors"):
        assert not np.any(gradients[name][5]), name


def test_zero_quaternion_and_large_opacities_are_finite(
    backend: Backend,
) -> None:
    scene = clouds.changed(cloud(), "quats", 0, (0.0, 0.0, 0.0, 0.0))
    for row, logit in ((1, 100.0), (2, -100.0), (3, INF)):
        scene = clouds.changed(scene, "opacity_logits", row, logit)
    assert clouds.all_finite(draw(scene, camera(), backend))
    assert clouds.all_finite(clouds.gradients(scene, camera(), backend))


def test_gaussian_at_the_camera_centre(backend: Backend) -> None:
    view = camera()
    eye = np.asarray(cameras.position(view))
    scene = clouds.changed(cloud(), "means", 5, eye)
    same(
        draw(scene, view, backend),
        draw(with_live(scene, jnp.arange(24) != 5), view, backend),
    )
    assert clouds.all_finite(clouds.gradients(scene, view, backend))


def test_every_seen_row_has_a_gradient(backend: Backend) -> None:
    gradients = clouds.gradients(cloud(logit=-1.0), camera(), backend)
    assert clouds.all_finite(gradients)
    for name in ("means", "log_scales", "quats", "opacity_logits", "colors"):
        gradient = np.asarray(gradients[name]).reshape(24, -1)
        assert (np.abs(gradient).max(axis=1) > 0).all(), name
    for name in ("camera_from_world", "fx", "fy", "cx", "cy"):
        assert np.any(gradients[name]), name


def test_jit_changes_nothing(backend: Backend) -> None:
    jitted = clouds.evaluate(cloud(), camera(), backend, CAPACITY)[1]
    same(jitted, draw(cloud(), camera(), backend), atol=5e-6)


def test_vmap_over_cameras_is_the_loop(backend: Backend) -> None:
    eyes = [(0.4, -4.0, 1.0), (3.0, 2.0, -1.0), (0.1, 0.2, 3.0), (-9.0, 0.0, 0.0)]
    views = [camera(eye=eye) for eye in eyes]
    stacked = cameras.stack(views)
    nested = jax.tree.map(lambda leaf: leaf.reshape(2, 2, *leaf.shape[1:]), stacked)
    scene = cloud()

    def batched(gaussians: Gaussians, batch: Camera) -> render.Rendered:
        inner = jax.vmap(lambda view: draw(gaussians, view, backend))
        return jax.vmap(inner)(batch)

    found = batched(scene, nested)
    for index, view in enumerate(views):
        one_of = jax.tree.map(lambda leaf, i=index: leaf[i // 2, i % 2], found)
        same(one_of, draw(scene, view, backend), atol=5e-6)

    def total(
        by_scene: dict[str, jax.Array], by_view: dict[str, jax.Array]
    ) -> jax.Array:
        def value(intrinsics: dict[str, jax.Array]) -> jax.Array:
            records = clouds.replaced(scene, views[0], by_scene | intrinsics)
            return clouds.objective(*records, backend, CAPACITY)

        return jnp.sum(jax.vmap(value)(by_view))

    by_scene, by_view = jax.jit(jax.grad(total, argnums=(0, 1)))(
        clouds.named(scene), clouds.named(stacked)
    )
    each = [clouds.gradients(scene, view, backend) for view in views]
    summed = {name: sum(g[name] for g in each) for name in clouds.named(scene)}
    kept = {name: jnp.stack([g[name] for g in each]) for name in clouds.named(views[0])}
    differences = clouds.relative_differences(by_scene | by_view, summed | kept)
    for name, difference in differences.items():
        assert difference < 1e-5, name
