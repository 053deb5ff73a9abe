"""XLA's foreign function interface, as functions that Numba compiles see it.

XLA hands a handler one record, the call frame: operands, results, attributes and a
table of XLA's own functions, one of which puts tasks into the pool of threads that
runs the rest of the program. All are words of 64 bits, laid out as
`xla/ffi/api/c_api.h` says, which JAX brings along (`jax.ffi.include_dir`).
"""

from typing import no_type_check

import numba
import numpy as np
from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic

from jaxsplat.rendering.numba.target import EQUATIONS_TASK, IMAGES_TASK

# Words of XLA_FFI_CallFrame.
_EXTENSION, _API, _CONTEXT, _OPERANDS, _RESULTS, _ATTRIBUTES = 1, 2, 3, 5, 10, 15
# Of XLA_FFI_Args and XLA_FFI_Rets, and of XLA_FFI_Attrs: pointers to the things.
_THINGS, _VALUES = 4, 5
# Of XLA_FFI_Buffer.
_DATA, _SHAPE = 3, 5
# Of XLA_FFI_Api.
_VERSION, _SCHEDULE, _THREADS = 4, 17, 18
_METADATA = 1  # XLA_FFI_Extension_Metadata

# Of the record that threads share: who still holds it, the next chunk, finished chunks,
# all chunks, what is done with them, the call frame, and what XLA is asked.
_HOLDERS, _NEXT, _DONE, _CHUNKS, _WORK, _FRAME, _REQUEST = range(7)
_RECORD = 12

# Not those flags that take all numbers to be finite.
OPTIONS = {
    "fastmath": {"contract", "arcp", "nsz", "reassoc", "afn"},
    "error_model": "numpy",
}
compiled = numba.njit(**OPTIONS)
# For loops over pixels: as functions of their own they would be compiled once more when
# they are called, and sums would be added up in another order than by the function that
# Numba keeps.
inlined = numba.njit(inline="always", **OPTIONS)


@intrinsic
@no_type_check
def _pointer(typing_context, address, kind):
    """Returns a pointer to numbers of a kind."""
    result = types.CPointer(kind.dtype)

    def generate(context, builder, signature, arguments):
        return builder.inttoptr(arguments[0], context.get_value_type(result))

    return result(address, kind), generate


@intrinsic
@no_type_check
def _add(typing_context, address, value):
    """Adds to a word, as one step for all threads, and returns what it was."""

    def generate(context, builder, signature, arguments):
        word = builder.inttoptr(arguments[0], ir.IntType(64).as_pointer())
        return builder.atomic_rmw("add", word, arguments[1], "seq_cst")

    return types.int64(types.int64, types.int64), generate


_WORD = ir.IntType(64)


@no_type_check
def _external(name, *takes):
    """Returns what calls a function of the process that returns a word."""

    @no_type_check
    def generate(context, builder, signature, arguments):
        kind = ir.FunctionType(_WORD, takes)
        function = cgutils.get_or_insert_function(builder.module, kind, name)
        return builder.call(function, arguments)

    return generate


@intrinsic
@no_type_check
def _allocate(typing_context, size):
    return types.int64(types.int64), _external("malloc", _WORD)


@intrinsic
@no_type_check
def _free(typing_context, address):
    return types.int64(types.int64), _external("free", _WORD)


@intrinsic
@no_type_check
def _yield(typing_context):
    return types.int64(), _external("sched_yield")


@no_type_check
def _address_of(symbol):
    """Returns what gives the address of the function that has a symbol."""

    @no_type_check
    def generate(context, builder, signature, arguments):
        kind = ir.FunctionType(_WORD, [_WORD])
        task = cgutils.get_or_insert_function(builder.module, kind, symbol)
        return builder.ptrtoint(task, _WORD)

    return generate


@intrinsic
@no_type_check
def images_task(typing_context):
    """Returns the address of the task that makes images."""
    return types.int64(), _address_of(IMAGES_TASK)


@intrinsic
@no_type_check
def equations_task(typing_context):
    """Returns the address of the task that makes normal equations."""
    return types.int64(), _address_of(EQUATIONS_TASK)


@intrinsic
@no_type_check
def _call(typing_context, function, argument):
    """Calls the function at an address with one word; returns the word that it does."""

    def generate(context, builder, signature, arguments):
        kind = ir.FunctionType(_WORD, [_WORD]).as_pointer()
        return builder.call(builder.inttoptr(arguments[0], kind), [arguments[1]])

    return types.int64(types.int64, types.int64), generate


@compiled
@no_type_check
def words(address, count):
    """Returns the words at an address."""
    return numba.carray(_pointer(address, np.int64), count)


@compiled
@no_type_check
def _buffer(frame, place, number):
    things = words(words(frame, 20)[place + _THINGS], number + 1)
    return words(things[number], 6)


@compiled
@no_type_check
def shape(frame, number):
    """Returns the dimensions of an operand, as words."""
    buffer = _buffer(frame, _OPERANDS, number)
    return words(buffer[_SHAPE], buffer[_SHAPE - 1])


@compiled
@no_type_check
def result_shape(frame, number):
    """Returns the dimensions of a result, as words."""
    buffer = _buffer(frame, _RESULTS, number)
    return words(buffer[_SHAPE], buffer[_SHAPE - 1])


@compiled
@no_type_check
def floats(frame, number, dimensions):
    """Returns an operand of float32."""
    data = _buffer(frame, _OPERANDS, number)[_DATA]
    return numba.carray(_pointer(data, np.float32), dimensions)


@compiled
@no_type_check
def integers(frame, number, dimensions):
    """Returns an operand of int32."""
    data = _buffer(frame, _OPERANDS, number)[_DATA]
    return numba.carray(_pointer(data, np.int32), dimensions)


@compiled
@no_type_check
def float_result(frame, number, dimensions):
    """Returns a result of float32, to be written to."""
    data = _buffer(frame, _RESULTS, number)[_DATA]
    return numba.carray(_pointer(data, np.float32), dimensions)


@compiled
@no_type_check
def integer_result(frame, number, dimensions):
    """Returns a result of int32, to be written to."""
    data = _buffer(frame, _RESULTS, number)[_DATA]
    return numba.carray(_pointer(data, np.int32), dimensions)


@compiled
@no_type_check
def attribute(frame):
    """Returns the only attribute, a number of 64 bits."""
    scalar = words(words(words(frame, 22)[_ATTRIBUTES + _VALUES], 1)[0], 2)
    return words(scalar[1], 1)[0]


@compiled
@no_type_check
def answers_for_metadata(frame):
    """Returns whether XLA asks what the handler is made for, after answering."""
    call = words(frame, 20)
    if call[_EXTENSION] == 0:
        return False
    extension = words(call[_EXTENSION], 4)
    if extension[1] & 0xFFFFFFFF != _METADATA:
        return False
    # Whatever version this XLA has: `targets` has looked at its header.
    words(extension[3], 5)[3] = words(call[_API], 5)[_VERSION]
    return True


@compiled
@no_type_check
def next_chunk(record):
    """Returns the number of a chunk that nobody works on yet, -1 if there is none."""
    chunk = _add(record + 8 * _NEXT, 1)
    return chunk if chunk < words(record, _RECORD)[_CHUNKS] else -1


@compiled
@no_type_check
def finished(record):
    """Counts a chunk as done."""
    _add(record + 8 * _DONE, 1)


@compiled
@no_type_check
def work_of(record):
    """Returns the call frame, and what is to be done with chunks."""
    found = words(record, _RECORD)
    return found[_FRAME], found[_WORK]


@compiled
@no_type_check
def released(record):
    """Frees the record if nobody else holds it."""
    if _add(record + 8 * _HOLDERS, -1) == 1:
        _free(record)


@compiled
@no_type_check
def _shared(frame, task, work, chunks, helpers):
    """Returns the record of new work, at which the pool's threads help."""
    record = _allocate(8 * _RECORD)
    found = words(record, _RECORD)
    found[_HOLDERS] = 2 + helpers  # they, and this thread as helper and as owner
    found[_NEXT] = 0
    found[_DONE] = 0
    found[_CHUNKS] = chunks
    found[_WORK] = work
    found[_FRAME] = frame
    call = words(frame, 20)
    schedule = words(call[_API], _SCHEDULE + 1)[_SCHEDULE]
    found[_REQUEST] = 8 * 5
    found[_REQUEST + 1] = 0
    found[_REQUEST + 2] = call[_CONTEXT]
    found[_REQUEST + 3] = task
    found[_REQUEST + 4] = record
    for _ in range(helpers):
        if _call(schedule, record + 8 * _REQUEST):
            _add(record + 8 * _HOLDERS, -1)  # an error: nobody comes
    return record


@compiled
@no_type_check
def _other_threads(frame):
    """Returns how many threads XLA's pool has beside this one."""
    call = words(frame, 20)
    # Not in arrays of Numba's, which may end before their last use in a call.
    record = _allocate(8 * _RECORD)
    request = words(record, _RECORD)
    request[0] = 8 * 4
    request[1] = 0
    request[2] = call[_CONTEXT]
    request[3] = record + 8 * 4
    error = _call(words(call[_API], _THREADS + 1)[_THREADS], record)
    threads = 0 if error else request[4] - 1
    _free(record)
    return threads


@compiled
@no_type_check
def _wait(record):
    """Waits for those who still work on a chunk.

    Chunks that are begun are being worked on, so the wait ends even where all threads
    of the pool wait here: a task that comes late finds nothing to do.
    """
    chunks = words(record, _RECORD)[_CHUNKS]
    while _add(record + 8 * _DONE, 0) < chunks:
        _yield()


@compiled
@no_type_check
def run(frame, task, work, chunks):
    """Has all chunks of some work done, by this thread and those of XLA's pool.

    This thread calls the task too: by code of its own that would be compiled a second
    time, and might round in another way.
    """
    helpers = max(min(_other_threads(frame), chunks - 1), 0)
    record = _shared(frame, task, work, chunks, helpers)
    _call(task, record)
    _wait(record)
    released(record)
