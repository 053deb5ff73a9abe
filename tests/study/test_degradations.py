"""Disturbed photographs against renders from the poses that they claim."""

import jax.numpy as jnp
import numpy as np
import pytest

from jaxsplat.core import cameras
from jaxsplat.core.cameras import Camera
from jaxsplat.rendering import api as render
from jaxsplat.study import degradations
from tests.helpers import toy_object

WHITE = np.ones(3, np.float32)


def large(camera: Camera) -> Camera:
    return cameras.resized(camera, 96, 96)


def photograph(camera: Camera) -> np.ndarray:
    drawn = render.render(
        toy_object.cloud(), camera, background=jnp.ones(3), capacity=8192
    )
    return np.clip(np.asarray(drawn.color), 0, 1)


@pytest.mark.parametrize("kind", ["turned", "off_center", "nearer", "farther"])
def test_the_claimed_camera_sees_the_photograph(kind: str) -> None:
    camera = large(toy_object.cameras_around(3)[1])
    photo = photograph(camera)
    change = degradations.CHANGES[kind]
    rng = np.random.default_rng(2)
    changed, after = degradations.disturb(photo, camera, change, WHITE, rng)
    assert np.abs(changed - photo).mean() > 0.01
    # Splats are no exact projections, so their edges differ a little.
    assert np.abs(changed - photograph(after)).mean() < 0.01
    assert (after.fx / camera.fx) == pytest.approx(change.zoom)


def test_a_defect_covers_a_fifth_of_the_object() -> None:
    camera = large(toy_object.cameras_around(3)[1])
    photo = photograph(camera)
    rng = np.random.default_rng(0)
    change = degradations.CHANGES["marred"]
    changed, after = degradations.disturb(photo, camera, change, WHITE, rng)
    differs = (np.abs(changed - photo) > 1e-6).any(axis=-1).sum()
    area = (np.abs(photo - 1).max(axis=-1) > 0.04).sum()
    assert 0.17 < differs / area <= 0.2
    np.testing.assert_array_equal(after.camera_from_world, camera.camera_from_world)


def test_brightness_is_clipped() -> None:
    camera = large(toy_object.cameras_around(3)[0])
    photo = photograph(camera)
    for kind, factor in (("darker", 0.8), ("brighter", 1.2)):
        changed, _ = degradations.disturb(
            photo,
            camera,
            degradations.CHANGES[kind],
            WHITE,
            np.random.default_rng(0),
        )
        np.testing.assert_allclose(changed, np.clip(factor * photo, 0, 1), atol=1e-6)
