"""How much is worked on side by side, and that nothing depends on it."""

import types

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxsplat.pose import pairs


@pytest.mark.parametrize(
    ("platform", "count", "together", "expected"),
    [
        ("cpu", 100, None, 8),
        ("cpu", 3, None, 3),
        ("cpu", 100, 32, 32),
        ("gpu", 100, None, 100),
        ("gpu", 100, 32, 32),
        ("gpu", 0, None, 1),
    ],
)
def test_a_gpu_takes_all_and_a_cpu_a_few(
    monkeypatch: pytest.MonkeyPatch,
    platform: str,
    count: int,
    together: int | None,
    expected: int,
) -> None:
    device = types.SimpleNamespace(platform=platform)
    monkeypatch.setattr(pairs, "default_device", lambda: device)
    assert pairs.side_by_side(count, together) == expected


@pytest.mark.parametrize("together", [1, 4, 100])
def test_groups_give_each_pair_its_own_result(together: int) -> None:
    starts = jnp.arange(240.0).reshape(5, 3, 4, 4)

    def function(pair: tuple[jax.Array, jax.Array]) -> jax.Array:
        return 1000 * pair[0].astype(jnp.float32) + pair[1][0, 0]

    found = pairs.map_pairs(function, starts, together)
    expected = 1000.0 * np.arange(5)[:, None] + np.asarray(starts)[..., 0, 0]
    np.testing.assert_array_equal(found, expected)
