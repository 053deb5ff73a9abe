"""Sampling rates in closed form, and renders that follow them."""

import jax
import jax.numpy as jnp
import numpy as np

from jaxsplat.core import cameras
from jaxsplat.rendering import api as render
from jaxsplat.rendering import minification, sampling_rate
from tests.helpers.clouds import camera, cloud


def test_rate_is_focal_length_over_depth() -> None:
    view = camera(24, 16)
    point = jnp.array([0.3, -0.2, 0.1])
    depth = (view.camera_from_world[:3, :3] @ point + view.camera_from_world[:3, 3])[2]
    rate = sampling_rate(view, point)
    np.testing.assert_allclose(rate, view.fx / depth, rtol=1e-6)
    half = cameras.resized(view, 12, 8)
    np.testing.assert_allclose(minification(half, point, rate), 2.0, rtol=1e-6)


def test_what_is_behind_the_camera_is_blurred_no_further() -> None:
    view = camera(24, 16)
    behind = -view.camera_from_world[:3, :3].T @ (
        view.camera_from_world[:3, 3] + jnp.array([0.0, 0.0, 1.0])
    )
    assert float(minification(view, behind, jnp.float32(10.0))) == 0.25


def test_each_image_of_a_batch_has_its_own() -> None:
    scene, view = cloud(), camera(24, 16)
    steps = jnp.array([0.5, 1.0, 3.0])

    def one(step: jax.Array) -> jax.Array:
        return render.render(scene, view, capacity=2048, minification=step).color

    together = jax.vmap(one)(steps)
    for step, image in zip(steps.tolist(), together, strict=True):
        alone = render.render(scene, view, capacity=2048, minification=step).color
        np.testing.assert_allclose(image, alone, atol=1e-5)
    plain = render.render(scene, view, capacity=2048).color
    np.testing.assert_allclose(together[1], plain, atol=1e-6)
    assert float(jnp.abs(together[2] - plain).max()) > 1e-2


def test_a_plan_fits_every_image_at_its_own() -> None:
    scene = cloud(1000)
    views = cameras.stack([camera(64, 48)] * 2)
    both, large = (
        render.plan(scene, views, 1.0, minification=jnp.array(steps), in_octave=16)
        for steps in ([4.0, 0.3], [0.3, 0.3])
    )
    small = render.plan(scene, views, 1.0, minification=4.0, in_octave=16)
    assert both == large > small
