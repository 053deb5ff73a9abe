"""Alignment on a GPU: two kernels a step, and nothing between them.

The first carries blocks of the template's pixels to a pose and writes each block's sums
of the normal equations. The second, of one warp, adds the blocks up, takes the step or
not, and solves for the next: all that a step knows is one row of numbers. XLA starts
some twenty kernels for the same (`alignment.equations`, `descent.descend`).
"""

from collections.abc import Sequence

import jax.numpy as jnp
import numpy as np
from jax import Array, lax
from jax.experimental import pallas as pl
from jaxtyping import Float, Int

from jaxsplat.core import resampling, se3
from jaxsplat.pose import descent, moving, row_step
from jaxsplat.pose.alignment import Problem
from jaxsplat.pose.descent import Descent
from jaxsplat.pose.moving import Lens
from jaxsplat.rendering import NormalEquations
from jaxsplat.rendering.motion import POSE
from jaxsplat.rendering.pallas.launch import WHOLE, Ref, call

# Warps of a block; each of its threads takes a pixel, and then the next.
WARPS = 4
_AT_ONCE = 32 * WARPS
_BLOCK = 4 * _AT_ONCE
_UNROLLED = 8  # steps

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
    rest = np.zeros(row_step.ROW - row_step.FOUND, np.float32)
    rest[row_step.COST - row_step.FOUND], rest[row_step.DAMPING - row_step.FOUND] = (
        np.inf,
        descent.BEFORE_FIRST,
    )

    def step(_: Array, row: Array) -> Array:
        sums = _block_sums(problem, numbers, row, interpret)
        return row_step.next_row(sums, row, problem.center, interpret)

    row = jnp.concatenate([pose, pose, rest])
    # A loop's own turns start kernels too, and copy the row.
    unrolled = _UNROLLED if isinstance(steps, int) and not interpret else None
    row = lax.fori_loop(0, steps + 1, step, row, unroll=unrolled)
    best = se3.from_parts(*_parts(row[row_step.BEST : row_step.FOUND].reshape(3, 4)))
    found = NormalEquations(*_assembled(row), row[row_step.COST], jnp.int32(0))
    return descent.ended(start, best, found, row[row_step.FIRST], problem.center)


def _parts(rows: Float[Array, "3 4"]) -> tuple[Array, Array]:
    return rows[:, :3], rows[:, 3]


def _assembled(row: Float[Array, " r"]) -> tuple[Array, Array]:
    """Returns the best pose's matrix and vector, of which the row holds a triangle."""
    places = np.zeros((POSE + 1, POSE + 1), np.int32)
    upper = np.triu_indices(POSE + 1)
    places[upper] = row_step.FOUND + np.arange(row_step.SUMS)
    places = np.maximum(places, places.T)
    return row[places[:POSE, :POSE]], row[places[:POSE, POSE]]


def _block_sums(
    problem: Problem, numbers: Array, row: Array, interpret: bool
) -> Float[Array, "s k"]:
    """Returns the sums of k blocks of the template's pixels at a row's next pose."""
    height, width = problem.template.alpha.shape
    pixels = height * width
    blocks = -(-pixels // _BLOCK)
    shape = problem.camera.height, problem.camera.width
    size = shape[0] * shape[1]

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
        own, pose = _rows(numbers, _OWN), _rows(row, row_step.NEXT)
        fx, fy, cx, cy = (numbers[_LENSES + k] for k in range(4))
        fx2, fy2, cx2, cy2 = (numbers[_LENSES + k] for k in range(4, 8))
        lens = Lens(fx2, fy2, cx2, cy2, shape[1], shape[0])
        center = [numbers[_CENTER + k] for k in range(3)]
        beyond = [numbers[_BEYOND + k] for k in range(3)]
        change, here = _change(pose, own), row_step.apply(pose, center)
        distance = row_step.apply(own, center)[2]
        turn = moving.turn(change, here, distance, fx / lens.fx)

        def look(u: Array, v: Array) -> list[Array]:
            def channel(first: int) -> Array:
                def at(place: Array) -> Array:
                    return photograph[first + place]

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
        totals = lax.fori_loop(jnp.int32(0), turns, add, (zero,) * row_step.SUMS)
        for k, total in enumerate(totals):
            out[k, block] = jnp.sum(total)

    template = problem.template
    images = [problem.photograph, template.depth, problem.expected]
    images += [problem.across, problem.down, problem.counted]
    return call(
        body,
        (blocks,),
        (numbers, WHOLE),
        (row, WHOLE),
        *((image.reshape(-1), WHOLE) for image in images),
        out=((row_step.SUMS, blocks), WHOLE),
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


def _rows(numbers: Ref, first: int) -> list[list[Array]]:
    return [[numbers[first + 4 * i + j] for j in range(4)] for i in range(3)]


def _change(
    pose: Sequence[Sequence[Array]], own: Sequence[Sequence[Array]]
) -> list[list[Array]]:
    """Returns the motion from the axes of one pose to those of the other."""
    rows = [[moving.dot(p, o) for o in own] for p in pose]
    shift = [o[3] for o in own]
    return [[*row, p[3] - moving.dot(row, shift)] for row, p in zip(rows, pose)]
