"""PTAD's network compares at four levels, and what it tells has its shapes."""

import dataclasses

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxsplat import learning
from jaxsplat.errors import ConfigError
from jaxsplat.features import mmpdn
from jaxsplat.methods import ptad

NETWORK = dataclasses.replace(ptad.fast().network, side=32, channels=4, hidden=4)


def inputs(count: int = 2) -> list[jax.Array]:
    rng = np.random.default_rng(0)
    sides = [(count, 32, 32, 3), (count, 32, 32, 3)]
    sides += [(count, 8, 8, NETWORK.further), (count, NETWORK.numbers)]
    return [jnp.asarray(rng.uniform(size=size), jnp.float32) for size in sides]


def test_the_distance_is_equation_9() -> None:
    rng = np.random.default_rng(1)
    first, second = rng.normal(size=(2, 1, 3, 4, 5))
    expected = 1 - (first * second).sum(-1) / np.sqrt(
        (first**2).sum(-1) * (second**2).sum(-1)
    )
    found = mmpdn.cosine_distance(*jnp.asarray([first, second], jnp.float32))
    np.testing.assert_allclose(found, expected, atol=1e-4)
    same = mmpdn.cosine_distance(*jnp.asarray([first, 3 * first], jnp.float32))
    np.testing.assert_allclose(same, 0, atol=1e-4)


def test_everything_told_has_its_shape_and_a_gradient() -> None:
    params = learning.initial(NETWORK, jax.random.key(0))

    def total(params):
        told = learning.apply(NETWORK, params, *inputs())
        assert told.logits.shape == (2,) and told.boxes.shape == (2, 4)
        assert told.maps.shape == (2, NETWORK.cells, NETWORK.cells)
        size = jnp.sum(told.boxes[:, 2:] - told.boxes[:, :2])
        return jnp.sum(told.logits) + size + jnp.sum(told.maps), told

    slopes, told = jax.jit(jax.grad(total, has_aux=True))(params)
    assert (told.boxes[:, 2:] > told.boxes[:, :2]).all()
    for name, slope in slopes.items():
        assert np.isfinite(slope).all(), name
        # Statistics of normalisations are not learnt.
        assert "running" not in name or not slope.any(), name
    for name in ("encoder.conv1.weight", "smooth.kernel", "map.kernel"):
        assert slopes[name].any(), name


@pytest.mark.parametrize("wrong", [{"side": 40}, {"hidden": 0}, {"further": -1}])
def test_settings_are_checked(wrong) -> None:
    with pytest.raises(ConfigError):
        dataclasses.replace(NETWORK, **wrong)


def test_the_papers_network_is_resnet18() -> None:
    network = ptad.paper().network
    taps = network.encoder.taps
    assert [tap.channels for tap in taps] == [64, 128, 256, 512]
    assert network.encoder.blocks == (2, 2, 2, 2)
    assert (network.side, network.further, network.numbers) == (256, 0, 0)
