"""LightGlue in float64 NumPy, written from the paper, as an oracle.

Only keypoints that are real are given: what is hidden is not there. Attention is
written out head by head, and rotations as matrices, pair of channels by pair.
"""

import numpy as np

from tests.helpers.numpy_layers import (
    Params,
    Tokens,
    gelu,
    layer_norm,
    linear,
    of,
    softmax,
)


def _turned(x: Tokens, angles: Tokens) -> Tokens:
    """Returns each pair of neighbouring channels of each token turned (Eq. 3)."""
    result = np.zeros_like(x)
    for token in range(x.shape[0]):
        for pair in range(x.shape[1] // 2):
            a = angles[token, pair]
            turn = np.array([[np.cos(a), -np.sin(a)], [np.sin(a), np.cos(a)]])
            two = slice(2 * pair, 2 * pair + 2)
            result[token, two] = turn @ x[token, two]
    return result


def _updated(x: Tokens, message: Tokens, params: Params, name: str) -> Tokens:
    inner = linear(np.concatenate([x, message], 1), params, f"{name}.ffn.0")
    inner = gelu(layer_norm(inner, params, f"{name}.ffn.1", 1e-5))
    return x + linear(inner, params, f"{name}.ffn.3")


def _within(x: Tokens, angles: Tokens, params: Params, name: str, heads: int) -> Tokens:
    width = x.shape[1] // heads
    # Of each head the files have query, key and value of a channel side by side.
    every = linear(x, params, f"{name}.Wqkv").reshape(len(x), heads, width, 3)
    mixed = []
    for head in range(heads):
        query, key, value = (every[:, head, :, part] for part in range(3))
        agreement = _turned(query, angles) @ _turned(key, angles).T
        mixed.append(softmax(agreement / np.sqrt(width)) @ value)
    message = linear(np.concatenate(mixed, 1), params, f"{name}.out_proj")
    return _updated(x, message, params, name)


def _from(x: Tokens, other: Tokens, params: Params, name: str, heads: int) -> Tokens:
    """Returns the first image's tokens after what the other's told them (Eq. 5)."""
    keys = [np.split(linear(t, params, f"{name}.to_qk"), heads, 1) for t in (x, other)]
    values = np.split(linear(other, params, f"{name}.to_v"), heads, 1)
    mixed = []
    for own, theirs, value in zip(*keys, values, strict=True):
        mixed.append(softmax(own @ theirs.T / np.sqrt(own.shape[1])) @ value)
    message = linear(np.concatenate(mixed, 1), params, f"{name}.to_out")
    return _updated(x, message, params, name)


def probabilities(
    params: Params,
    depth: int,
    heads: int,
    places: list[Tokens],
    descriptors: list[Tokens],
) -> Tokens:
    """Returns the assignment [n, m] of two images' keypoints.

    Args:
        params: by published name.
        depth: number of layers.
        heads: of each attention.
        places: of both images, normalised.
        descriptors: of both images.
    """
    if "input_proj.weight" in params:
        descriptors = [linear(d, params, "input_proj") for d in descriptors]
    angles = [p @ of(params, "posenc.Wr.weight").T for p in places]
    x, y = descriptors
    for layer in range(depth):
        name = f"transformers.{layer}"
        x = _within(x, angles[0], params, f"{name}.self_attn", heads)
        y = _within(y, angles[1], params, f"{name}.self_attn", heads)
        cross = f"{name}.cross_attn"
        x, y = _from(x, y, params, cross, heads), _from(y, x, params, cross, heads)
    last = f"log_assignment.{depth - 1}"
    a, b = (linear(t, params, f"{last}.final_proj") for t in (x, y))
    similarity = a @ b.T / np.sqrt(a.shape[1])
    matchable = [
        1 / (1 + np.exp(-linear(t, params, f"{last}.matchability"))) for t in (x, y)
    ]
    both = softmax(similarity) * softmax(similarity.T).T
    return both * matchable[0] * matchable[1].T
