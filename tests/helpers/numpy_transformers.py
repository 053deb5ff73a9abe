"""DINOv2 and SAM's encoder in float64 NumPy, written from the papers, as oracles.

Attention is written out head by head and, for SAM, pair of patches by pair of patches.
"""

from collections.abc import Sequence

import numpy as np

from tests.helpers.numpy_layers import (
    Image,
    Params,
    Tokens,
    convolution,
    gelu,
    layer_norm,
    linear,
    of,
    softmax,
)


def interpolated(values: np.ndarray, target: int, *, cubic: bool) -> np.ndarray:
    """Returns rows at another number of them, half-pixel centres, edges repeated."""
    size = len(values)
    result = np.zeros((target, *values.shape[1:]))
    for row in range(target):
        place = (row + 0.5) * size / target - 0.5
        first = int(np.floor(place))
        t = place - first
        if cubic:
            weights = [_cubic(1 + t), _cubic(t), _cubic(1 - t), _cubic(2 - t)]
            indices = range(first - 1, first + 3)
        else:
            weights, indices = [1 - t, t], range(first, first + 2)
        for weight, index in zip(weights, indices, strict=True):
            result[row] += weight * values[min(max(index, 0), size - 1)]
    return result


def _cubic(x: float) -> float:
    if x <= 1:
        return 1.25 * x**3 - 2.25 * x**2 + 1
    return -0.75 * x**3 + 3.75 * x**2 - 6 * x + 3


def _grid(table: np.ndarray, height: int, width: int, *, cubic: bool) -> np.ndarray:
    """Returns positions [side, side, c] for height x width patches."""
    rows = interpolated(table, height, cubic=cubic)
    return interpolated(rows.swapaxes(0, 1), width, cubic=cubic).swapaxes(0, 1)


def _embedded(image: Image, params: Params) -> Image:
    """Returns the patches [h, w, c]."""
    side = params["patch_embed.proj.weight"].shape[2]
    x = image.astype(np.float64).transpose(2, 0, 1)
    return convolution(x, params, "patch_embed.proj", side).transpose(1, 2, 0)


def _heads(x: Tokens, params: Params, name: str, heads: int) -> list[np.ndarray]:
    """Returns queries, keys and values [3, tokens, channels] of every head."""
    parts = np.split(linear(x, params, f"{name}.qkv"), 3, axis=1)
    return [
        np.stack([np.split(part, heads, axis=1)[head] for part in parts])
        for head in range(heads)
    ]


def _mlp(x: Tokens, params: Params, first: str, second: str) -> Tokens:
    return linear(gelu(linear(x, params, first)), params, second)


def dinov2(image: Image, params: Params, heads: int, depth: int) -> list[Image]:
    """Returns the patches' tokens after every block, [h, w, c] each."""
    x = _embedded(image, params)
    height, width, channels = x.shape
    places = of(params, "pos_embed")[0]
    side = int(np.sqrt(len(places) - 1))
    grid = places[1:].reshape(side, side, channels)
    x = x + _grid(grid, height, width, cubic=True)
    first = of(params, "cls_token")[0] + places[:1]
    x = np.concatenate([first, x.reshape(-1, channels)])
    result = []
    for index in range(depth):
        name = f"blocks.{index}"
        mixed = []
        y = layer_norm(x, params, f"{name}.norm1")
        for q, k, v in _heads(y, params, f"{name}.attn", heads):
            mixed.append(softmax(q @ k.T / np.sqrt(q.shape[1])) @ v)
        y = linear(np.concatenate(mixed, axis=1), params, f"{name}.attn.proj")
        x = x + y * of(params, f"{name}.ls1.gamma")
        y = layer_norm(x, params, f"{name}.norm2")
        y = _mlp(y, params, f"{name}.mlp.fc1", f"{name}.mlp.fc2")
        x = x + y * of(params, f"{name}.ls2.gamma")
        result.append(x[1:].reshape(height, width, channels))
    return result


def _sam_attention(x: Image, params: Params, name: str, heads: int) -> Image:
    """Returns attention of [h, w, c] to itself."""
    height, width, channels = x.shape
    down, across = (
        interpolated(of(params, f"{name}.rel_pos_{axis}"), 2 * n - 1, cubic=False)
        for axis, n in (("h", height), ("w", width))
    )
    mixed = []
    for q, k, v in _heads(x.reshape(-1, channels), params, name, heads):
        agreement = q @ k.T / np.sqrt(q.shape[1])
        for one, other in np.ndindex(agreement.shape):
            (i, j), (m, n) = divmod(one, width), divmod(other, width)
            place = down[i - m + height - 1] + across[j - n + width - 1]
            agreement[one, other] += q[one] @ place
        mixed.append(softmax(agreement) @ v)
    y = linear(np.concatenate(mixed, axis=1), params, f"{name}.proj")
    return y.reshape(x.shape)


def sam(
    image: Image,
    params: Params,
    heads: int,
    depth: int,
    everywhere: Sequence[int],
    window: int,
) -> Image:
    """Returns the neck's output, [h, w, c]."""
    x = _embedded(image, params)
    height, width, channels = x.shape
    x = x + _grid(of(params, "pos_embed")[0], height, width, cubic=False)
    for index in range(depth):
        name = f"blocks.{index}"
        y = layer_norm(x, params, f"{name}.norm1")
        if index in everywhere:
            x = x + _sam_attention(y, params, f"{name}.attn", heads)
        else:
            for i in range(0, height, window):
                for j in range(0, width, window):
                    part = np.zeros((window, window, channels))
                    inside = y[i : i + window, j : j + window]
                    rows, columns, _ = inside.shape
                    part[:rows, :columns] = inside
                    part = _sam_attention(part, params, f"{name}.attn", heads)
                    x[i : i + rows, j : j + columns] += part[:rows, :columns]
        y = layer_norm(x, params, f"{name}.norm2")
        x = x + _mlp(y, params, f"{name}.mlp.lin1", f"{name}.mlp.lin2")
    x = convolution(x.transpose(2, 0, 1), params, "neck.0").transpose(1, 2, 0)
    x = layer_norm(x, params, "neck.1").transpose(2, 0, 1)
    x = convolution(x, params, "neck.2", padding=1).transpose(1, 2, 0)
    return layer_norm(x, params, "neck.3")
