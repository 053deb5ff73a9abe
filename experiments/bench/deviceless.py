"""Compiles whole programs for an NVIDIA GPU on a machine that needs none.

XLA compiles from a description of the device alone, with JAX's CUDA plugin and the
tools of two of NVIDIA's packages (180 MB in all; the versions must be those of `jax`):

    pip install --no-deps jax-cuda12-plugin==0.10.2 jax-cuda12-pjrt==0.10.2 \
        nvidia-cuda-nvcc-cu12 nvidia-cuda-runtime-cu12

Programs cannot be run, and one that sorts by CUB is not even finished: its last step
asks a device. What is read here stands in the files that XLA writes before.
"""

import dataclasses
import importlib.util
import os
import pathlib
import re
import tempfile
import warnings
from collections.abc import Callable
from typing import Any

import jax
from jax.experimental import topologies

from experiments.bench import cubins, hlo, tracing
from jaxsplat.errors import ConfigError

# An H100 SXM: the Hopper for which XLA knows how much memory CUB's sorts take, the
# newest with the version of CUB that it asks for. An H200 has the same processors.
DEVICE = "NVIDIA H100 80GB HBM3"
_TARGET = f"""
platform_name: "CUDA"
device_description_str: "{DEVICE}"
runtime_version {{ major: 12 minor: 8 }}
dnn_version_info {{ major: 9 minor: 7 }}
gpu_device_info {{
  cub_version: "3.1.2"
  cuda_compute_capability {{ major: 9 }}
  threads_per_block_limit: 1024
  threads_per_warp: 32
  threads_per_core_limit: 2048
  shared_memory_per_block: 49152
  shared_memory_per_block_optin: 232448
  shared_memory_per_core: 233472
  registers_per_core_limit: 65536
  registers_per_block_limit: 65536
  core_count: 132
  fpus_per_core: 128
  block_dim_limit_x: 2147483647
  block_dim_limit_y: 65535
  block_dim_limit_z: 65535
  memory_bandwidth: 3352320000000
  l2_cache_size: 52428800
  clock_rate_ghz: 1.98
  device_memory_size: 84929347584
}}
"""
_NEEDS_A_DEVICE = "cudaErrorInvalidDevice"
_PLUGINS = ("jax_cuda12_plugin", "jax_cuda13_plugin")


def missing() -> str:
    """Returns why programs cannot be compiled here, "" where they can."""
    if not any(importlib.util.find_spec(plugin) for plugin in _PLUGINS):
        return "JAX's CUDA plugin is not installed"
    if os.environ.get("JAX_PLATFORMS") != "cpu":
        return "JAX_PLATFORMS=cpu is not set, without which the plugin asks for a GPU"
    return ""


def compile_program(
    function: Callable[..., Any], *arguments: Any, **options: str | bool
) -> hlo.Program:
    """Returns what XLA makes of a function for the GPU.

    Args:
        function: to be compiled, not yet jitted.
        arguments: arrays or `jax.ShapeDtypeStruct`s, or records of such.
        options: of XLA, by name.

    Raises:
        ConfigError: JAX's CUDA plugin is not installed.
    """
    if reason := missing():
        raise ConfigError(reason)
    sharding = _on_the_gpu()
    flat, leaves = tracing.flattened(function, *arguments)
    shapes = [
        jax.ShapeDtypeStruct(leaf.shape, leaf.dtype, sharding=sharding)
        for leaf in leaves
    ]
    with tempfile.TemporaryDirectory() as folder, warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        # What XLA chooses by timing kernels is not to be had.
        options |= {"xla_gpu_autotune_level": "0", "xla_gpu_enable_triton_gemm": False}
        with cubins.abstract_gpu():
            lowered = jax.jit(flat).lower(*shapes)
        try:
            lowered.compile(compiler_options={"xla_dump_to": folder, **options})
        except jax.errors.JaxRuntimeError as error:
            if _NEEDS_A_DEVICE not in str(error):
                raise
        (optimized,) = pathlib.Path(folder).glob("*gpu_after_optimizations.txt")
        (buffers,) = pathlib.Path(folder).glob("*buffer-assignment.txt")
        temporary = re.findall(
            r"size (\d+),(?: page \d+,)? preallocated-temp", buffers.read_text()
        )
        return dataclasses.replace(
            hlo.read(optimized.read_text()),
            temporary_bytes=sum(int(size) for size in temporary),
        )


def _on_the_gpu() -> jax.sharding.Sharding:
    jax.devices()  # loads the plugins
    topology = topologies.get_topology_desc(
        platform="cuda", target_config=_TARGET, topology="1x1x1"
    )
    mesh = topologies.make_mesh(topology, (1,), ("gpu",))
    return jax.sharding.NamedSharding(mesh, jax.sharding.PartitionSpec())
