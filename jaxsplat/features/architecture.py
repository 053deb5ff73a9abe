"""The EfficientNet family as plain numbers: which blocks, how wide, how padded.

Tan and Le, "EfficientNet: Rethinking Model Scaling for Convolutional Neural Networks"
(ICML 2019), Table 1 scaled by width and depth. The Lite variants replace swish by ReLU6
and drop squeeze-and-excitation.
"""

import dataclasses
import math
from typing import Literal

from jaxsplat import errors
from jaxsplat.features.config import NetworkConfig, Tap

# Repeats, window, stride, expansion, channels: stages 2 to 8 of Table 1.
_STAGES = (
    (1, 3, 1, 1, 16),
    (2, 3, 2, 6, 24),
    (2, 5, 2, 6, 40),
    (3, 3, 2, 6, 80),
    (3, 5, 1, 6, 112),
    (4, 5, 2, 6, 192),
    (1, 3, 1, 6, 320),
)
_STEM_CHANNELS = 32
_LAST_STRIDE = 16


@dataclasses.dataclass(frozen=True, kw_only=True)
class EfficientNetConfig(NetworkConfig):
    """One member of the family.

    Attributes:
        width: multiplier of the channels of Table 1.
        depth: multiplier of the repeats of Table 1. (Lite 1 to 4 leave the stem and the
            first stage unscaled; of the Lite variants only Lite0 is described by this.)
        squeeze_excite: whether the blocks have squeeze-and-excitation.
        activation: "swish" or "relu6".
        padded_for: side in pixels of the square image for which the windows are padded
            as TensorFlow's "SAME" does; None pads for each image's own size. The amount
            depends on the size only where the stride is 2.
    """

    width: float
    depth: float
    squeeze_excite: bool
    activation: Literal["swish", "relu6"]
    padded_for: int | None = None

    @property
    def all_taps(self) -> tuple[Tap, ...]:
        """The last blocks at strides 2, 4, 8 and 16; see `blocks`."""
        tapped = [(i, block) for i, block in enumerate(blocks(self)) if block.tap]
        return tuple(
            Tap(f"block{index}", 2 << level, block.outputs)
            for level, (index, block) in enumerate(tapped)
        )


@dataclasses.dataclass(frozen=True)
class Window:
    """How a window moves over the image.

    Attributes:
        side: of the window in pixels.
        stride: 1 or 2.
        padding: pixels before and after the image along both axes, or None for
            TensorFlow's "SAME".
    """

    side: int
    stride: int
    padding: tuple[int, int] | None


@dataclasses.dataclass(frozen=True)
class BlockConfig:
    """One inverted residual block.

    Attributes:
        inputs: channels that enter.
        outputs: channels that leave.
        expand: ratio by which the channels grow inside.
        window: of the depthwise convolution.
        tap: whether the output is one of the returned feature maps.
    """

    inputs: int
    outputs: int
    expand: int
    window: Window
    tap: bool


def same_padding(size: int, side: int, stride: int) -> tuple[int, int]:
    """Returns the pixels before and after an axis by TensorFlow's "SAME" rule."""
    total = max((math.ceil(size / stride) - 1) * stride + side - size, 0)
    return total // 2, total - total // 2


def _window(side: int, stride: int, size: int | None) -> Window:
    padding = None if size is None else same_padding(size, side, stride)
    return Window(side, stride, padding)


def _scaled_channels(channels: int, width: float) -> int:
    # To the nearest multiple of 8, but never more than 10 % below the scaled number.
    scaled = channels * width
    rounded = max(8, int(scaled + 4) // 8 * 8)
    return rounded + 8 if rounded < 0.9 * scaled else rounded


def stem(config: EfficientNetConfig) -> tuple[Window, int]:
    """Returns the window and the output channels of the first convolution."""
    channels = _scaled_channels(_STEM_CHANNELS, config.width)
    return _window(3, 2, config.padded_for), channels


def blocks(config: EfficientNetConfig) -> tuple[BlockConfig, ...]:
    """Returns the blocks up to the last one at stride 16, with the taps marked.

    The taps are the last blocks at strides 2, 4, 8 and 16. For B4 these are blocks 1,
    5, 9 and 21, which PAD's and SplatPose's published code taps; the same rule gives
    blocks 0, 2, 4 and 10 for Lite0, so its maps have the same strides and stand at the
    same place in the network.
    """
    result: list[BlockConfig] = []
    channels, total_stride = stem(config)[1], 2
    for repeats, side, stage_stride, expand, base in _STAGES:
        if total_stride * stage_stride > _LAST_STRIDE:
            break
        if stage_stride > 1:
            result[-1] = dataclasses.replace(result[-1], tap=True)
        outputs = _scaled_channels(base, config.width)
        for index in range(math.ceil(repeats * config.depth)):
            stride = stage_stride if index == 0 else 1
            size = config.padded_for
            here = None if size is None else math.ceil(size / total_stride)
            window = _window(side, stride, here)
            result.append(BlockConfig(channels, outputs, expand, window, tap=False))
            channels, total_stride = outputs, total_stride * stride
    result[-1] = dataclasses.replace(result[-1], tap=True)
    return tuple(result)


def output_size(size: int, window: Window) -> int:
    """Returns the pixels along an axis that the window leaves of `size` pixels."""
    if window.padding is None:
        return math.ceil(size / window.stride)
    return max((size + sum(window.padding) - window.side) // window.stride + 1, 0)


def map_shapes(
    config: EfficientNetConfig, height: int, width: int
) -> tuple[tuple[int, int, int], ...]:
    """Returns (height, width, channels) of every feature map of an image.

    Raises:
        ConfigError: the image is so small that a map would be empty.
    """
    sizes = [output_size(size, stem(config)[0]) for size in (height, width)]
    shapes = []
    for block in blocks(config):
        sizes = [output_size(size, block.window) for size in sizes]
        if block.tap:
            shapes.append((sizes[0], sizes[1], block.outputs))
    if min(sizes) < 1:
        raise errors.ConfigError(
            f"{config.name}: an image of {height}x{width} pixels is too small; "
            f"{_LAST_STRIDE} pixels a side always suffice"
        )
    return tuple(shapes)
