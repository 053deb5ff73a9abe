"""The networks against float64 NumPy, and invariants of the forward pass."""

import dataclasses

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax import lax

from jaxsplat import errors, features
from jaxsplat.features import architecture, layers, weights
from tests.helpers import networks, numpy_efficientnet

# Largest difference as a share of the largest value. Up to 70 float32 layers of at most
# 672 terms each; the worst seen is 8e-7.
RELATIVE = 5e-6


def images(seed: int, *shape: int) -> jax.Array:
    rng = np.random.default_rng(seed)
    return jnp.asarray(rng.uniform(size=(*shape, 3)), dtype=jnp.float32)


def assert_maps_close(
    maps: tuple[jax.Array, ...], expected: list[np.ndarray], relative: float
) -> None:
    assert len(maps) == len(expected)
    for found, reference in zip(maps, expected, strict=True):
        assert found.shape[1:] == reference.shape
        error = np.abs(np.asarray(found[0]) - reference).max()
        assert error <= relative * np.abs(reference).max()


@pytest.mark.parametrize("size", [(64, 64), (75, 58)])
def test_lite0_agrees_with_numpy(size: tuple[int, int]) -> None:
    net = features.load_network()
    image = images(0, 1, *size)
    raw = weights.parse(
        (weights.BUNDLED / "efficientnet_lite0_taps.safetensors").read_bytes(), "x"
    )
    published = {
        name: np.frombuffer(t.data, np.float32).reshape(t.shape)
        for name, t in raw.items()
    }
    expected = numpy_efficientnet.forward(
        (np.asarray(image[0], dtype=np.float64) * 255 - 127) / 128,
        published,
        numpy_efficientnet.LITE0_BLOCKS,
        numpy_efficientnet.LITE0_TAPS,
        numpy_efficientnet.relu6,
    )
    assert_maps_close(features.extract(net, image), expected, RELATIVE)


@pytest.mark.parametrize("padded_for", [None, 380])
def test_squeeze_excite_and_swish_agree_with_numpy(padded_for: int | None) -> None:
    config = dataclasses.replace(networks.SMALL, padded_for=padded_for)
    net = networks.by_formula(config)
    image = images(1, 1, 45, 34)
    expected = numpy_efficientnet.forward(
        np.asarray(features.normalize(net, image)[0]),
        networks.published(config),
        [(1, 3), (2, 3), (2, 5), (2, 3), (1, 5)],
        (0, 1, 2, 4),
        numpy_efficientnet.swish,
        padded_for,
    )
    assert_maps_close(features.extract(net, image), expected, RELATIVE)


@pytest.mark.parametrize("padding", [None, (1, 2)])
@pytest.mark.parametrize("side, stride", [(3, 1), (3, 2), (5, 2)])
def test_depthwise_agrees_with_grouped_convolution(
    side: int, stride: int, padding: tuple[int, int] | None
) -> None:
    rng = np.random.default_rng(2)
    layer = layers.DepthwiseConv(7, architecture.Window(side, stride, padding))
    kernel = jnp.asarray(rng.normal(size=(side, side, 1, 7)), dtype=jnp.float32)
    layer.weight[...] = kernel
    x = jnp.asarray(rng.normal(size=(2, 11, 8, 7)), dtype=jnp.float32)
    expected = lax.conv_general_dilated(
        x,
        kernel,
        (stride, stride),
        "SAME" if padding is None else [padding] * 2,
        dimension_numbers=("NHWC", "HWIO", "NHWC"),
        feature_group_count=7,
        precision=lax.Precision.HIGHEST,
    )
    np.testing.assert_allclose(jax.jit(layer)(x), expected, rtol=1e-5, atol=1e-5)


def test_batch_equals_each_image_alone() -> None:
    net = networks.by_formula(networks.SMALL)
    batch = images(3, 3, 33, 47)
    together = features.extract(net, batch)
    for index in range(3):
        alone = features.extract(net, batch[index : index + 1])
        expected = [np.asarray(level[index]) for level in together]
        assert_maps_close(alone, expected, RELATIVE)


def test_image_smaller_than_the_stride() -> None:
    size = (1, 40)
    net = networks.by_formula(networks.SMALL)
    maps = features.extract(net, images(4, 1, *size))
    for level, stride in zip(maps, (2, 4, 8, 16), strict=True):
        assert level.shape[1:3] == tuple(-(-side // stride) for side in size)
        assert bool(jnp.all(jnp.isfinite(level)))


def test_image_that_leaves_no_map_is_refused() -> None:
    net = networks.by_formula(dataclasses.replace(networks.SMALL, padded_for=380))
    with pytest.raises(errors.ConfigError, match="8x8 pixels is too small"):
        features.extract(net, images(5, 1, 8, 8))


def test_gradient_of_the_image_agrees_with_differences() -> None:
    net = networks.by_formula(networks.SMALL)
    image, direction = images(6, 1, 16, 16), images(7, 1, 16, 16) - 0.5

    @jax.jit
    @jax.value_and_grad
    def loss(step: jax.Array) -> jax.Array:
        maps = features.extract(net, image + step * direction)
        return sum((jnp.mean(level * level) for level in maps), start=jnp.zeros(()))

    step = 1e-2
    expected = (loss(jnp.float32(step))[0] - loss(jnp.float32(-step))[0]) / (2 * step)
    np.testing.assert_allclose(loss(jnp.zeros(()))[1], expected, rtol=2e-3)


def test_network_is_an_argument_of_a_jitted_function() -> None:
    traces = 0

    @jax.jit
    def total(net: features.FeatureNetwork, image: jax.Array) -> jax.Array:
        nonlocal traces
        traces += 1
        return jnp.sum(features.extract(net, image)[-1])

    image = images(8, 1, 16, 16)
    first = total(networks.by_formula(networks.SMALL), image)
    second = total(networks.by_formula(networks.SMALL), image)
    assert traces == 1
    assert first == second
