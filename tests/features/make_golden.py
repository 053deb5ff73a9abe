"""Rewrites golden.npz with independent PyTorch implementations.

Run in an environment of its own, from the root of the repository:

    pip install torch==2.13.0
    pip install torchvision==0.28.0 timm==1.0.31 efficientnet-pytorch==0.7.1 \
        safetensors scipy
    python -m tests.features.make_golden

It holds, as inputs, small images as bytes; as outputs, the tapped maps of timm's
`tf_efficientnet_lite0` with the bundled weights, those of efficientnet-pytorch's
`efficientnet-b4` (padding for 380 pixels, its default) with weights by formula, and
every eighth pixel of the published score's blurred map with both.
"""

import pathlib
from collections.abc import Callable

import numpy as np
import torch

# Beside the CPU build of torch, torchvision imports only when its operators are named.
_library = torch.library.Library("torchvision", "DEF")
for _name in ("nms", "qnms"):
    _library.define(
        f"{_name}(Tensor dets, Tensor scores, float iou_threshold) -> Tensor"
    )

import efficientnet_pytorch  # noqa: E402  (torchvision's operators first)
import safetensors.torch  # noqa: E402
import scipy.ndimage  # noqa: E402
import timm  # noqa: E402
from torchvision import transforms  # noqa: E402

from tests.helpers import formula_weights  # noqa: E402

HERE = pathlib.Path(__file__).parent
BUNDLED = HERE.parents[1] / (
    "jaxsplat/features/weights/efficientnet_lite0_taps.safetensors"
)
Taps = Callable[[torch.Tensor], list[torch.Tensor]]


def _hooked(model: torch.nn.Module, modules: list[torch.nn.Module]) -> Taps:
    model.eval()
    found: list[torch.Tensor] = []
    for module in modules:
        module.register_forward_hook(lambda _, __, output: found.append(output))

    def taps(images: torch.Tensor) -> list[torch.Tensor]:
        found.clear()
        with torch.no_grad():
            model(images)
        return list(found)

    return taps


def lite0() -> Taps:
    """Returns timm's network with the bundled weights, as a function to its taps."""
    model = timm.create_model("tf_efficientnet_lite0", pretrained=False)
    flat = [block for stage in model.blocks for block in stage]
    published = safetensors.torch.load_file(str(BUNDLED))
    own = {"_conv_stem": model.conv_stem, "_bn0": model.bn1}
    for index, block in enumerate(flat[:11]):
        expanded = hasattr(block, "conv_pwl")
        project = "conv_pwl" if expanded else "conv_pw"
        names = ["conv_dw", "bn2" if expanded else "bn1", project]
        names.append("bn3" if expanded else "bn2")
        parts = ["_depthwise_conv", "_bn1", "_project_conv", "_bn2"]
        if expanded:
            names, parts = ["conv_pw", "bn1", *names], ["_expand_conv", "_bn0", *parts]
        for part, name in zip(parts, names, strict=True):
            own[f"_blocks.{index}.{part}"] = getattr(block, name)
    for name, module in own.items():
        state = module.state_dict()
        for leaf in state.keys() - {"num_batches_tracked"}:
            assert state[leaf].shape == published[f"{name}.{leaf}"].shape
            state[leaf] = published.pop(f"{name}.{leaf}")
        module.load_state_dict(state)
    assert not published, sorted(published)
    return _hooked(model, [flat[index] for index in (0, 2, 4, 10)])


def b4() -> Taps:
    """Returns B4 with weights by formula, as a function to its taps."""
    model = efficientnet_pytorch.EfficientNet.from_name("efficientnet-b4")
    state = model.state_dict()
    for name, value in state.items():
        if not name.endswith("num_batches_tracked"):
            formula = formula_weights.tensor(name, tuple(value.shape))
            state[name] = torch.from_numpy(formula)
    model.load_state_dict(state)
    return _hooked(model, [model._blocks[index] for index in (1, 5, 9, 21)])


def score_map(
    taps: Taps,
    pair: torch.Tensor,
    mean: tuple[float, ...],
    std: tuple[float, ...],
) -> np.ndarray:
    """Returns the blurred map of a pair of images [2, 3, h, w] in [0, 1]."""
    transform = transforms.Compose(
        [
            transforms.ToPILImage(),
            transforms.Resize(224),
            transforms.ToTensor(),
            transforms.Normalize(mean, std),
        ]
    )
    first, second = (transform(image)[None] for image in pair)
    total = ((first - second) ** 2).sum(1, keepdim=True)
    for a, b in zip(taps(first), taps(second), strict=True):
        total += torch.nn.functional.interpolate(
            ((a - b) ** 2).sum(1, keepdim=True),
            size=total.shape[-2:],
            mode="bilinear",
            align_corners=False,
        )
    return scipy.ndimage.gaussian_filter(total[0, 0].numpy(), sigma=4)


def main() -> None:
    rng = np.random.default_rng(7)
    result = {}
    networks = {
        "lite0": (lite0(), (37, 30), (127 / 255,) * 3, (128 / 255,) * 3),
        "b4": (b4(), (40, 33), (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)),
    }
    pair = rng.integers(0, 256, (2, 15, 12, 3), dtype=np.uint8)
    pair = pair.repeat(4, axis=1).repeat(4, axis=2)
    result["pair"] = pair
    for name, (taps, size, mean, std) in networks.items():
        image = rng.integers(0, 256, (*size, 3), dtype=np.uint8)
        result[f"{name}_image"] = image
        scaled = torch.from_numpy(image).permute(2, 0, 1)[None] / 255
        normalised = transforms.Normalize(mean, std)(scaled)
        for level, tap in enumerate(taps(normalised)):
            result[f"{name}_tap{level}"] = tap[0].permute(1, 2, 0).numpy()
        images = torch.from_numpy(pair).permute(0, 3, 1, 2) / 255
        result[f"{name}_score"] = score_map(taps, images, mean, std)[::8, ::8]
    np.savez_compressed(HERE / "golden.npz", **result)
    print({key: value.shape for key, value in result.items()})
    print((HERE / "golden.npz").stat().st_size, "bytes")


if __name__ == "__main__":
    main()
