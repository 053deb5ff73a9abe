"""Times feature extraction and the two ways to compute a depthwise convolution.

    python -m experiments.bench.features

Prints one JSON object: medians in milliseconds, with device and versions.
"""

import dataclasses
import json
import statistics
import sys
import time
from collections.abc import Callable

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array, lax

from jaxsplat import features
from jaxsplat.commands import flags
from jaxsplat.features import architecture, layers


@dataclasses.dataclass(frozen=True)
class Config:
    """The command's settings; what they mean stands in their help."""

    size: int = flags.option(224, "side of the images in pixels", lower=16)
    batch: int = flags.option(2, "number of images", lower=1)
    repeats: int = flags.option(7, "timed runs, of which the median counts", lower=1)


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


def depthwise_ms(config: Config) -> dict[str, float]:
    """Returns the time of all depthwise convolutions of Lite0, computed either way."""
    lite0 = features.load_network().config
    assert isinstance(lite0, architecture.EfficientNetConfig)
    rng = np.random.default_rng(0)
    result = {}
    for name, function in dict(shifted=_shifted, grouped=_grouped).items():
        compiled = jax.jit(function, static_argnames="stride")
        size, total = -(-config.size // 2), 0.0
        for block in architecture.blocks(lite0):
            channels, window = block.inputs * block.expand, block.window
            shape = (config.batch, size, size, channels)
            x = jnp.asarray(rng.normal(size=shape), dtype=jnp.float32)
            weight = jnp.ones((window.side, window.side, 1, channels))
            total += median_ms(
                lambda: compiled(weight, x, stride=window.stride), config.repeats
            )
            size = architecture.output_size(size, window)
        result[name] = round(total, 2)
    return result


def main(config: Config) -> None:
    shape = (config.batch, config.size, config.size, 3)
    images = jnp.asarray(np.random.default_rng(0).uniform(size=shape), jnp.float32)
    net = features.load_network()
    result = {
        "device": jax.devices()[0].device_kind,
        "python": sys.version.split()[0],
        "jax": jax.__version__,
        **dataclasses.asdict(config),
        "extract_lite0_ms": median_ms(
            lambda: features.extract(net, images), config.repeats
        ),
        "depthwise_ms": depthwise_ms(config),
    }
    print(json.dumps(result, indent=2))


if __name__ == "__main__":
    flags.run(main, Config)
