"""Times feature extraction and the two ways to compute a depthwise convolution.

    python -m experiments.bench_features

Prints one JSON object: medians in milliseconds, with device and versions.
"""

import json
import statistics
import sys
import time
from collections.abc import Callable

import jax
import jax.numpy as jnp
import numpy as np
from absl import app, flags
from jax import Array, lax

from jaxsplat import features
from jaxsplat.features import architecture, layers, network


def median_ms(run: Callable[[], object], repeats: int) -> float:
    """Returns the median time of a call, after one call that compiles."""
    jax.block_until_ready(run())
    times = []
    for _ in range(repeats):
        start = time.perf_counter()
        jax.block_until_ready(run())
        times.append(time.perf_counter() - start)
    return round(1e3 * statistics.median(times), 2)


def _grouped(weight: Array, x: Array, stride: int) -> Array:
    return lax.conv_general_dilated(
        x,
        weight,
        (stride, stride),
        "SAME",
        dimension_numbers=("NHWC", "HWIO", "NHWC"),
        feature_group_count=x.shape[-1],
        precision=lax.Precision.HIGHEST,
    )


def _shifted(weight: Array, x: Array, stride: int) -> Array:
    window = architecture.Window(weight.shape[0], stride, None)
    layer = layers.DepthwiseConv(x.shape[-1], window)
    layer.weight[...] = weight
    return layer(x)


def depthwise_ms(batch: int, side: int, repeats: int) -> dict[str, float]:
    """Returns the time of all depthwise convolutions of Lite0, computed either way."""
    config = network.CONFIGS["efficientnet_lite0"]
    rng = np.random.default_rng(0)
    result = {}
    for name, function in dict(shifted=_shifted, grouped=_grouped).items():
        compiled = jax.jit(function, static_argnames="stride")
        size, total = -(-side // 2), 0.0
        for block in architecture.blocks(config):
            channels, window = block.inputs * block.expand, block.window
            shape = (batch, size, size, channels)
            x = jnp.asarray(rng.normal(size=shape), dtype=jnp.float32)
            weight = jnp.ones((window.side, window.side, 1, channels))
            total += median_ms(
                lambda: compiled(weight, x, stride=window.stride), repeats
            )
            size = architecture.output_size(size, window)
        result[name] = round(total, 2)
    return result


def _define_flags() -> None:
    # Not on import: absl refuses a flag that two imported modules define.
    flags.DEFINE_integer("size", 224, "Side of the images in pixels.", 16)
    flags.DEFINE_integer("batch", 2, "Number of images.", 1)
    flags.DEFINE_integer("repeats", 7, "Timed runs, of which the median.", 1)


def main(argv: list[str]) -> None:
    if len(argv) > 1:
        raise app.UsageError(f"unexpected argument {argv[1]!r}")
    batch, size, repeats = (
        flags.FLAGS[name].value for name in ("batch", "size", "repeats")
    )
    shape = (batch, size, size, 3)
    images = jnp.asarray(np.random.default_rng(0).uniform(size=shape), jnp.float32)
    net = features.load_network()
    result = {
        "device": jax.devices()[0].device_kind,
        "python": sys.version.split()[0],
        "jax": jax.__version__,
        "batch": batch,
        "size": size,
        "extract_lite0_ms": median_ms(lambda: features.extract(net, images), repeats),
        "depthwise_ms": depthwise_ms(batch, size, repeats),
    }
    print(json.dumps(result, indent=2))


if __name__ == "__main__":
    _define_flags()
    app.run(main)
