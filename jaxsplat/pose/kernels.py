"""Alignment on a GPU: two kernels a step, and nothing between them.

The first carries blocks of the template's pixels to a pose and writes each block's sums
of the normal equations. The second, of one warp, adds the blocks up, takes the step or
not, and solves for the next: all that a step knows is one row of numbers. XLA starts
some twenty kernels for the same (`alignment.equations`, `descent.descend`).
"""

import functools
from collections.abc import Sequence

import jax.numpy as jnp
import numpy as np
from jax import Array, lax
from jax.experimental import pallas as pl
from jaxtyping import Float, Int

from jaxsplat.core import definite, resampling, se3
from jaxsplat.pose import descent, moving
from jaxsplat.pose.alignment import Problem
from jaxsplat.pose.descent import Descent
from jaxsplat.pose.moving import Lens
from jaxsplat.rendering import NormalEquations, normal_form
from jaxsplat.rendering.motion import POSE
from jaxsplat.rendering.pallas.launch import WHOLE, Ref, call

# Warps of a block; each of its threads takes a pixel, and then the next.
WARPS = 4
_AT_ONCE = 32 * WARPS
_BLOCK = 4 * _AT_ONCE
_BLOCKS_AT_ONCE = 32
_UNROLLED = 8  # steps

_SUMS = normal_form.sums(POSE)
# The row of a descent: the pose to be evaluated and the best one, three rows of four
# each, the best one's sums, and what `descent.descend` keeps beside.
_NEXT, _BEST = 0, 12
_FOUND = 24
_COST = _FOUND + _SUMS - 1
_DAMPING, _FIRST, _STEP = (_COST + k for k in (1, 2, 3))
_ROW = _STEP + 1
# Where a problem's numbers stand: the template's pose, both lenses, the point that
# rotations turn about, and the colour beside the photograph.
_OWN, _LENSES, _CENTER, _BEYOND = 0, 12, 20, 23


def descend(
    problem: Problem,
    start: Float[Array, "4 4"],
    steps: int | Int[Array, ""],
    interpret: bool,
) -> Descent:
    """Returns what `descent.descend` does with `alignment.equations`.

    Args:
        problem: what is aligned.
        start: `camera_from_world`, [4, 4].
        steps: that are tried.
        interpret: let XLA run the kernels.
    """
    own, camera = problem.template.camera, problem.camera
    lenses = [own.fx, own.fy, own.cx, own.cy, camera.fx, camera.fy, camera.cx]
    lenses.append(camera.cy)
    numbers = jnp.concatenate(
        [
            own.camera_from_world[:3].reshape(-1),
            jnp.stack(lenses),
            problem.center,
            problem.beyond,
        ]
    )
    pose = start[:3].reshape(-1)
    rest = np.zeros(_ROW - _FOUND, np.float32)
    rest[_COST - _FOUND], rest[_DAMPING - _FOUND] = np.inf, descent.BEFORE_FIRST

    def step(_: Array, row: Array) -> Array:
        sums = _block_sums(problem, numbers, row, interpret)
        return _next_row(sums, row, problem.center, interpret)

    row = jnp.concatenate([pose, pose, rest])
    # A loop's own turns start kernels too, and copy the row.
    unrolled = _UNROLLED if isinstance(steps, int) and not interpret else None
    row = lax.fori_loop(0, steps + 1, step, row, unroll=unrolled)
    best = se3.from_parts(*_parts(row[_BEST:_FOUND].reshape(3, 4)))
    found = NormalEquations(*_assembled(row), row[_COST], jnp.int32(0))
    return descent.ended(start, best, found, row[_FIRST], problem.center)


def _parts(rows: Float[Array, "3 4"]) -> tuple[Array, Array]:
    return rows[:, :3], rows[:, 3]


def _assembled(row: Float[Array, " r"]) -> tuple[Array, Array]:
    """Returns the best pose's matrix and vector, of which the row holds a triangle."""
    places = np.zeros((POSE + 1, POSE + 1), np.int32)
    upper = np.triu_indices(POSE + 1)
    places[upper] = _FOUND + np.arange(_SUMS)
    places = np.maximum(places, places.T)
    return row[places[:POSE, :POSE]], row[places[:POSE, POSE]]


def _block_sums(
    problem: Problem, numbers: Array, row: Array, interpret: bool
) -> Float[Array, "s k"]:
    """Returns the sums of k blocks of the template's pixels at a row's next pose."""
    height, width = problem.template.alpha.shape
    pixels = height * width
    blocks = -(-pixels // _BLOCK)
    size = problem.camera.height * problem.camera.width

    def body(
        numbers: Ref,
        row: Ref,
        photograph: Ref,
        depth: Ref,
        expected: Ref,
        across: Ref,
        down: Ref,
        counted: Ref,
        out: Ref,
    ) -> None:
        block = pl.program_id(0)
        own, pose = _rows(numbers, _OWN), _rows(row, _NEXT)
        fx, fy, cx, cy, *others = (numbers[_LENSES + k] for k in range(8))
        lens = Lens(*others, problem.camera.width, problem.camera.height)
        center = [numbers[_CENTER + k] for k in range(3)]
        beyond = [numbers[_BEYOND + k] for k in range(3)]
        change, here = _change(pose, own), _apply(pose, center)
        distance = _apply(own, center)[2]
        turn = moving.turn(change, here, distance, fx / lens.fx)

        def look(u: Array, v: Array) -> list[Array]:
            def channel(first: int) -> Array:
                def at(place: Array) -> Array:
                    return photograph[first + place]

                shape = problem.camera.height, problem.camera.width
                return resampling.between_pixels(at, u, v, *shape)

            return [channel(size * k) for k in range(3)]

        def add(number: Array, totals: tuple[Array, ...]) -> tuple[Array, ...]:
            first = block * _BLOCK + number * _AT_ONCE
            place = first + jnp.arange(_AT_ONCE, dtype=jnp.int32)
            real = place < pixels
            place = jnp.minimum(place, pixels - 1)
            columns = (place % width).astype(jnp.float32) + 0.5
            rows = (place // width).astype(jnp.float32) + 0.5
            ray = (columns - cx) / fx, (rows - cy) / fy
            seen = moving.move(depth[place], ray, change, lens, look, beyond)
            channels = [
                [image[pixels * k + place] for k in range(3)]
                for image in (expected, across, down)
            ]
            weight = jnp.where(real, counted[place], 0.0)
            pull = moving.pull(
                seen,
                channels[0],
                (channels[1], channels[2]),
                turn,
                weight,
                problem.scale,
            )
            found = _products(pull, *moving.flow(seen, lens, here))
            return tuple(total + value for total, value in zip(totals, found))

        zero = jnp.zeros(_AT_ONCE, jnp.float32)
        turns = jnp.int32(_BLOCK // _AT_ONCE)
        totals = lax.fori_loop(jnp.int32(0), turns, add, (zero,) * _SUMS)
        for k, total in enumerate(totals):
            out[k, block] = jnp.sum(total)

    template = problem.template
    images = problem.photograph, template.depth, problem.expected
    images += problem.across, problem.down, problem.counted
    return call(
        body,
        (blocks,),
        (numbers, WHOLE),
        (row, WHOLE),
        *((image.reshape(-1), WHOLE) for image in images),
        out=((_SUMS, blocks), WHOLE),
        warps=WARPS,
        name="alignment",
        interpret=interpret,
    )


def _products(
    pull: moving.Pull, du: Sequence[Array], dv: Sequence[Array]
) -> list[Array]:
    """Returns the sums' terms, in the order of `normal_form.products`."""
    found = []
    for i in range(POSE):
        for j in range(i, POSE):
            across = pull.uu * du[j] + pull.uv * dv[j]
            down = pull.uv * du[j] + pull.vv * dv[j]
            found.append(du[i] * across + dv[i] * down)
        found.append(-(du[i] * pull.ur + dv[i] * pull.vr))
    return [*found, 0.5 * pull.loss]


def _next_row(
    sums: Float[Array, "s k"], row: Array, center: Array, interpret: bool
) -> Float[Array, " r"]:
    """Returns the row after the evaluation of its next pose."""
    blocks = sums.shape[1]

    def body(sums: Ref, row: Ref, center: Ref, out: Ref) -> None:
        before = [row[k] for k in range(_ROW)]

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
        totals = lax.fori_loop(jnp.int32(0), turns, add, (zero,) * _SUMS)
        found = [jnp.sum(total) for total in totals]
        started = before[_STEP] == 0
        taken = started | (found[-1] < before[_COST])
        # The pose that was evaluated is the best one now, or the best stays.
        best = [
            jnp.where(taken, new, old)
            for new, old in zip(before[_NEXT:_BEST] + found, before[_BEST:_DAMPING])
        ]
        damping = descent.damping_after(before[_DAMPING], taken)
        first = jnp.where(started, found[-1], before[_FIRST])
        pose = [best[4 * k : 4 * k + 4] for k in range(3)]
        about = [center[k] for k in range(3)]
        there = _moved(pose, _step(best[12:], damping), about)
        usable = functools.reduce(
            jnp.logical_and, (jnp.abs(x) < jnp.inf for x in there)
        )
        there = [jnp.where(usable, new, old) for new, old in zip(there, best)]
        after = [*there, *best, damping, first, before[_STEP] + 1]
        for place, value in enumerate(after):
            out[place] = value

    return call(
        body,
        (1,),
        (sums, WHOLE),
        (row, WHOLE),
        (center, WHOLE),
        out=((_ROW,), WHOLE),
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


def _rows(numbers: Ref, first: int) -> list[list[Array]]:
    return [[numbers[first + 4 * i + j] for j in range(4)] for i in range(3)]


def _apply(rows: Sequence[Sequence[Array]], point: Sequence[Array]) -> list[Array]:
    x, y, z = point
    return [a * x + b * y + c * z + d for a, b, c, d in rows]


def _change(
    pose: Sequence[Sequence[Array]], own: Sequence[Sequence[Array]]
) -> list[list[Array]]:
    """Returns the motion from the axes of one pose to those of the other."""
    rows = [[sum(_times(p[:3], o[:3])) for o in own] for p in pose]
    shift = [o[3] for o in own]
    return [[*row, p[3] - sum(_times(row, shift))] for row, p in zip(rows, pose)]


def _times(left: Sequence[Array], right: Sequence[Array]) -> list[Array]:
    return [x * y for x, y in zip(left, right)]


def _moved(
    pose: Sequence[Sequence[Array]], twist: Sequence[Array], center: Sequence[Array]
) -> list[Array]:
    """Returns the twelve entries of a pose after `rendering.motion.moved`."""
    (vx, vy, vz), (x, y, z) = twist[:3], twist[3:]
    sine, cosine, cubic = se3.series(x * x + y * y + z * z)
    here = _apply(pose, center)

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
