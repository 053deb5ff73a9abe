"""How kernels are started: the one place that knows Pallas' GPU lowering.

The lowering is the one to Triton, for every NVIDIA GPU since Turing. JAX has deprecated
it in favour of one for Hopper and newer, and says so in a warning.
"""

import dataclasses
import functools
import warnings
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
from jax import Array, lax
from jax.experimental import pallas as pl
from jaxtyping import Float, Int

from jaxsplat.rendering.constants import TILE

WHOLE = pl.BlockSpec()  # every program sees the whole array
Bounds = tuple[Array, Array, Array]
Ref = Any  # a reference to an array, as kernels get it

# Splats between two looks at whether every pixel of the tile is finished.
_STRIDE = 16


@dataclasses.dataclass(frozen=True)
class Launch:
    """How a kernel runs over the tiles of an image.

    Attributes:
        tiles_x: tiles along x; `tiles_y` along y.
        tiles_y: see `tiles_x`.
        interpret: let XLA run the kernel's body, on any device, for tests.
    """

    tiles_x: int
    tiles_y: int
    interpret: bool

    @property
    def tiles(self) -> int:
        """Number of tiles."""
        return self.tiles_x * self.tiles_y

    def block(self, *shape: int) -> pl.BlockSpec:
        """Returns the part of an array [tiles, *shape] that a program works on."""
        rest = (0,) * len(shape)
        return pl.BlockSpec(
            (None, *shape), lambda row, column: (row * self.tiles_x + column, *rest)
        )

    def pixels(self, channels: int) -> pl.BlockSpec:
        """Returns the part of an image of tiles [tiles, TILE^2, channels].

        Channels come last so that a channel of a tile does not lie in one piece: Triton
        would read pieces in an order of its own, and then compute everything twice, in
        that order and in the one of the pixels.
        """
        return self.block(TILE**2, channels)

    def __call__(
        self,
        kernel: Callable[..., None],
        *arrays: tuple[Array, pl.BlockSpec],
        lists: Bounds,
        out: tuple[tuple[int, ...], pl.BlockSpec],
        warps: int,
        name: str,
    ) -> Array:
        """Returns the float32 array that a kernel writes.

        Args:
            kernel: called with a `Tile`, references to the arrays and to the result.
            arrays: what it reads beside the lists, and which block of it.
            lists: ids, starts and ends of the tile lists.
            out: shape of the result, and which block of it a program writes.
            warps: warps of 32 threads that work on a tile.
            name: of the kernel in profiles.
        """

        def body(ids: Ref, starts: Ref, ends: Ref, *references: Ref) -> None:
            row, column = pl.program_id(0), pl.program_id(1)
            tile = row * self.tiles_x + column
            first, last = starts[tile], ends[tile]
            kernel(Tile(row, column, ids, first, last), *references)

        return call(
            body,
            (self.tiles_y, self.tiles_x),
            *((array, WHOLE) for array in lists),
            *arrays,
            out=out,
            warps=warps,
            name=name,
            interpret=self.interpret,
        )


def call(
    body: Callable[..., None],
    grid: tuple[int, ...],
    *arrays: tuple[Array, pl.BlockSpec],
    out: tuple[tuple[int, ...], pl.BlockSpec],
    warps: int,
    name: str,
    interpret: bool,
    dtype: Any = jnp.float32,
) -> Array:
    """Returns the array that the programs of a grid write.

    Args:
        body: called with references to the arrays and to the result.
        grid: numbers of programs.
        arrays: what it reads, and which block of it.
        out: shape of the result, and which block of it a program writes.
        warps: warps of 32 threads that work on a program.
        name: of the kernel in profiles.
        interpret: let XLA run it.
        dtype: of the result.
    """
    return pl.pallas_call(
        body,
        grid=grid,
        in_specs=[spec for _, spec in arrays],
        out_specs=out[1],
        out_shape=jax.ShapeDtypeStruct(out[0], dtype),
        interpret=interpret,
        compiler_params=_compiler_parameters(warps),
        name=name,
    )(*(array for array, _ in arrays))


def aligned(rows: Float[Array, "n c"]) -> Float[Array, "n p"]:
    """Returns the rows padded to a power of two.

    Where a row begins at a multiple of its length, its entries are read at fixed
    offsets from one address; else each takes three instructions more for its own.
    """
    width = rows.shape[1]
    return jnp.pad(rows, ((0, 0), (0, 2 ** (width - 1).bit_length() - width)))


@functools.cache
def _compiler_parameters(warps: int) -> Any:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        from jax.experimental.pallas import triton

        return triton.CompilerParams(num_warps=warps, num_stages=1)


@dataclasses.dataclass(frozen=True)
class Tile:
    """A program's tile and list.

    Attributes:
        row: of the tile in the grid; `column` likewise.
        column: see `row`.
        ids: reference to the splats of all lists.
        first: where the tile's list begins; `last` where it ends.
        last: see `first`.
    """

    row: Array
    column: Array
    ids: Ref
    first: Int[Array, ""]
    last: Int[Array, ""]

    def pixel_centers(self) -> tuple[Float[Array, " p"], Float[Array, " p"]]:
        """Returns x and y of the tile's pixels, row by row.

        In one axis: Triton would bring the terms of a sum over two into one first.
        """
        pixels = jnp.arange(TILE**2, dtype=jnp.int32)
        across, down = pixels % TILE, pixels // TILE

        def center(place: Array, inside: Array) -> Array:
            return (place * TILE + inside).astype(jnp.float32) + 0.5

        return center(self.column, across), center(self.row, down)

    def walk(
        self,
        blend: Callable[[Array, Array, tuple], tuple],
        transmittance: Array,
        *state: Any,
    ) -> tuple[Array, tuple]:
        """Returns where the walk stopped, and the state there.

        Args:
            blend: from the place of a pair, its splat and the state to the next state.
            transmittance: first part of the state; where it is 0 a pixel is finished,
                and the walk ends when all are.
            state: its other parts.
        """

        def going(carry: tuple) -> Array:
            place, state = carry
            return (place < self.last) & (jnp.max(state[0]) > 0)

        def stride(carry: tuple) -> tuple:
            place, state = carry
            stop = jnp.minimum(place + _STRIDE, self.last)

            def step(place: Array, state: tuple) -> tuple:
                return blend(place, self.ids[place], state)

            return stop, lax.fori_loop(place, stop, step, state)

        return lax.while_loop(going, stride, (self.first, (transmittance, *state)))
