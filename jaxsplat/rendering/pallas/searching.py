"""Binary search in sorted integers: one kernel where XLA starts one for every turn."""

import dataclasses

import jax
import jax.numpy as jnp
from jax import Array, lax
from jax.experimental import pallas as pl
from jaxtyping import Int

from jaxsplat.rendering.pallas.launch import WHOLE, Ref, call

WARPS = 4
_BLOCK = 32 * WARPS  # numbers that a program looks for


@dataclasses.dataclass(frozen=True)
class Search:
    """Finds consecutive numbers in rows of sorted integers.

    Attributes:
        interpret: let XLA run the kernel.
    """

    interpret: bool

    def __call__(
        self, rows: Int[Array, "b m"], first: int, count: int
    ) -> Int[Array, "b k"]:
        """Returns how many of each row are less than first, first + 1 and so on.

        Args:
            rows: in rising order.
            first: see above.
            count: of numbers, k.
        """
        return jax.vmap(lambda row: self._in_one(row, first, count))(rows)

    def _in_one(self, row: Int[Array, " m"], first: int, count: int) -> Array:
        m = len(row)

        def body(row: Ref, out: Ref) -> None:
            place = pl.program_id(0) * _BLOCK + jnp.arange(_BLOCK, dtype=jnp.int32)
            wanted = first + place

            def halve(_: Array, bounds: tuple[Array, Array]) -> tuple[Array, Array]:
                low, high = bounds
                # Not the half of the sum, which 32 bits need not hold.
                middle = low + (high - low) // 2
                less = (row[jnp.minimum(middle, m - 1)] < wanted) & (low < high)
                return jnp.where(less, middle + 1, low), jnp.where(less, high, middle)

            low = jnp.zeros(_BLOCK, jnp.int32)
            turns = jnp.int32(m.bit_length())
            low, _ = lax.fori_loop(jnp.int32(0), turns, halve, (low, low + m))
            out[place] = low

        blocks = -(-count // _BLOCK)
        found = call(
            body,
            (blocks,),
            (row, WHOLE),
            out=((blocks * _BLOCK,), WHOLE),
            dtype=jnp.int32,
            warps=WARPS,
            name="search",
            interpret=self.interpret,
        )
        return found[:count]
