"""Weights out of a PyTorch file, without running what it may hold."""

import hashlib
import io
import pathlib
import re
from typing import Any

import numpy as np

from jaxsplat import errors
from jaxsplat.features.weights import RawTensor

# Under these names training scripts save the weights beside other things.
_WEIGHTS = ("state_dict", "model", "extractor")
_TYPES = {"float32": "F32", "float16": "F16", "float64": "F64", "int64": "I64"}


def read(data: bytes, path: pathlib.Path) -> dict[str, RawTensor]:
    """Returns the tensors of a PyTorch state dictionary.

    Args:
        data: the file's bytes.
        path: its name. As PyTorch's hub writes it, the name ends in the first digits of
            the sha256, which are then checked.

    Raises:
        DataError: torch is not installed, the file does not hold a plain dictionary of
            tensors, or it is not the file that its name says.
    """
    digest = hashlib.sha256(data).hexdigest()
    named = re.search(r"-([0-9a-f]{8,64})\.pth?$", path.name)
    if named and not digest.startswith(named[1]):
        raise errors.DataError(
            f"{path}: sha256 starts with {digest[:8]}, its name says {named[1]}; the "
            "download is damaged"
        )
    try:
        import torch  # type: ignore[import-not-found, unused-ignore]
    except ImportError as error:
        raise errors.DataError(
            f"{path}: reading a PyTorch file needs torch: `pip install torch`"
        ) from error
    try:
        state = torch.load(io.BytesIO(data), map_location="cpu", weights_only=True)
    except Exception as error:  # torch raises many kinds; all mean an unusable file
        raise errors.DataError(
            f"{path}: torch cannot read it as plain weights ({type(error).__name__})"
        ) from error
    for name in _WEIGHTS:
        if isinstance(state, dict) and isinstance(state.get(name), dict):
            state = state[name]
    if not isinstance(state, dict) or not all(
        isinstance(value, torch.Tensor) for value in state.values()
    ):
        raise errors.DataError(f"{path}: expected a dictionary of names to tensors")
    return {str(name): _raw(value) for name, value in state.items()}


def _raw(tensor: Any) -> RawTensor:
    """Returns a torch tensor; bfloat16, which NumPy lacks, as float32 (exact)."""
    if str(tensor.dtype) == "torch.bfloat16":
        tensor = tensor.float()
    values = np.ascontiguousarray(tensor.detach().numpy())
    kind = _TYPES.get(values.dtype.name, values.dtype.name)
    return RawTensor(kind, values.shape, values.tobytes())
