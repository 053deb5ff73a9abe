"""Weights by formula: the same numbers in any framework, without a file.

Needs NumPy only, so that the script that makes the golden file can run beside PyTorch
without JAX.
"""

import zlib

import numpy as np
from numpy.typing import NDArray


def uniform(name: str, count: int) -> NDArray[np.float64]:
    """Returns `count` numbers in [-1, 1) that depend on the name and on their index."""
    mixed = np.arange(1, count + 1, dtype=np.uint32) * np.uint32(2654435769)
    mixed ^= np.uint32(zlib.crc32(name.encode()))
    for shift, factor in ((15, 0x2C1B3C6D), (12, 0x297A2D39)):
        mixed ^= mixed >> np.uint32(shift)
        mixed *= np.uint32(factor)
    mixed ^= mixed >> np.uint32(15)
    return mixed / 2.0**31 - 1


def tensor(name: str, shape: tuple[int, ...]) -> NDArray[np.float32]:
    """Returns the tensor of a published name, convolutions as out-in-h-w.

    Convolutions and linear maps keep the variance of their input; normalisations are
    near the identity, with positive variances; positions are as large as patches.
    """
    values = uniform(name, int(np.prod(shape))).reshape(shape)
    if len(shape) in (2, 4) and "pos_" not in name:
        values = values * np.sqrt(3 / np.prod(shape[1:]))
    elif name.endswith("running_var"):
        values = 1 + 0.5 * values
    elif name.endswith(".weight"):
        values = 1 + 0.2 * values
    elif "pos_" not in name:
        values = 0.2 * values
    return values.astype(np.float32)
