"""Small positive definite systems against float64."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxsplat.core import definite

# Of a solution in float32, for each unit of the matrix's condition. Worst seen: 1e-7.
ROUNDING = 5e-7


def system(condition: float, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Returns matrices of a condition number, and right sides, [8, 6, 6], [8, 6]."""
    rng = np.random.default_rng(seed)
    axes = np.linalg.qr(rng.normal(size=(8, 6, 6)))[0]
    matrix = (axes * np.geomspace(1.0, condition, 6)) @ np.swapaxes(axes, 1, 2)
    return matrix.astype(np.float32), rng.normal(size=(8, 6)).astype(np.float32)


def closed(matrix: jax.Array, right: jax.Array) -> jax.Array:
    return jax.jit(jax.vmap(definite._solved))(matrix, right)


@pytest.mark.parametrize("condition", [1.0, 1e3, 1e5])
def test_solutions_and_inverses_are_those_of_float64(condition: float) -> None:
    matrix, right = system(condition, seed=int(np.log10(condition)))
    exact = np.linalg.inv(matrix.astype(np.float64))
    expected = np.einsum("bij,bj->bi", exact, right.astype(np.float64))
    bound = ROUNDING * condition
    for found in (closed(matrix, right), jax.vmap(definite.solve)(matrix, right)):
        worst = np.abs(found - expected).max(axis=1)
        assert np.all(worst <= bound * np.abs(expected).max(axis=1))
    inverse = np.asarray(jax.vmap(definite.inverse)(matrix))
    assert np.abs(inverse - exact).max() <= bound * np.abs(exact).max()


def test_unknowns_of_very_different_sizes_keep_their_digits() -> None:
    # Scaling by powers of two changes no digit of the factors.
    matrix, right = system(10.0, seed=4)
    sizes = 2.0 ** np.array([-40, 30, 0, 8, -20, 14], np.float32)
    found = closed(matrix * sizes * sizes[:, None], right * sizes)
    np.testing.assert_array_equal(found * sizes, closed(matrix, right))


def test_what_rounding_made_singular_stays_finite() -> None:
    column = np.arange(1.0, 7.0, dtype=np.float32)
    flat = (column * column[:, None])[None]
    assert np.all(np.isfinite(closed(flat, np.ones((1, 6), np.float32))))
    inverse = np.asarray(definite.inverse(jnp.asarray(flat[0])))
    assert np.all(np.isfinite(inverse)) and np.all(np.diagonal(inverse) > 0)


def test_what_is_not_finite_tells_nothing() -> None:
    matrix, right = system(10.0, seed=5)
    matrix[0, 5, 5] = np.nan
    found = np.asarray(closed(matrix, right))
    assert not np.all(np.isfinite(found[0])) and np.all(np.isfinite(found[1:]))
