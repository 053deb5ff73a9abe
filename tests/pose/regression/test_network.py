"""The network against NumPy in float64, and what it starts with."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxsplat import learning
from jaxsplat.errors import ConfigError
from jaxsplat.pose.regression import network
from jaxsplat.pose.regression.network import Irprn

SIDE, CHANNELS = 4, 3
PAPER = Irprn(CHANNELS, layers=2, width=8, hidden=5)
OURS = Irprn(CHANNELS, 2, 8, 5, compared="correlated", reach=1, grid=2)


def maps(seed: int, side: int = SIDE) -> jax.Array:
    rng = np.random.default_rng(seed)
    return jnp.asarray(rng.normal(size=(2, side, side, CHANNELS)), jnp.float32)


def drawn(settings: Irprn) -> learning.Params:
    """Returns parameters of which none is zero."""
    params = learning.initial(settings, jax.random.key(0))
    rng = np.random.default_rng(9)
    return {
        name: value + jnp.asarray(0.3 * rng.normal(size=value.shape), jnp.float32)
        for name, value in params.items()
    }


@pytest.mark.parametrize("settings", [PAPER, OURS])
def test_at_first_nothing_turned_or_moved(settings: Irprn) -> None:
    params = learning.initial(settings, jax.random.key(0))
    turns, shifts = learning.apply(settings, params, maps(1, 8), maps(2, 8))
    assert turns.shape == (3, 2, 4) and shifts.shape == (3, 2, 3)
    np.testing.assert_array_equal(turns, np.tile([1.0, 0, 0, 0], (3, 2, 1)))
    np.testing.assert_array_equal(shifts, 0)


def test_the_papers_network_is_what_its_equations_say() -> None:
    params = {k: np.asarray(v, np.float64) for k, v in drawn(PAPER).items()}

    def linear(x, name):
        return x @ params[f"{name}.kernel"] + params[f"{name}.bias"]

    def relu(x):
        return np.maximum(x, 0)

    def head(x, name):
        return linear(relu(linear(x, f"{name}.hidden")), f"{name}.out")

    def around(x):
        padded = np.pad(x, ((0, 0), (1, 1), (1, 1), (0, 0)))
        found = np.zeros((*x.shape[:3], 9 * x.shape[3]))
        for row in range(SIDE):
            for column in range(SIDE):
                window = padded[:, row : row + 3, column : column + 3]
                found[:, row, column] = window.reshape(len(x), -1)
        return found

    def dynamic(x, name):
        seen = relu(linear(x.mean((1, 2)), f"{name}.squeeze"))
        scores = linear(seen, f"{name}.attend") / 10
        share = np.exp(scores) / np.exp(scores).sum(-1, keepdims=True)
        y = np.zeros(x.shape)
        for index in range(len(x)):
            kernel = np.tensordot(share[index], params[f"{name}.kernels"], 1)
            y[index] = around(x)[index] @ kernel.reshape(-1, x.shape[3])
            y[index] += share[index] @ params[f"{name}.bias"]
        return y

    first, second = maps(1), maps(2)
    both = np.concatenate([first, second], axis=-1).astype(np.float64)
    x = relu(linear(both, "enter.0"))
    turn, shift = head(x.mean((1, 2)), "turns.0"), head(x.mean((1, 2)), "shifts.0")
    expected = [(turn, shift)]
    for layer in range(2):
        x = x + relu(dynamic(x, f"layers.{layer}"))
        pose_feature = x.mean((1, 2))
        turn = turn + head(pose_feature, f"turns.{layer + 1}")
        shift = shift + head(pose_feature, f"shifts.{layer + 1}")
        expected.append((turn, shift))
    found = learning.apply(PAPER, drawn(PAPER), first, second)
    for layer, (turn, shift) in enumerate(expected):
        np.testing.assert_allclose(found[0][layer], turn, rtol=1e-3, atol=1e-3)
        np.testing.assert_allclose(found[1][layer], shift, rtol=1e-3, atol=1e-3)


def test_correlations_tell_where_a_place_went() -> None:
    first, second = maps(1, 6), jnp.roll(maps(1, 6), (1, -1), axis=(1, 2))
    unit = [network._unit(m) for m in (first, second)]
    found = np.asarray(network.correlations(*unit, 2))
    assert found.shape == (2, 6, 6, 25)
    # One row down and one column to the left.
    inside = found[:, 2:4, 2:4]
    assert (inside.argmax(-1) == 3 * 5 + 1).all()
    np.testing.assert_allclose(inside.max(-1), 1, atol=1e-5)
    # Beside the map there is nothing.
    np.testing.assert_array_equal(found[:, 0, 0, :10], 0)


def test_neighbourhoods_are_a_convolutions_windows() -> None:
    x = maps(3, 5)
    kernel = jnp.asarray(
        np.random.default_rng(4).normal(size=(3, 3, 3, 2)), jnp.float32
    )
    for stride in (1, 2):
        expected = jax.lax.conv_general_dilated(
            x,
            kernel,
            (stride, stride),
            [(1, 1), (1, 1)],
            dimension_numbers=("NHWC", "HWIO", "NHWC"),
        )
        found = network.neighbourhoods(x, stride) @ kernel.reshape(-1, 2)
        np.testing.assert_allclose(found, expected, atol=1e-4)


def test_wrong_settings_are_told() -> None:
    with pytest.raises(ConfigError, match="layers: found -1, expected 0 or more"):
        Irprn(3, layers=-1)
    with pytest.raises(ConfigError, match="grid: found 0, expected 1 or more"):
        Irprn(3, grid=0)
