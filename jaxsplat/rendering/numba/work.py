"""What XLA calls for images: one handler and one task for all that is done."""

from collections.abc import Callable
from typing import no_type_check

import numpy as np

from jaxsplat.rendering.numba import frames
from jaxsplat.rendering.numba.frames import compiled, inlined
from jaxsplat.rendering.numba.kernels import (
    composite_tile,
    differentiate_tile,
    pixel_offsets,
)
from jaxsplat.rendering.numba.lists import bin_image
from jaxsplat.rendering.numba.target import BIN, COMPOSITE, DIFFERENTIATE

# Splats whose rows are summed by one thread.
_BLOCK = 256


@compiled
@no_type_check
def _bin_chunk(frame, image):
    b, n = frames.shape(frame, 4)
    rows, columns = frames.result_shape(frame, 2)[1:]
    m = frames.result_shape(frame, 0)[1]
    frames.integer_result(frame, 5, (b,))[image] = bin_image(
        frames.floats(frame, 0, (b, n, 2))[image],
        frames.floats(frame, 1, (b, n, 3))[image],
        frames.floats(frame, 2, (b, n))[image],
        frames.floats(frame, 3, (b, n, 2))[image],
        frames.floats(frame, 4, (b, n))[image],
        frames.integer_result(frame, 0, (b, m))[image],
        frames.integer_result(frame, 1, (b, m))[image],
        frames.integer_result(frame, 2, (b, rows, columns))[image],
        frames.integer_result(frame, 3, (b, rows, columns))[image],
        frames.integer_result(frame, 4, (b, n, 2))[image],
    )


@inlined
@no_type_check
def _composite_chunk(frame, chunk):
    b, n, width = frames.shape(frame, 0)
    m = frames.shape(frame, 1)[1]
    rows, columns = frames.shape(frame, 2)[1:]
    sides = frames.result_shape(frame, 0)
    image, row = chunk // rows, chunk % rows
    table = frames.floats(frame, 0, (b, n, width))[image]
    ids = frames.integers(frame, 1, (b, m))[image]
    starts = frames.integers(frame, 2, (b, rows, columns))[image]
    ends = frames.integers(frame, 3, (b, rows, columns))[image]
    found = frames.float_result(frame, 0, (b, 5, sides[2], sides[3]))[image]
    offsets = pixel_offsets()
    scratch = np.empty((6, len(offsets[0])), np.float32)
    for column in range(columns):
        first, last = starts[row, column], ends[row, column]
        composite_tile(table, ids, first, last, column, row, offsets, scratch, found)


@inlined
@no_type_check
def _differentiate_chunk(frame, chunk):
    b, n, width = frames.shape(frame, 0)
    m = frames.shape(frame, 1)[1]
    rows, columns = frames.shape(frame, 3)[1:]
    sides = frames.shape(frame, 5)
    image, row = chunk // rows, chunk % rows
    table = frames.floats(frame, 0, (b, n, width))[image]
    ids = frames.integers(frame, 1, (b, m))[image]
    slots = frames.integers(frame, 2, (b, m))[image]
    starts = frames.integers(frame, 3, (b, rows, columns))[image]
    ends = frames.integers(frame, 4, (b, rows, columns))[image]
    size = b, 5, sides[2], sides[3]
    seen = frames.floats(frame, 5, size)[image]
    pull = frames.floats(frame, 6, size)[image]
    found = frames.float_result(frame, 0, (b, m, width))[image]
    offsets = pixel_offsets()
    scratch = np.empty((8, len(offsets[0])), np.float32)
    for column in range(columns):
        differentiate_tile(
            table,
            ids,
            slots,
            starts[row, column],
            ends[row, column],
            (column, row),
            offsets,
            scratch,
            seen,
            pull,
            found,
        )


@compiled
@no_type_check
def _gather_chunk(frame, chunk):
    b, m, width = frames.shape(frame, 0)
    n = frames.shape(frame, 1)[1]
    rows = frames.floats(frame, 0, (b, m, width))
    spans = frames.integers(frame, 1, (b, n, 2))
    found = frames.float_result(frame, 0, (b, n, width))
    for place in range(_BLOCK * chunk, min(_BLOCK * (chunk + 1), b * n)):
        image, splat = place // n, place % n
        total = found[image, splat]
        total[:] = np.float32(0)
        for pair in range(spans[image, splat, 0], spans[image, splat, 1]):
            for entry in range(width):
                total[entry] += rows[image, pair, entry]


@compiled
@no_type_check
def _chunks_of(frame, work):
    """Returns in how many chunks the work comes."""
    if work == BIN:
        return frames.shape(frame, 4)[0]
    if work == COMPOSITE:
        images, rows = frames.shape(frame, 2)[:2]
        return images * rows
    if work == DIFFERENTIATE:
        images, rows = frames.shape(frame, 3)[:2]
        return images * rows
    images, splats = frames.shape(frame, 1)[:2]
    return -(-images * splats // _BLOCK)


@inlined
@no_type_check
def _drain(record):
    """Works on chunks until none is left."""
    frame, work = frames.work_of(record)
    while True:
        chunk = frames.next_chunk(record)
        if chunk < 0:
            break
        if work == BIN:
            _bin_chunk(frame, chunk)
        elif work == COMPOSITE:
            _composite_chunk(frame, chunk)
        elif work == DIFFERENTIATE:
            _differentiate_chunk(frame, chunk)
        else:
            _gather_chunk(frame, chunk)
        frames.finished(record)


def task_and_handler(
    sources: str,
) -> tuple[Callable[[int], None], Callable[[int], int]]:
    """Returns what XLA calls, for Numba to compile.

    Args:
        sources: a digest of what they call. Numba keeps compiled functions by what they
            close over, and would not see that a function that they call has changed.
    """

    @no_type_check
    def task(record):
        """Helps at what a record says; called by the threads of XLA's pool."""
        sources
        _drain(record)
        frames.released(record)
        return 0

    @no_type_check
    def handler(frame):
        """Does what the call frame's attribute says; returns no error."""
        sources
        if frames.answers_for_metadata(frame):
            return 0
        work = frames.attribute(frame)
        frames.run(frame, frames.images_task(), work, _chunks_of(frame, work))
        return 0

    return task, handler
