"""Random views beside known ones have the asked deviations."""

import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxsplat.core import quaternions, se3
from jaxsplat.errors import ConfigError
from jaxsplat.pose.regression.perturbing import Perturbation, perturbed

CENTER = jnp.array([0.3, -0.2, 0.1], jnp.float32)
POSE = se3.exp(jnp.array([0.1, 0.2, 4.0, 0.5, 0.6, -0.7], jnp.float32))


def test_the_papers_numbers_are_the_default() -> None:
    assert Perturbation() == Perturbation(views=3, rotation=0.02, translation=0.1)


def test_rotation_is_about_the_centre_and_translation_in_the_cameras_axes() -> None:
    keys = jax.random.split(jax.random.key(0), 4000)
    draw = functools.partial(perturbed, POSE, CENTER, Perturbation())
    poses = jax.vmap(draw)(keys)
    assert poses.dtype == jnp.float32
    shift = np.asarray(jax.vmap(lambda p: se3.apply(p, CENTER))(poses))
    shift = shift - np.asarray(se3.apply(POSE, CENTER))
    # Twice the vector part of a small turn's quaternion is its rotation vector.
    between = poses[:, :3, :3] @ POSE[:3, :3].T
    turn = 2 * np.asarray(quaternions.from_rotation(between))[:, 1:]
    for values, deviation in ((shift, 0.1), (turn, 0.02)):
        # Four deviations of a mean and of a deviation of 4000 draws.
        np.testing.assert_allclose(values.mean(0), 0, atol=4 * deviation / 4000**0.5)
        np.testing.assert_allclose(values.std(0), deviation, rtol=4 / 8000**0.5)
    both = np.concatenate([shift / 0.1, turn / 0.02], axis=1)
    off = np.corrcoef(both.T) - np.eye(6)
    assert np.abs(off).max() < 0.08


def test_no_noise_is_the_pose_itself() -> None:
    still = Perturbation(1, 0.0, 0.0)
    same = perturbed(POSE, CENTER, still, jax.random.key(1))
    np.testing.assert_allclose(same, POSE, atol=1e-6)


def test_wrong_noise_is_told() -> None:
    with pytest.raises(ConfigError, match="views: found -1"):
        Perturbation(views=-1)
    with pytest.raises(ConfigError, match="rotation: found -0.1"):
        Perturbation(rotation=-0.1)
