"""Compiles Pallas kernels for NVIDIA GPUs on a machine that needs none.

JAX lowers a kernel to Triton's language without a device; the `triton` package holds
the compiler from there to machine code, and the tools that describe it. Where the
package is not installed, nothing here works and `missing` says so.
"""

import dataclasses
import importlib.util
import pathlib
import re
import subprocess
import tempfile
import warnings
from collections.abc import Callable, Iterator
from typing import Any
from unittest import mock

import jax

from experiments.bench import tracing
from jaxsplat.errors import ConfigError

THREADS = 32  # of a warp


@dataclasses.dataclass(frozen=True)
class Cubin:
    """What the compiler made of one kernel.

    Attributes:
        registers: of a thread.
        spills: bytes of a thread's stack, to which registers did not fit.
        shared: bytes of shared memory of a program.
        instructions: in the body of its inner loop, which takes one splat; 0 where no
            loop evaluates an exponential.
    """

    registers: int
    spills: int
    shared: int
    instructions: int


def missing() -> str:
    """Returns why kernels cannot be compiled here, "" where they can."""
    if importlib.util.find_spec("triton") is None:
        return "the package triton is not installed"
    return ""


def lower(function: Callable[..., Any], *arguments: Any) -> dict[str, str]:
    """Returns the Triton code of all kernels of a function, by name.

    Nothing is run; the arguments may be `jax.ShapeDtypeStruct`s.
    """
    # A private hook: Triton's code is otherwise only found encoded in XLA's program.
    from jax._src.pallas.triton import pallas_call_registration as registration

    found: dict[str, str] = {}
    original = registration.lowering.lower_jaxpr_to_triton_module

    def record(*args: Any, **options: Any) -> Any:
        result = original(*args, **options)
        code = result.module.operation.get_asm(enable_debug_info=False)
        found[re.search(r"tt\.func public @(\w+)", code)[1]] = code  # type: ignore
        return result

    with mock.patch.object(
        registration.lowering, "lower_jaxpr_to_triton_module", record
    ):
        for_cuda(function, *arguments)
    return found


def for_cuda(function: Callable[..., Any], *arguments: Any) -> str:
    """Returns XLA's program for an NVIDIA GPU, lowered on any machine."""
    flat, leaves = tracing.flattened(function, *arguments)
    with abstract_gpu(), warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        traced = jax.jit(flat).trace(*leaves)
        return traced.lower(lowering_platforms=("cuda",)).as_text()


def abstract_gpu() -> Any:
    """Returns a context in which newer JAX knows what GPU to lower for."""
    sharding = jax.sharding
    device = sharding.AbstractDevice(
        device_kind="NVIDIA H200", num_cores=132, platform="gpu"
    )
    mesh = sharding.AbstractMesh((), (), abstract_device=device)
    return sharding.use_abstract_mesh(mesh)


def build(code: str, capability: int, warps: int) -> Cubin:
    """Returns what a kernel's Triton code becomes for one architecture.

    Args:
        code: from `lower`.
        capability: of the architecture, such as 90 for sm_90.
        warps: of a program.

    Raises:
        ConfigError: the compiler's package is not installed.
    """
    if reason := missing():
        raise ConfigError(reason)
    import triton
    from triton.backends.compiler import GPUTarget

    with tempfile.TemporaryDirectory() as folder:
        source = pathlib.Path(folder) / "kernel.ttir"
        source.write_text(code)
        kernel = triton.compile(
            str(source),
            target=GPUTarget("cuda", capability, THREADS),
            options={"num_warps": warps, "num_stages": 1},
        )
        binary = pathlib.Path(folder) / "kernel.cubin"
        binary.write_bytes(kernel.asm["cubin"])
        usage = _tool("--dump-resource-usage", binary)
        machine_code = _tool("--dump-sass", binary)
    return Cubin(
        registers=_number(r"REG:(\d+)", usage),
        spills=_number(r"STACK:(\d+)", usage) + _number(r"LOCAL:(\d+)", usage),
        shared=int(kernel.metadata.shared),
        instructions=inner_loop(machine_code),
    )


def _tool(option: str, binary: pathlib.Path) -> str:
    import triton

    tools = pathlib.Path(triton.__file__).parent / "backends" / "nvidia" / "bin"
    command = [str(tools / "cuobjdump"), option, str(binary)]
    environment = {"PATH": str(tools)}
    return subprocess.run(
        command, check=True, capture_output=True, text=True, env=environment
    ).stdout


def _number(pattern: str, text: str) -> int:
    match = re.search(pattern, text)
    if match is None:
        raise ConfigError(f"the compiler's report holds no {pattern}")
    return int(match[1])


def inner_loop(machine_code: str) -> int:
    """Returns the instructions of the shortest loop that evaluates an exponential.

    In these kernels it takes one splat at each of a thread's pixels. 0 where there is
    none.
    """
    addresses, texts = zip(*_instructions(machine_code), strict=True)
    lengths = []
    for place, text in enumerate(texts):
        jump = re.search(r"\bBRA\S* .*?0x([0-9a-f]+)", text)
        if jump and int(jump[1], 16) <= addresses[place]:
            body = texts[addresses.index(int(jump[1], 16)) : place + 1]
            if any("MUFU.EX2" in line for line in body):
                lengths.append(len(body))
    return min(lengths, default=0)


def _instructions(machine_code: str) -> Iterator[tuple[int, str]]:
    for line in machine_code.splitlines():
        match = re.match(r"\s*/\*([0-9a-f]{4,})\*/\s+(.*?);", line)
        if match:
            yield int(match[1], 16), match[2]
