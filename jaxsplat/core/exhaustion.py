"""Which errors mean that memory ran out."""

import jax

# What is caught where memory may run out, and then asked `is_out_of_memory`.
CANDIDATES = (MemoryError, jax.errors.JaxRuntimeError)


def is_out_of_memory(error: BaseException) -> bool:
    """Returns whether an error of NumPy, Python or XLA says that memory ran out."""
    return isinstance(error, MemoryError) or (
        isinstance(error, jax.errors.JaxRuntimeError)
        and "RESOURCE_EXHAUSTED" in str(error)
    )
