"""EfficientNet in float64 NumPy, written from the papers, as an oracle.

The architecture is written out as block strings' numbers instead of being derived, one
image at a time. It shares nothing with the package; see `numpy_layers`.
"""

from collections.abc import Callable, Sequence

import numpy as np

from tests.helpers.numpy_layers import Image, Params, batch_norm, patches

Block = tuple[int, int]  # stride, side of the window

LITE0_BLOCKS: Sequence[Block] = (
    [(1, 3), (2, 3), (1, 3), (2, 5), (1, 5)] + [(2, 3)] + [(1, 3)] * 2 + [(1, 5)] * 3
)
LITE0_TAPS = (0, 2, 4, 10)


def sigmoid(x: Image) -> Image:
    return 1 / (1 + np.exp(-x))


def swish(x: Image) -> Image:
    return x * sigmoid(x)


def relu6(x: Image) -> Image:
    return np.clip(x, 0, 6)


def _patches(x: Image, side: int, stride: int, native: int | None) -> Image:
    """Returns [c, side * side, h2, w2], zero outside, by TensorFlow's SAME rule."""
    sizes, starts = [], []
    for size in x.shape[1:]:
        reference = size if native is None else native
        outputs = -(-reference // stride)
        total = max((outputs - 1) * stride + side - reference, 0)
        starts.append(total // 2)
        free = outputs if native is None else (size + total - side) // stride + 1
        sizes.append(free)
    return patches(x, side, stride, (starts[0], starts[1]), (sizes[0], sizes[1]))


def _batch_norm(x: Image, params: Params, name: str) -> Image:
    return batch_norm(x, params, name, 1e-3)


def _pointwise(x: Image, params: Params, name: str) -> Image:
    kernel = params[f"{name}.weight"][:, :, 0, 0].astype(np.float64)
    result = np.tensordot(kernel, x, axes=1)
    if f"{name}.bias" in params:
        result += params[f"{name}.bias"].astype(np.float64)[:, None, None]
    return result


def _block(
    x: Image,
    params: Params,
    name: str,
    block: Block,
    native: int | None,
    activate: Callable[[Image], Image],
) -> Image:
    stride, side = block
    y = x
    if f"{name}._expand_conv.weight" in params:
        y = _pointwise(y, params, f"{name}._expand_conv")
        y = activate(_batch_norm(y, params, f"{name}._bn0"))
    kernel = params[f"{name}._depthwise_conv.weight"].astype(np.float64)
    windows = _patches(y, side, stride, native)
    y = np.einsum("ckhw,ck->chw", windows, kernel.reshape(len(kernel), -1))
    y = activate(_batch_norm(y, params, f"{name}._bn1"))
    if f"{name}._se_reduce.weight" in params:
        gate = y.mean(axis=(1, 2), keepdims=True)
        gate = activate(_pointwise(gate, params, f"{name}._se_reduce"))
        y = y * sigmoid(_pointwise(gate, params, f"{name}._se_expand"))
    y = _pointwise(y, params, f"{name}._project_conv")
    y = _batch_norm(y, params, f"{name}._bn2")
    return y + x if stride == 1 and x.shape[0] == y.shape[0] else y


def forward(
    image: Image,
    params: Params,
    blocks: Sequence[Block],
    taps: Sequence[int],
    activate: Callable[[Image], Image],
    padded_for: int | None = None,
) -> list[Image]:
    """Returns the outputs of the tapped blocks, [h, w, c] each.

    Args:
        image: normalised, [h, w, 3].
        params: by published name, out-in-h-w.
        blocks: stride and window of every block.
        taps: indices of the wanted blocks.
        activate: the network's activation.
        padded_for: side of the image for which the windows are padded; None for the
            image's own.
    """
    x = image.astype(np.float64).transpose(2, 0, 1)
    kernel = params["_conv_stem.weight"].astype(np.float64)
    windows = _patches(x, 3, 2, padded_for)
    x = np.einsum("ckhw,ock->ohw", windows, kernel.reshape(*kernel.shape[:2], -1))
    x = activate(_batch_norm(x, params, "_bn0"))
    native = padded_for and -(-padded_for // 2)
    result = []
    for index, block in enumerate(blocks):
        x = _block(x, params, f"_blocks.{index}", block, native, activate)
        native = native and -(-native // block[0])
        if index in taps:
            result.append(x.transpose(1, 2, 0))
    return result
