"""Positive definite systems of a few unknowns, in closed form where that is faster.

On a GPU a library's solver starts several kernels, for which six unknowns are no work
at all. Single numbers XLA fuses, and a kernel can hold them. On a CPU the library's is
as fast, and compiles in half the time.
"""

from collections.abc import Sequence

import jax
import jax.numpy as jnp
from jax import Array, lax
from jaxtyping import Float

# A pivot that is less than this share of its diagonal entry has no digit left in
# float32.
_LEAST_PIVOT = 1.2e-7


def solve(matrix: Float[Array, "n n"], right: Float[Array, " n"]) -> Float[Array, " n"]:
    """Returns x of matrix @ x = right, not finite where they are not.

    Args:
        matrix: symmetric, positive definite; else a CPU's solution is NaN.
        right: right side.
    """

    def by_library(matrix: Array, right: Array) -> Array:
        return jax.scipy.linalg.solve(matrix, right, assume_a="pos")

    return lax.platform_dependent(matrix, right, cpu=by_library, default=_solved)


def inverse(matrix: Float[Array, "n n"]) -> Float[Array, "n n"]:
    """Returns the inverse of a symmetric, positive definite matrix."""
    return _solved(matrix, jnp.eye(len(matrix), dtype=matrix.dtype))


@jax.jit
def _solved(matrix: Array, right: Array) -> Array:
    rows = [list(row) for row in matrix]
    return jnp.stack(closed_form(rows, list(right)))


def closed_form(
    matrix: Sequence[Sequence[Float[Array, ""]]], right: Sequence[Float[Array, " *m"]]
) -> list[Float[Array, " *m"]]:
    """Returns the rows of the solution, written out number by number.

    By the factors L D L^T (Golub and Van Loan, "Matrix Computations", section 4.1).
    Where rounding has taken a pivot's digits it is raised to `_LEAST_PIVOT`, so that
    what is finite has a finite solution.

    Args:
        matrix: entries by row and column, of which those above the diagonal are not
            looked at; the diagonal is above 0.
        right: rows of the right side: numbers, or vectors for several right sides.
    """
    size = len(right)
    lower: list[list[Array]] = []
    inverses: list[Array] = []
    for i in range(size):
        scaled: list[Array] = []  # L D
        row: list[Array] = []
        for j in range(i):
            scaled.append(_less(matrix[i][j], scaled, lower[j]))
            row.append(scaled[j] * inverses[j])
        pivot = _less(matrix[i][i], scaled, row)
        inverses.append(1 / jnp.maximum(pivot, _LEAST_PIVOT * matrix[i][i]))
        lower.append(row)
    found: list[Array] = []
    for i in range(size):
        found.append(_less(right[i], lower[i], found))
    for i in reversed(range(size)):
        column = [lower[k][i] for k in range(i + 1, size)]
        found[i] = _less(found[i] * inverses[i], column, found[i + 1 :])
    return found


def _less(value: Array, left: Sequence[Array], right: Sequence[Array]) -> Array:
    """Returns the value less the products of what stands in the same places."""
    for x, y in zip(left, right):
        value = value - x * y
    return value
