"""Residual networks and transformers against float64 NumPy, and what all share."""

import dataclasses
import typing

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxsplat import errors, features
from jaxsplat.features import interpolation, registry, structure
from jaxsplat.features.config import NetworkConfig
from tests.features.test_efficientnet import assert_maps_close, images
from tests.helpers import networks, numpy_resnet, numpy_transformers

RELATIVE = 5e-6  # as for EfficientNets; the worst seen is 1e-6


def normalized(config: NetworkConfig, image: jax.Array) -> np.ndarray:
    return (np.asarray(image, np.float64) - config.mean) / config.std


@pytest.mark.parametrize("config", [networks.SMALL_RESNET, networks.SMALL_BOTTLENECKS])
@pytest.mark.parametrize("size", [(48, 64), (37, 30)])
def test_resnets_agree_with_numpy(config: NetworkConfig, size: tuple[int, int]) -> None:
    image = images(0, 1, *size)
    expected = numpy_resnet.forward(
        normalized(config, image[0]), networks.published(config), (1, 2, 1, 1)
    )
    maps = features.extract(networks.by_formula(config), image)
    assert_maps_close(maps, expected, RELATIVE)
    assert [m.shape[-1] for m in maps] == [tap.channels for tap in config.taps]


@pytest.mark.parametrize("size", [(20, 20), (12, 16), (24, 28)])
def test_dinov2_agrees_with_numpy(size: tuple[int, int]) -> None:
    config, image = networks.SMALL_DINOV2, images(1, 1, *size)
    expected = numpy_transformers.dinov2(
        normalized(config, image[0]), networks.published(config), 2, 3
    )
    maps = features.extract(networks.by_formula(config), image)
    assert_maps_close(maps, expected, RELATIVE)


@pytest.mark.parametrize("size", [(20, 20), (12, 16), (28, 32)])
def test_sam_agrees_with_numpy(size: tuple[int, int]) -> None:
    config, image = networks.SMALL_SAM, images(2, 1, *size)
    expected = numpy_transformers.sam(
        normalized(config, image[0]), networks.published(config), 2, 3, (1,), 3
    )
    maps = features.extract(networks.by_formula(config), image)
    assert_maps_close(maps, [expected], RELATIVE)


@pytest.mark.parametrize("config", networks.NARROW, ids=lambda config: config.name)
def test_each_image_of_a_batch_is_as_alone(config: NetworkConfig) -> None:
    net, batch = networks.by_formula(config), images(3, 2, 22, 27)
    together = features.extract(net, batch)
    alone = features.extract(net, batch[1:])
    assert_maps_close(alone, [np.asarray(level[1]) for level in together], RELATIVE)


@pytest.mark.parametrize("config", networks.NARROW[2:], ids=lambda config: config.name)
def test_sides_are_stretched_to_whole_patches(config: NetworkConfig) -> None:
    net, odd = networks.by_formula(config), images(4, 1, 18, 21)
    whole = jax.image.resize(odd, (1, 20, 24, 3), "linear")
    expected = [np.asarray(level[0]) for level in features.extract(net, whole)]
    assert_maps_close(features.extract(net, odd), expected, RELATIVE)
    assert expected[0].shape[:2] == (5, 6)


@pytest.mark.parametrize("config", networks.NARROW[1:3], ids=lambda config: config.name)
def test_the_tapped_maps_are_those_of_all(config: NetworkConfig) -> None:
    every, image = networks.by_formula(config), images(5, 1, 24, 24)
    one = dataclasses.replace(config, tapped=(config.all_taps[1].name,))
    shapes = structure.file_shapes(registry.model_of(one), one)
    params = {name: every.params[name] for name in shapes}
    # What stands behind the last map is not built.
    assert len(params) < len(every.params)
    maps = features.extract(features.FeatureNetwork(params, one), image)
    expected = np.asarray(features.extract(every, image)[1][0])
    assert_maps_close(maps, [expected], RELATIVE)


@pytest.mark.parametrize("config", networks.NARROW, ids=lambda config: config.name)
def test_gradient_of_the_image_agrees_with_differences(config: NetworkConfig) -> None:
    net = networks.by_formula(config)
    image, direction = images(6, 1, 16, 16), images(7, 1, 16, 16) - 0.5

    @jax.jit
    @jax.value_and_grad
    def loss(step: jax.Array) -> jax.Array:
        maps = features.extract(net, image + step * direction)
        return sum((jnp.mean(level * level) for level in maps), start=jnp.zeros(()))

    step = 3e-3
    expected = (loss(jnp.float32(step))[0] - loss(jnp.float32(-step))[0]) / (2 * step)
    np.testing.assert_allclose(loss(jnp.zeros(()))[1], expected, rtol=2e-2)


@pytest.mark.parametrize("target", [3, 5, 7, 12])
@pytest.mark.parametrize("kernel", ["linear", "cubic"])
def test_tables_are_interpolated(
    target: int, kernel: typing.Literal["linear", "cubic"]
) -> None:
    values = np.random.default_rng(0).normal(size=(7, 2))
    matrix = interpolation.resizing(7, target, kernel)
    expected = numpy_transformers.interpolated(values, target, cubic=kernel == "cubic")
    np.testing.assert_allclose(matrix @ values, expected, atol=1e-6)
    np.testing.assert_allclose(matrix.sum(axis=1), 1.0, atol=1e-6)


# Numbers of values that the authors' and timm's networks have; of transformers without
# the last normalisation and of residual networks without the classifier.
@pytest.mark.parametrize(
    ("name", "values"),
    [
        ("resnet18", 11_186_112),
        ("resnet50", 23_561_152),
        ("wide_resnet50_2", 66_902_464),
        ("dinov2_vits14", 22_056_192 - 768),
        ("sam_vit_b", 89_670_912),
    ],
)
def test_full_networks_have_all_their_values(name: str, values: int) -> None:
    config = dataclasses.replace(registry.NETWORKS[name].config, tapped=())
    shapes = structure.file_shapes(registry.model_of(config), config)
    assert sum(int(np.prod(shape)) for shape in shapes.values()) == values


def test_every_name_is_in_the_registry() -> None:
    assert set(typing.get_args(registry.NetworkName)) == set(registry.NETWORKS)
    for name, entry in registry.NETWORKS.items():
        assert entry.config.name == name
        assert (entry.bundled is None) == (entry.sha256 is None)


@pytest.mark.parametrize(
    ("name", "taps", "multiple"),
    [
        ("efficientnet_lite0", "block0/2 block2/4 block4/8 block10/16", 1),
        ("efficientnet_b4", "block1/2 block5/4 block9/8 block21/16", 1),
        ("resnet18", "layer1/4 layer2/8 layer3/16", 1),
        ("wide_resnet50_2", "layer1/4 layer2/8 layer3/16", 1),
        ("dinov2_vits14", "layer3/14 layer6/14 layer9/14", 14),
        ("sam_vit_b", "neck/16", 16),
    ],
)
def test_usual_taps(name: str, taps: str, multiple: int) -> None:
    config = registry.NETWORKS[name].config
    assert " ".join(f"{tap.name}/{tap.stride}" for tap in config.taps) == taps
    assert config.multiple == multiple


def test_unknown_taps_are_refused() -> None:
    with pytest.raises(errors.ConfigError, match="resnet18: has no map 'layer5'.*lay"):
        dataclasses.replace(registry.NETWORKS["resnet18"].config, tapped=("layer5",))


def test_chosen_taps_of_the_bundled_network() -> None:
    image = images(8, 1, 32, 32)
    net = features.load_network(taps=("block4", "block2"))
    expected = features.extract(features.load_network(), image)[1:3]
    maps = features.extract(net, image)
    assert_maps_close(maps, [np.asarray(level[0]) for level in expected], RELATIVE)
