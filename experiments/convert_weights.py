"""Makes a weights file for `jaxsplat.features.load_network` from a public one.

Examples:
    The bundled file, from the complete EfficientNet-Lite0 as safetensors:

        python -m experiments.convert_weights --network efficientnet_lite0 \
            --source efficientnet_lite0.safetensors \
            --output jaxsplat/features/weights/efficientnet_lite0_taps.safetensors

    EfficientNet-B4, from the public PyTorch file (needs `pip install torch`):

        python -m experiments.convert_weights --network efficientnet_b4 \
            --source efficientnet-b4-6ed6700e.pth --output efficientnet_b4.safetensors

Only the tensors up to the last tapped block are kept; names and values stay.
"""

import dataclasses
import hashlib
import io
import pathlib
import re
from typing import Literal

import numpy as np
import safetensors.numpy

from jaxsplat import errors
from jaxsplat.commands import flags
from jaxsplat.data import atomic
from jaxsplat.features import efficientnet, network, weights


@dataclasses.dataclass(frozen=True)
class Config:
    """The command's settings; what they mean stands in their help."""

    network: Literal["efficientnet_lite0", "efficientnet_b4"] = flags.option(
        dataclasses.MISSING, "the network that the file is for"
    )
    source: str = flags.option(
        dataclasses.MISSING, "a .safetensors or a PyTorch .pth file"
    )
    output: str = flags.option(dataclasses.MISSING, "the .safetensors file to write")


def torch_to_safetensors(data: bytes, path: pathlib.Path) -> bytes:
    """Returns the tensors of a PyTorch state dictionary as a safetensors file.

    Args:
        data: the file's bytes.
        path: its name. As PyTorch's hub writes it, the name ends in the first digits of
            the sha256, which are then checked.

    Raises:
        DataError: torch is not installed, the file does not hold a plain dictionary of
            tensors, or it is not the file that its name says.
    """
    digest = hashlib.sha256(data).hexdigest()
    named = re.search(r"-([0-9a-f]{8,64})\.pth$", path.name)
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
    if not isinstance(state, dict) or not all(
        isinstance(value, torch.Tensor) for value in state.values()
    ):
        raise errors.DataError(f"{path}: expected a dictionary of names to tensors")
    return safetensors.numpy.save(
        {str(name): np.ascontiguousarray(v.numpy()) for name, v in state.items()}
    )


def convert(name: str, source: pathlib.Path, output: pathlib.Path) -> str:
    """Writes the tensors that the named network needs; returns the file's sha256.

    Raises:
        DataError: the source cannot be read or does not hold the network.
    """
    data = weights.read_file(source)
    if source.suffix != ".safetensors":
        data = torch_to_safetensors(data, source)
    shapes = efficientnet.parameter_shapes(network.CONFIGS[name])
    tensors = weights.select(
        weights.parse(data, str(source)), shapes, str(source), allow_extra=True
    )
    # One entry of metadata only: safetensors writes several in no fixed order.
    result = safetensors.numpy.save(tensors, metadata={"network": name})
    atomic.write_bytes(output, result)
    return hashlib.sha256(result).hexdigest()


def main(config: Config) -> None:
    output = pathlib.Path(config.output)
    digest = convert(config.network, pathlib.Path(config.source), output)
    print(f"{output}  {output.stat().st_size} bytes  sha256 {digest}")


if __name__ == "__main__":
    flags.run(main, Config)
