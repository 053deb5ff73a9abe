"""What becomes of numbers that cannot be rendered, and of 3D filters."""

import dataclasses
import logging

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxsplat import errors
from jaxsplat.scene import ply, rows
from jaxsplat.scene.gaussians import Gaussians, opacities, scales
from tests.helpers import clouds, numpy_renderer

FILE = "cloud.ply"


def some(count: int = 4) -> rows.Rows:
    rng = np.random.default_rng(1)
    return rows.Rows(
        means=rng.normal(size=(count, 3)).astype(np.float32),
        log_scales=rng.normal(size=(count, 3)).astype(np.float32) - 2,
        quats=rng.normal(size=(count, 4)).astype(np.float32),
        opacity_logits=rng.normal(size=count).astype(np.float32),
        colors=rng.uniform(size=(count, 3)).astype(np.float32),
    )


def changed(name: str, row: int, value: float) -> rows.Rows:
    found = some()
    leaf = getattr(found, name).copy()
    leaf[row] = value
    return dataclasses.replace(found, **{name: leaf})


@pytest.mark.parametrize(("logit", "opacity"), [(np.inf, 1), (-np.inf, 0)])
def test_infinite_logits_are_opaque_and_transparent(
    logit: float, opacity: float
) -> None:
    found = rows.to_gaussians(FILE, changed("opacity_logits", 1, logit))
    assert np.isfinite(found.opacity_logits).all()
    assert opacities(found)[1] == opacity
    assert opacity == jax.nn.sigmoid(jnp.float32(logit))
    others = np.array([0, 2, 3])
    np.testing.assert_array_equal(
        found.opacity_logits[others], some().opacity_logits[others]
    )


def test_no_thickness_is_a_thin_disc() -> None:
    found = rows.to_gaussians(FILE, changed("log_scales", 2, -np.inf))
    assert np.isfinite(found.log_scales).all()
    assert 0 < scales(found)[2].max() < 1e-15
    # Its square, which the renderer takes, is a number.
    assert (scales(found)[2] ** 2 > 1e-37).all()


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("means", np.nan),
        ("means", -np.inf),
        ("log_scales", np.inf),
        ("log_scales", np.nan),
        ("quats", np.nan),
        ("opacity_logits", np.nan),
        ("colors", np.inf),
    ],
)
def test_rows_that_cannot_be_rendered_are_dropped_and_counted(
    name: str, value: float, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.WARNING):
        found = rows.to_gaussians(FILE, changed(name, 1, value))
    np.testing.assert_array_equal(found.means, some().means[[0, 2, 3]])
    (message,) = caplog.messages
    assert message == (
        "cloud.ply: 1 of 4 splats hold NaN or infinity, first 1; dropped"
    )


def test_nothing_but_such_rows_is_refused() -> None:
    broken = dataclasses.replace(some(), means=np.full((4, 3), np.nan, np.float32))
    with pytest.raises(errors.DataError, match="4 of 4 splats hold NaN"):
        rows.to_gaussians(FILE, broken)


def test_whole_rows_say_nothing(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO):
        rows.to_gaussians(FILE, some())
    assert not caplog.messages


def test_a_filter_adds_to_the_covariance_and_keeps_the_mass(
    caplog: pytest.LogCaptureFixture,
) -> None:
    sigma = np.array([0.0, 0.05, 0.4, -0.1], np.float32)
    with caplog.at_level(logging.INFO):
        found = rows.to_gaussians(FILE, dataclasses.replace(some(), filters=sigma))
    assert len(caplog.messages) == 1 and "3D filter" in caplog.messages[0]
    before = np.exp(2 * some().log_scales.astype(np.float64))
    after = before + sigma.astype(np.float64)[:, None] ** 2
    np.testing.assert_allclose(scales(found), np.sqrt(after), rtol=1e-5)
    opacity = 1 / (1 + np.exp(-some().opacity_logits.astype(np.float64)))
    expected = opacity * np.sqrt(before.prod(axis=1) / after.prod(axis=1))
    np.testing.assert_allclose(opacities(found), expected, rtol=1e-5)
    assert found.opacity_logits[0] == some().opacity_logits[0]
    np.testing.assert_array_equal(found.log_scales[0], some().log_scales[0])


def test_a_filter_of_extreme_splats_stays_finite() -> None:
    extreme = dataclasses.replace(
        some(),
        opacity_logits=np.array([np.inf, -np.inf, 80, 80], np.float32),
        log_scales=np.array([[-np.inf], [0], [30], [-40]], np.float32) + np.zeros(3),
        filters=np.full(4, 0.1, np.float32),
    )
    found = rows.to_gaussians(FILE, extreme)
    assert clouds.all_finite(found)
    np.testing.assert_allclose(opacities(found), [0, 0, 1, 0], atol=1e-6)
    np.testing.assert_allclose(scales(found)[0], 0.1, rtol=1e-5)


def with_negative_colors(degree: int) -> Gaussians:
    scene = clouds.cloud(12, degree=degree)
    return dataclasses.replace(scene, colors=scene.colors * 1.6 - 0.6)


@pytest.mark.parametrize("backend", clouds.runnable())
@pytest.mark.parametrize("degree", [0, 1])
def test_a_stored_scene_is_drawn_by_kerbls_formula(backend: str, degree: int) -> None:
    scene = with_negative_colors(degree)
    view = clouds.camera()
    found = clouds.draw(ply.stored(scene), view, backend)
    oracle = clouds.oracle(scene, view)
    if degree == 0:
        # max(0, C0 f_dc + 0.5), for every view.
        oracle = dataclasses.replace(oracle, colors=np.maximum(oracle.colors, 0))
    color, _, _ = numpy_renderer.render(oracle, np.array(clouds.BACKGROUND))
    np.testing.assert_allclose(found.color, color, atol=2e-5)


def test_what_is_stored_comes_back_bit_for_bit() -> None:
    colors = np.random.default_rng(0).uniform(-0.5, 1.5, (5000, 3))
    colors[:40] = np.linspace(-2e-7, 2e-7, 40)[:, None]
    scene = clouds.cloud(5000)
    scene = dataclasses.replace(scene, colors=jnp.asarray(colors, jnp.float32))
    once = ply.stored(scene)
    assert (once.colors >= 0).all()
    twice = ply.stored(once)
    for name, leaf in clouds.named(once).items():
        np.testing.assert_array_equal(leaf, getattr(twice, name))


def test_scenes_that_are_not_finite_are_not_stored() -> None:
    broken = clouds.changed(clouds.cloud(5), "means", 3, np.nan)
    with pytest.raises(errors.NumericsError, match="1 of 5 live .* first row 3"):
        ply.stored(broken)
