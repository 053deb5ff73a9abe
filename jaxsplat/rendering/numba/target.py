"""The handlers made known to XLA, once in a process."""

import ctypes
import functools
import hashlib
import importlib
import pathlib
import re
import threading
from typing import Any

import jax
from jax import ffi

# Symbols of the tasks' addresses. There are two handlers, each with its task: few
# programs ask for normal equations, and to compile the functions takes 10 seconds.
IMAGES_TASK = "jaxsplat_numba_images_task"
EQUATIONS_TASK = "jaxsplat_numba_equations_task"
# What a handler does, its attribute; `compositing` and `normal` say with which
# operands.
BIN, COMPOSITE, DIFFERENTIATE, GATHER, EQUATIONS = range(5)
# Places in XLA's table of functions, and the version that gives a meaning to places.
_PLACES = {"ThreadPool_Schedule": 11, "ThreadPool_NumThreads": 12}
_MAJOR = 0
_WORD = "int64(int64)"  # what both are: a function of an address
HEADER = "xla/ffi/api/c_api.h"

_kept: dict[str, Any] = {}  # by handler, what XLA has only addresses of
_lock = threading.Lock()


@functools.cache
def obstacle() -> str:
    """Returns why the handler cannot run in this process, "" if it can."""
    try:
        importlib.import_module("numba")
    except ImportError as error:  # also where it does not go with this NumPy
        return f"numba cannot be imported ({error})"
    try:
        header = pathlib.Path(ffi.include_dir(), HEADER).read_text()
    except OSError:
        return f"JAX {jax.__version__} comes without {HEADER}"
    functions = re.findall(r"_API_STRUCT_FIELD\(XLA_FFI_(\w+)\)", header)
    found = {name: functions.index(name) for name in _PLACES if name in functions}
    major = re.search(r"#define XLA_FFI_API_MAJOR (\d+)", header)
    if found != _PLACES or not major or int(major[1]) != _MAJOR:
        return f"JAX {jax.__version__} calls functions in another way"
    return ""


def registered(which: int) -> str:
    """Returns the name of the handler of some work.

    It is compiled before, or read from Numba's cache: Numba keeps what it compiled
    beside the source, or in the user's cache folder.

    Args:
        which: kind of work, such as `BIN`.
    """
    name = "jaxsplat_numba_equations" if which == EQUATIONS else "jaxsplat_numba"
    with _lock:
        if name not in _kept:
            _kept[name] = _register(name, which == EQUATIONS)
    return name


def _register(name: str, of_equations: bool) -> Any:
    import llvmlite.binding
    import numba

    from jaxsplat.rendering.numba import equations_work, frames, work

    module = equations_work if of_equations else work
    symbol = EQUATIONS_TASK if of_equations else IMAGES_TASK
    task_source, handler_source = module.task_and_handler(_digest())

    def compiled(function: Any) -> Any:
        try:
            return numba.cfunc(_WORD, cache=True, **frames.OPTIONS)(function)
        except RuntimeError:  # nowhere to keep it
            return numba.cfunc(_WORD, **frames.OPTIONS)(function)

    task = compiled(task_source)
    llvmlite.binding.add_symbol(symbol, task.address)
    handler = compiled(handler_source)
    capsule = ffi.pycapsule(ctypes.c_void_p(handler.address))
    ffi.register_ffi_target(name, capsule, platform="cpu")
    return task, handler


def _digest() -> str:
    """Returns a digest of the sources: Numba's cache looks at one of them alone."""
    sources = sorted(pathlib.Path(__file__).parent.glob("*.py"))
    text = b"".join(source.read_bytes() for source in sources)
    return hashlib.blake2b(text, digest_size=8).hexdigest()
