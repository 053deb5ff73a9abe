"""Structural similarity against scikit-image."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from skimage.metrics import structural_similarity

from jaxsplat.core import ssim

similarity = jax.jit(ssim.ssim)
similarity_map = jax.jit(ssim.ssim_map)
gradient = jax.jit(jax.grad(ssim.ssim))
SHAPE = (14, 13, 1)


def images(shape: tuple[int, ...], noise: float) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(0)
    a = rng.uniform(size=shape).astype(np.float32)
    b = np.clip(a + noise * rng.normal(size=shape), 0, 1).astype(np.float32)
    return a, b


@pytest.mark.parametrize("shape", [(11, 11, 1), (33, 27, 3)])
@pytest.mark.parametrize("noise", [0.01, 0.2])
def test_equals_scikit_image(shape: tuple[int, ...], noise: float) -> None:
    a, b = images(shape, noise)
    expected, full = structural_similarity(
        a.astype(np.float64),
        b.astype(np.float64),
        gaussian_weights=True,
        sigma=1.5,
        use_sample_covariance=False,
        data_range=1.0,
        channel_axis=2,
        full=True,
    )
    inside = full[5 : shape[0] - 5, 5 : shape[1] - 5]
    found = similarity_map(array(a), array(b))
    np.testing.assert_allclose(found, inside, atol=1e-4)
    np.testing.assert_allclose(np.mean(found), expected, atol=1e-5)


def array(image: np.ndarray) -> jax.Array:
    return jnp.asarray(image)


def test_equal_images_have_similarity_one() -> None:
    a = array(images(SHAPE, 0)[0])
    for image in (a, jnp.zeros_like(a), jnp.ones_like(a)):
        np.testing.assert_allclose(similarity(image, image), 1, rtol=1e-6)


def test_is_symmetric_and_at_most_one() -> None:
    a, b = (array(x) for x in images(SHAPE, 0.3))
    assert similarity(a, b) == similarity(b, a)
    np.testing.assert_allclose(
        similarity(a, b), np.mean(similarity_map(a, b)), rtol=1e-6
    )
    assert (np.abs(similarity_map(a, b)) <= 1 + 1e-6).all()


@pytest.mark.parametrize("shape", [(10, 40, 3), (40, 10, 3), (1, 1, 3)])
def test_image_below_the_window_is_refused(shape: tuple[int, ...]) -> None:
    with pytest.raises(ValueError, match="11 pixels a side"):
        ssim.ssim(jnp.zeros(shape), jnp.zeros(shape))


def test_gradient_is_finite_on_plain_images() -> None:
    with jax.enable_x64(True):
        for level in (0.0, 1.0):
            plain = jnp.full(SHAPE, level, dtype=jnp.float64)
            assert np.isfinite(np.asarray(gradient(plain, plain))).all()


def test_gradient_equals_finite_differences() -> None:
    a, b = images(SHAPE, 0.2)
    direction = np.random.default_rng(1).normal(size=a.shape)
    step = 1e-5
    with jax.enable_x64(True):
        x, y, d = (jnp.asarray(v, dtype=jnp.float64) for v in (a, b, direction))
        expected = (similarity(x + step * d, y) - similarity(x - step * d, y)) / (
            2 * step
        )
        found = jnp.sum(gradient(x, y) * d)
        np.testing.assert_allclose(float(found), float(expected), rtol=1e-7)
