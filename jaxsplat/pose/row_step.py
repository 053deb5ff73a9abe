"""A step of Levenberg-Marquardt as one kernel of one warp, for each pose.

All that a descent knows is a row of numbers, which the kernel reads and writes anew, in
single numbers: `descent.descend` has the same with arrays.
"""

import functools
from collections.abc import Sequence

import jax.numpy as jnp
from jax import Array, lax
from jaxtyping import Float

from jaxsplat.core import definite, se3
from jaxsplat.pose import descent
from jaxsplat.rendering import normal_form
from jaxsplat.rendering.motion import POSE
from jaxsplat.rendering.pallas.launch import WHOLE, Ref, call

_BLOCKS_AT_ONCE = 32

SUMS = normal_form.sums(POSE)
# The row of a descent: the pose to be evaluated and the best one, three rows of four
# each, the best one's sums, and what `descent.descend` keeps beside.
NEXT, BEST = 0, 12
FOUND = 24
COST = FOUND + SUMS - 1
DAMPING, FIRST, STEP = (COST + k for k in (1, 2, 3))
ROW = STEP + 1


def next_row(
    sums: Float[Array, "s k"], row: Array, center: Array, interpret: bool
) -> Float[Array, " r"]:
    """Returns the row after the evaluation of its next pose."""
    blocks = sums.shape[1]

    def body(sums: Ref, row: Ref, center: Ref, out: Ref) -> None:
        before = [row[k] for k in range(ROW)]

        def add(number: Array, totals: tuple[Array, ...]) -> tuple[Array, ...]:
            place = number * _BLOCKS_AT_ONCE
            place += jnp.arange(_BLOCKS_AT_ONCE, dtype=jnp.int32)
            real, place = place < blocks, jnp.minimum(place, blocks - 1)
            return tuple(
                total + jnp.where(real, sums[k, place], 0.0)
                for k, total in enumerate(totals)
            )

        zero = jnp.zeros(_BLOCKS_AT_ONCE, jnp.float32)
        turns = jnp.int32(-(-blocks // _BLOCKS_AT_ONCE))
        totals = lax.fori_loop(jnp.int32(0), turns, add, (zero,) * SUMS)
        found = [jnp.sum(total) for total in totals]
        started = before[STEP] == 0
        taken = started | (found[-1] < before[COST])
        # The pose that was evaluated is the best one now, or the best stays.
        best = [
            jnp.where(taken, new, old)
            for new, old in zip(before[NEXT:BEST] + found, before[BEST:DAMPING])
        ]
        damping = descent.damping_after(before[DAMPING], taken)
        first = jnp.where(started, found[-1], before[FIRST])
        pose = [best[4 * k : 4 * k + 4] for k in range(3)]
        about = [center[k] for k in range(3)]
        there = _moved(pose, _step(best[12:], damping), about)
        usable = functools.reduce(
            jnp.logical_and, (jnp.abs(x) < jnp.inf for x in there)
        )
        there = [jnp.where(usable, new, old) for new, old in zip(there, best)]
        after = [*there, *best, damping, first, before[STEP] + 1]
        for place, value in enumerate(after):
            out[place] = value

    return call(
        body,
        (1,),
        (sums, WHOLE),
        (row, WHOLE),
        (center, WHOLE),
        out=((ROW,), WHOLE),
        warps=1,
        name="descent",
        interpret=interpret,
    )


def _step(sums: Sequence[Array], damping: Array) -> list[Array]:
    """Returns the damped step from the sums of the equations."""
    remaining, matrix, vector = iter(sums), [], []
    for i in range(POSE):
        matrix.append([next(remaining) for _ in range(i, POSE)])
        vector.append(next(remaining))
    diagonal = [row[0] for row in matrix]
    most = functools.reduce(jnp.maximum, diagonal)
    for row in matrix:
        row[0] = row[0] + descent.ridge(damping, row[0], most)
    lower = [[matrix[j][i - j] for j in range(i + 1)] for i in range(POSE)]
    return [-x for x in definite.closed_form(lower, vector)]


def apply(rows: Sequence[Sequence[Array]], point: Sequence[Array]) -> list[Array]:
    """Returns a point after a motion, of which there are three rows of four."""
    x, y, z = point
    return [a * x + b * y + c * z + d for a, b, c, d in rows]


def _moved(
    pose: Sequence[Sequence[Array]], twist: Sequence[Array], center: Sequence[Array]
) -> list[Array]:
    """Returns the twelve entries of a pose after `rendering.motion.moved`."""
    (vx, vy, vz), (x, y, z) = twist[:3], twist[3:]
    sine, cosine, cubic = se3.series(x * x + y * y + z * z)
    here = apply(pose, center)

    def turned(point: Sequence[Array], first: Array, second: Array) -> list[Array]:
        """Returns the point, plus w x point and w x (w x point) times two numbers."""
        once = _cross((x, y, z), point)
        twice = _cross((x, y, z), once)
        return [p + first * a + second * b for p, a, b in zip(point, once, twice)]

    shift = turned((vx, vy, vz), cosine, cubic)
    columns = [turned([row[k] for row in pose], sine, cosine) for k in range(3)]
    arm = turned([row[3] - h for row, h in zip(pose, here)], sine, cosine)
    moved = [a + v + h for a, v, h in zip(arm, shift, here)]
    return [entry for row in zip(*columns, moved) for entry in row]


def _cross(left: Sequence[Array], right: Sequence[Array]) -> list[Array]:
    (a, b, c), (x, y, z) = left, right
    return [b * z - c * y, c * x - a * z, a * y - b * x]
