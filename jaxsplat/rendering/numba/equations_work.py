"""What XLA calls for normal equations: a handler and its task; see `work`."""

from collections.abc import Callable
from typing import no_type_check

import numpy as np

from jaxsplat.rendering.numba import frames
from jaxsplat.rendering.numba.equations import SCRATCH, equations_tile
from jaxsplat.rendering.numba.frames import inlined
from jaxsplat.rendering.numba.kernels import pixel_offsets


@inlined
@no_type_check
def _equations_chunk(frame, chunk):
    b, n, width = frames.shape(frame, 0)
    moves, m = frames.shape(frame, 1)[2], frames.shape(frame, 2)[1]
    rows, columns = frames.shape(frame, 3)[1:]
    numbers, sides = frames.shape(frame, 5)[1], frames.shape(frame, 6)
    count = frames.result_shape(frame, 0)[3]
    image, row = chunk // rows, chunk % rows
    table = frames.floats(frame, 0, (b, n, width))[image]
    moving = frames.floats(frame, 1, (b, n, moves))[image]
    ids = frames.integers(frame, 2, (b, m))[image]
    starts = frames.integers(frame, 3, (b, rows, columns))[image]
    ends = frames.integers(frame, 4, (b, rows, columns))[image]
    settings = frames.floats(frame, 5, (b, numbers))[image]
    photograph = frames.floats(frame, 6, (b, 4, sides[2], sides[3]))[image]
    found = frames.float_result(frame, 0, (b, rows, columns, count))[image]
    offsets = pixel_offsets()
    scratch = np.empty((SCRATCH, len(offsets[0])), np.float32)
    for column in range(columns):
        equations_tile(
            table,
            moving,
            ids,
            starts[row, column],
            ends[row, column],
            (column, row),
            offsets,
            settings,
            photograph,
            scratch,
            found[row, column],
        )


def task_and_handler(
    sources: str,
) -> tuple[Callable[[int], None], Callable[[int], int]]:
    """Returns what XLA calls, for Numba to compile; see `work.task_and_handler`."""

    @no_type_check
    def task(record):
        """Helps at what a record says; called by the threads of XLA's pool."""
        sources
        frame, _ = frames.work_of(record)
        while True:
            chunk = frames.next_chunk(record)
            if chunk < 0:
                break
            _equations_chunk(frame, chunk)
            frames.finished(record)
        frames.released(record)
        return 0

    @no_type_check
    def handler(frame):
        """Makes the equations of a call frame; returns no error."""
        sources
        if frames.answers_for_metadata(frame):
            return 0
        images, rows = frames.shape(frame, 3)[:2]
        work = frames.attribute(frame)
        frames.run(frame, frames.equations_task(), work, images * rows)
        return 0

    return task, handler
