"""Places of maps' peaks, and maps read at places.

Places here are x and y of pixels, whose centres are whole numbers, as in the networks'
publications; `Keypoints` has centres at +.5.
"""

from typing import Literal

import jax
import jax.numpy as jnp
from jax import Array, lax
from jaxtyping import Bool, Float, Int

# Of the cubic kernel: PyTorch's, by which the networks' authors read maps.
_SHARPNESS = -0.75


def peaks(
    heat: Float[Array, "b h w"], side: int, rounds: int = 0
) -> Bool[Array, "b h w"]:
    """Returns which pixels are the highest of the window around them.

    Args:
        heat: of any values; of positive ones where there are further rounds.
        side: of the window, an odd number. Where it would reach beyond the frame, there
            is no peak.
        rounds: how many times the windows of what was found are emptied, and the
            highest of the rest are taken too: on the flanks of higher peaks.
    """
    found = heat == _most(heat, side)
    for _ in range(rounds):
        beside = _most(found.astype(jnp.float32), side) > 0
        rest = jnp.where(beside, 0.0, heat)
        found = found | ((rest == _most(rest, side)) & ~beside)
    return found & _inside(heat, side // 2)


def _most(heat: Float[Array, "b h w"], side: int) -> Float[Array, "b h w"]:
    """Returns the highest of the window around every pixel."""
    for window in ((1, side, 1), (1, 1, side)):
        heat = lax.reduce_window(heat, -jnp.inf, lax.max, window, (1, 1, 1), "SAME")
    return heat


def _inside(heat: Float[Array, "b h w"], reach: int) -> Bool[Array, "h w"]:
    """Returns which pixels are as far from the frame as a window reaches."""
    height, width = heat.shape[1:]
    row, column = jnp.arange(height)[:, None], jnp.arange(width)
    return (jnp.minimum(row, height - 1 - row) >= reach) & (
        jnp.minimum(column, width - 1 - column) >= reach
    )


def best(
    scores: Float[Array, "b h w"], count: int
) -> tuple[Int[Array, "b n 2"], Float[Array, "b n"]]:
    """Returns x and y of the pixels of highest score, best first, and their scores.

    Args:
        scores: of each pixel.
        count: how many to return. Where there are fewer pixels, the first is there
            again, at a score of minus infinity.
    """
    width = scores.shape[2]
    flat = scores.reshape(len(scores), -1)
    found, index = lax.top_k(flat, min(count, flat.shape[1]))
    missing = ((0, 0), (0, count - found.shape[1]))
    found = jnp.pad(found, missing, constant_values=-jnp.inf)
    index = jnp.pad(index, missing)
    return jnp.stack([index % width, index // width], axis=-1), found


def refined(
    heat: Float[Array, "b h w"],
    pixels: Int[Array, "b n 2"],
    reach: int,
    temperature: float,
) -> Float[Array, "b n 2"]:
    """Returns pixels' places moved to the soft-argmax of the windows around them.

    Args:
        heat: of any values.
        pixels: x and y of each.
        reach: of the windows, either way.
        temperature: by which the values are divided before the softmax.
    """
    steps = jnp.arange(-reach, reach + 1, dtype=jnp.int32)

    def around(
        grid: Float[Array, "h w"], at: Int[Array, "n 2"]
    ) -> Float[Array, "n t t"]:
        x, y = (at[:, axis, None] + steps for axis in (0, 1))
        return grid[y[:, :, None], x[:, None, :]]

    weights = jax.nn.softmax(jax.vmap(around)(heat, pixels) / temperature, axis=(2, 3))
    along = steps.astype(jnp.float32)
    # The sum over rows leaves those of columns, and so x.
    shifts = [jnp.sum(weights.sum(axis) * along, axis=-1) for axis in (2, 3)]
    return pixels.astype(jnp.float32) + jnp.stack(shifts, axis=-1)


def read(
    grid: Float[Array, "h w c"],
    places: Float[Array, "n 2"],
    kernel: Literal["linear", "cubic"],
) -> Float[Array, "n c"]:
    """Returns a map at places between its pixels; beyond its frame it is 0.

    Args:
        grid: the map.
        places: x and y in the map's own pixels.
        kernel: of the interpolation: of two or of four pixels along each axis.
    """
    height, width = grid.shape[:2]
    (x, at_x), (y, at_y) = (_taps(places[:, axis], kernel) for axis in (0, 1))
    inside_x, inside_y = (x >= 0) & (x < width), (y >= 0) & (y < height)
    at_x, at_y = jnp.where(inside_x, at_x, 0.0), jnp.where(inside_y, at_y, 0.0)
    x, y = jnp.clip(x, 0, width - 1), jnp.clip(y, 0, height - 1)
    around = grid[y[:, :, None], x[:, None, :]]
    return jnp.einsum(
        "nyxc,ny,nx->nc", around, at_y, at_x, precision=lax.Precision.HIGHEST
    )


def _taps(
    places: Float[Array, " n"], kernel: Literal["linear", "cubic"]
) -> tuple[Int[Array, "n t"], Float[Array, "n t"]]:
    """Returns the pixels that a place is interpolated from, and their weights."""
    first = jnp.floor(places)
    shifts = jnp.array([0, 1] if kernel == "linear" else [-1, 0, 1, 2], jnp.int32)
    pixels = first.astype(jnp.int32)[:, None] + shifts
    d = jnp.abs(places[:, None] - pixels.astype(jnp.float32))
    if kernel == "linear":
        return pixels, 1 - d
    a = _SHARPNESS  # Keys (1981), Eq. 15
    near = (a + 2) * d**3 - (a + 3) * d**2 + 1
    far = a * (d**3 - 5 * d**2 + 8 * d - 4)
    return pixels, jnp.where(d <= 1, near, far)
