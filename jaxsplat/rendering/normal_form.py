"""The least-squares form of a photometric pose problem, one place for every backend.

A photograph I is explained by g C + o, where C is the render, g and o are gain and
offset of each colour channel. The residual's derivatives by the six parameters of a
rigid motion and, if wanted, by gain and offset are columns of a Jacobian; what solvers
need of them are sums over pixels of products of two columns.
"""

import dataclasses
from collections.abc import Sequence

import jax
import jax.numpy as jnp
from jax import Array
from jaxtyping import Float, Int

from jaxsplat.rendering.motion import POSE

CHANNELS = 3
EXPOSURE = 2 * CHANNELS  # gain and offset of each channel
# Where kernels find numbers of a whole image in one array, behind gain, offset and one
# over the scale's square: the background's channels, then `Tangents.tints`' second.
BACKGROUND = slice(EXPOSURE + 1, EXPOSURE + 1 + CHANNELS)
EYE = BACKGROUND.stop


@jax.tree_util.register_dataclass
@dataclasses.dataclass(frozen=True)
class Photograph:
    """What a render is compared with, and how.

    Attributes:
        image: RGB, [h, w, 3].
        weights: of the pixels, 0 for those that shall not count, [h, w].
        gain: by which the render's channels are multiplied, [3].
        offset: that is added to them, [3].
        scale: residual at which a pixel's influence begins to fall, infinite for plain
            least squares; see `NormalEquations.cost`.
    """

    image: Float[Array, "*b h w 3"]
    weights: Float[Array, "*b h w"]
    gain: Float[Array, "*b 3"]
    offset: Float[Array, "*b 3"]
    scale: Float[Array, " *b"]


@jax.tree_util.register_dataclass
@dataclasses.dataclass(frozen=True)
class NormalEquations:
    """Gauss-Newton's quadratic model of the cost about a pose.

    The `k` parameters are the six of `motion.moved` and, with exposure, the gains and
    the offsets of the three channels. A step solves `matrix @ step = -vector`.

    Attributes:
        matrix: J^T W J, [k, k].
        vector: J^T W r, the gradient of the cost, [k].
        cost: sum over pixels of w e^2 / (1 + e^2 / s^2) / 2, where e is the length of
            the pixel's residual, w its weight and s the scale (Geman and McClure 1985);
            its weights W are those of the iteratively reweighted least squares.
        needed: (tile, splat) pairs that complete lists take; see `render.Rendered`.
    """

    matrix: Float[Array, "*b k k"]
    vector: Float[Array, "*b k"]
    cost: Float[Array, " *b"]
    needed: Int[Array, " *b"]


def with_tints(
    gradient: Sequence[Sequence[Array]],
    tinted: Sequence[Sequence[Array]],
    eye: Sequence[Sequence[Array]],
) -> list[list[Array]]:
    """Returns the render's derivatives with those that come of changing colours.

    Args:
        gradient: by each parameter, for each channel, colours held.
        tinted: by each coordinate of the eye, for each channel, splats held.
        eye: the eye's derivatives by each parameter, for each coordinate.
    """
    return [
        [
            sum((e * by[c] for e, by in zip(moves, tinted, strict=True)), value)
            for c, value in enumerate(row)
        ]
        for row, moves in zip(gradient, eye, strict=True)
    ]


Column = tuple[Array | None, ...]  # a value for each channel, None for 0


def sums(parameters: int) -> int:
    """Returns how many numbers `products` gives for that many parameters."""
    return (parameters + 1) * (parameters + 2) // 2


def products(
    tangents: Sequence[Sequence[Array]],
    color: Sequence[Array],
    target: Sequence[Array],
    weight: Array,
    settings: Sequence[Array],
    exposure: bool,
) -> list[Array]:
    """Returns each pixel's part of the normal equations, as `assemble` takes them.

    Args:
        tangents: derivatives of the render's colour by each parameter of the motion,
            for each channel.
        color: the render, for each channel.
        target: the photograph, for each channel.
        weight: of the pixel.
        settings: gain and offset of each channel, then one over the scale's square.
        exposure: whether gain and offset are parameters too.
    """
    gain, offset = settings[:CHANNELS], settings[CHANNELS:EXPOSURE]
    residual = tuple(g * c + o - t for g, c, o, t in zip(gain, color, offset, target))
    squared = sum(r * r for r in residual)
    softened = 1 / (1 + squared * settings[EXPOSURE])
    influence = weight * softened * softened
    columns: list[Column] = [
        tuple(g * t for g, t in zip(gain, tangent)) for tangent in tangents
    ]
    if exposure:
        one = jnp.ones_like(weight)
        columns += [_only(channel, color[channel]) for channel in range(CHANNELS)]
        columns += [_only(channel, one) for channel in range(CHANNELS)]
    columns.append(residual)
    pairs = [
        _dot(left, right, influence)
        for i, left in enumerate(columns)
        for right in columns[i:]
    ]
    # In the place of the residual's own product, which no solver needs.
    pairs[-1] = 0.5 * weight * squared * softened
    return [jnp.zeros_like(weight) if pair is None else pair for pair in pairs]


def _only(channel: int, value: Array) -> Column:
    return tuple(value if c == channel else None for c in range(CHANNELS))


def _dot(left: Column, right: Column, weight: Array) -> Array | None:
    terms = [a * b for a, b in zip(left, right) if a is not None and b is not None]
    return weight * sum(terms[1:], terms[0]) if terms else None


def assemble(
    totals: Float[Array, " s"], parameters: int, needed: Int[Array, ""]
) -> NormalEquations:
    """Returns the equations from the sums over pixels of `products`."""
    rows, columns = jnp.triu_indices(parameters + 1)
    upper = jnp.zeros((parameters + 1, parameters + 1), totals.dtype)
    upper = upper.at[rows, columns].set(totals)
    full = upper + jnp.triu(upper, 1).T
    return NormalEquations(
        full[:parameters, :parameters],
        full[:parameters, parameters],
        full[parameters, parameters],
        needed,
    )


def parameter_count(exposure: bool) -> int:
    """Returns the number of parameters."""
    return POSE + EXPOSURE if exposure else POSE
