"""Published files of one network name its tensors in several ways; here is one.

That is the way of the authors' own files: torchvision's for residual networks,
facebookresearch/dinov2's and facebookresearch/segment-anything's (without the beginning
that says which part of SAM it is).
"""

import re
from collections.abc import Mapping

from jaxsplat.features.config import NetworkConfig
from jaxsplat.features.dinov2 import DinoV2Config
from jaxsplat.features.sam import SamConfig
from jaxsplat.features.weights import RawTensor
from jaxsplat.matchers.lightglue import LightGlueConfig
from jaxsplat.matchers.loftr import LoftrConfig
from jaxsplat.matchers.loftr_matcher import LoftrMatcherConfig
from jaxsplat.matchers.registry import Config as MatchingConfig

Config = NetworkConfig | MatchingConfig

Tensors = dict[str, RawTensor]

# Transformers' names of DINOv2's tensors, by patterns, and the authors'.
_DINOV2 = (
    (r"embeddings\.cls_token", "cls_token"),
    (r"embeddings\.position_embeddings", "pos_embed"),
    (r"embeddings\.patch_embeddings\.projection", "patch_embed.proj"),
    (r"encoder\.layer\.(\d+)\.attention\.attention", r"blocks.\1.attn"),
    (r"encoder\.layer\.(\d+)\.attention\.output\.dense", r"blocks.\1.attn.proj"),
    (r"encoder\.layer\.(\d+)\.layer_scale([12])\.lambda1", r"blocks.\1.ls\2.gamma"),
    (r"encoder\.layer\.(\d+)\.", r"blocks.\1."),
)
_QUERY = re.compile(r"(blocks\.\d+\.attn\.)query\.(weight|bias)")
# What exporters leave of position embeddings: that of the class token, which is joined
# with the patches' after these were reshaped for interpolation.
_FIRST = re.compile(r"embeddings\.Concat\w*")
_OTHERS = re.compile(r"embeddings\.Reshape\w*")
_POSITIONS = "pos_embed"


def as_published(config: Config, tensors: Mapping[str, RawTensor]) -> Tensors:
    """Returns a file's tensors under the names that the network has for them.

    Args:
        config: of the network.
        tensors: by the file's names.
    """
    if isinstance(config, DinoV2Config):
        return _dinov2(tensors)
    if isinstance(config, SamConfig):
        return _sam(tensors)
    if isinstance(config, LightGlueConfig):
        return _lightglue(tensors)
    if isinstance(config, LoftrConfig | LoftrMatcherConfig):
        return {n.removeprefix("matcher."): tensor for n, tensor in tensors.items()}
    return dict(tensors)


def _sam(tensors: Mapping[str, RawTensor]) -> Tensors:
    """From whole SAMs, and from timm's encoder, whose linear maps it names as usual."""
    result = {}
    for name, tensor in tensors.items():
        name = name.removeprefix("image_encoder.")
        result[re.sub(r"\.mlp\.fc([12])\.", r".mlp.lin\1.", name)] = tensor
    return result


def _lightglue(tensors: Mapping[str, RawTensor]) -> Tensors:
    """From its first release too, which has all layers' attention of one kind together.

    XFeat's version stands in its file beside the detector.
    """
    result = {}
    for name, tensor in tensors.items():
        name = name.removeprefix("matcher.")
        old = re.fullmatch(r"(self_attn|cross_attn)\.(\d+)\.(.*)", name)
        result[f"transformers.{old[2]}.{old[1]}.{old[3]}" if old else name] = tensor
    return result


def _dinov2(tensors: Mapping[str, RawTensor]) -> Tensors:
    """From Transformers' files, and from what was exported out of them to ONNX."""
    result = {}
    for name, tensor in tensors.items():
        name = re.sub(r"^(backbone|dinov2)\.", "", name)
        for pattern, published in _DINOV2:
            name = re.sub(f"^{pattern}", published, name)
        result[name] = tensor
    for name in list(result):
        if found := _QUERY.fullmatch(name):
            parts = [f"{found[1]}{p}.{found[2]}" for p in ("query", "key", "value")]
            if all(part in result for part in parts):
                joined = _joined([result.pop(part) for part in parts], 0)
                result[f"{found[1]}qkv.{found[2]}"] = joined
    first = [t for name, t in result.items() if _FIRST.fullmatch(name)]
    others = [t for name, t in result.items() if _OTHERS.fullmatch(name)]
    if _POSITIONS not in result and len(first) == len(others) == 1:
        result[_POSITIONS] = _joined([*first, *others], 1)
    return result


def _joined(parts: list[RawTensor], axis: int) -> RawTensor:
    """Returns tensors one after another along an axis before which all are 1."""
    shape = list(parts[0].shape)
    shape[axis] = sum(part.shape[axis] for part in parts)
    data = b"".join(part.data for part in parts)
    return RawTensor(parts[0].dtype, tuple(shape), data)
