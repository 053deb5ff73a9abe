"""Projected splats against float64 linear algebra."""

import dataclasses

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from jaxsplat.core.cameras import Camera
from jaxsplat.rendering import projection
from jaxsplat.scene.gaussians import Gaussians
from tests.helpers import clouds
from tests.helpers.clouds import camera, cloud

_project = jax.jit(projection.project, static_argnums=2)


def covariances(scene: Gaussians, view: Camera) -> np.ndarray:
    """Returns the image-plane covariances J W S W' J' before dilation, [n, 2, 2]."""
    oracle = clouds.oracle(scene, view)
    rotation = oracle.camera_from_world[:3, :3]
    points = oracle.means @ rotation.T + oracle.camera_from_world[:3, 3]
    found = []
    for (x, y, z), quat, log_scale in zip(
        points, oracle.quats, oracle.log_scales, strict=True
    ):
        jacobian = np.array(
            [
                [oracle.fx / z, 0, -oracle.fx * x / z**2],
                [0, oracle.fy / z, -oracle.fy * y / z**2],
            ]
        )
        axes = Rotation.from_quat(np.roll(quat, -1)).as_matrix()
        half = jacobian @ rotation @ axes * np.exp(log_scale)
        found.append(half @ half.T)
    return np.array(found)


def precisions(factors: jax.Array) -> np.ndarray:
    p, q, r = np.asarray(factors, np.float64).T
    return np.array([[p * p, p * q], [p * q, q * q + r * r]]).transpose(2, 0, 1)


@pytest.mark.parametrize("minification", [1.0, 3.0, 0.5])
def test_factors_and_opacities(minification: float) -> None:
    # All centres are in the image, where rays are not clamped.
    scene, view = cloud(spread=0.5), camera()
    splats = _project(scene, view, minification)
    sizes = covariances(scene, view)
    fitted = sizes + 0.3 / minification**2 * np.eye(2)
    blurred = fitted + (1 - minification**-2) / 12 * np.eye(2)
    np.testing.assert_allclose(
        precisions(splats.factors), np.linalg.inv(blurred), rtol=1e-3, atol=1e-5
    )
    # What a splat adds to the image's sum stays as areas grow.
    opacity = 1 / (1 + np.exp(-np.asarray(scene.opacity_logits, np.float64)))
    weight = opacity * np.sqrt(np.linalg.det(fitted) / np.linalg.det(blurred))
    np.testing.assert_allclose(np.exp(splats.log_opacities), weight, rtol=1e-4)


def test_minified_image_is_the_average_of_the_large_one() -> None:
    # Thin layers: transmittance is nearly linear, so averaging commutes with it.
    scene = cloud(spread=0.5, log_scale=-2.5, logit=-3.0)
    large, small = camera(64, 48), camera(16, 12, shift=(1.3 / 4, -2.2 / 4))
    whole = np.asarray(clouds.draw(scene, large, "reference").alpha)
    average = whole.reshape(12, 4, 16, 4).mean(axis=(1, 3))
    found = {}
    for minification in (1.0, 4.0):
        splats = _project(scene, small, minification)
        drawn = projection_alpha(splats, small)
        found[minification] = np.abs(drawn - average).mean()
    assert found[4.0] < 0.3 * found[1.0]


def projection_alpha(splats: projection.Splats, view: Camera) -> np.ndarray:
    """Returns the sum of alphas over all splats at each pixel."""
    xs = np.arange(view.width) + 0.5
    ys = np.arange(view.height)[:, None] + 0.5
    u, v = np.asarray(splats.means).T[:, :, None, None]
    p, q, r = np.asarray(splats.factors).T[:, :, None, None]
    power = 0.5 * ((p * (xs - u) + q * (ys - v)) ** 2 + (r * (ys - v)) ** 2)
    opacity = np.exp(np.asarray(splats.log_opacities))[:, None, None]
    return 1 - np.prod(1 - opacity * np.exp(-power), axis=0)


def test_needles_keep_their_width() -> None:
    # A thousand pixels long and a hundredth wide: the difference of products
    # xx yy - xy^2 has no correct digit there in float32.
    n = 24
    scene = dataclasses.replace(
        cloud(n, spread=0.3),
        log_scales=jnp.tile(jnp.log(jnp.array([100.0, 1e-3, 1e-3])), (n, 1)),
    )
    view = camera()
    splats = _project(scene, view, 1.0)
    sizes = covariances(scene, view) + 0.3 * np.eye(2)
    found = np.trace(precisions(splats.factors), axis1=1, axis2=2)
    # The trace of the precision is 1 over the variance across the needle.
    expected = np.trace(np.linalg.inv(sizes), axis1=1, axis2=2)
    np.testing.assert_allclose(found, expected, rtol=1e-3)


def test_extents_bound_the_visible_ellipse() -> None:
    scene, view = cloud(spread=0.5), camera()
    splats = _project(scene, view, 1.0)
    angle = np.linspace(0, 2 * np.pi, 400)
    circle = np.stack([np.cos(angle), np.sin(angle)])
    seen = np.asarray(splats.reach) > 0
    assert seen.sum() > 20
    for precision, reach, extent in zip(
        precisions(splats.factors)[seen],
        np.asarray(splats.reach)[seen],
        np.asarray(splats.extents)[seen],
        strict=True,
    ):
        root = np.linalg.cholesky(np.linalg.inv(precision))
        ellipse = np.abs(np.sqrt(reach) * root @ circle).max(axis=1)
        np.testing.assert_allclose(ellipse, extent, rtol=1e-3)
