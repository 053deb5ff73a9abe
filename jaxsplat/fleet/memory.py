"""Memory between categories: a run of many needs no more than a run of one."""

import ctypes
import gc

from jaxsplat.methods.programs import forget_programs


def release() -> None:
    """Gives back what a finished category leaves in the process.

    Compiled programs take hundreds of megabytes, and compiling them leaves glibc's heap
    in pieces that it does not return by itself. The next category finds the programs in
    JAX's persistent cache where that is on.
    """
    forget_programs()
    gc.collect()
    trim = getattr(ctypes.CDLL(None), "malloc_trim", None)
    if trim is not None:  # glibc alone has it
        trim(0)
