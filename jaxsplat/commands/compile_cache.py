"""How commands compile: programs are kept between runs, and made in little time.

They are kept by JAX's own persistent cache.
"""

import hashlib
import importlib.util
import os
import pathlib
import platform

import jax
from jax import version

from jaxsplat.errors import ConfigError

# Words of `--compile_cache` that are no folder.
USUAL, NONE = "usual", "none"
# Programs that take less to compile are not worth a file.
_LEAST_SECONDS = 0.3
# What is told to XLA. Its newer emitters of fused loops take long to compile on a CPU
# (57 s of processor time for an inspection's three programs, 33 without) and gain
# nothing there: steps of a fit and photographs take the same time. JAX 0.11 has no
# others, and XLA ends a process that has a flag which it does not know.
_ON_CPU = "--xla_cpu_use_fusion_emitters=false"
_KNOWN_BEFORE = (0, 11)
# For each matrix product XLA compiles dozens of kernels by Triton and times them: three
# quarters of the 1,421 s of processor time of `experiments.mad` beside an H200. Without
# it the vendor's products are taken.
_ON_GPU = "--xla_gpu_enable_triton_gemm=false"
_GPU_PLUGINS = ("jax_cuda12_plugin", "jax_cuda13_plugin")

_used = USUAL


def use(where: str) -> None:
    """Keeps compiled programs in a folder from now on, and has them made quickly.

    A folder that cannot be written to is read all the same, and a damaged file is
    compiled anew: JAX warns and goes on. Each kind of processor has its own programs,
    so a folder may be shared between machines.

    Args:
        where: `USUAL` for the user's cache folder, or the one that
            `JAX_COMPILATION_CACHE_DIR` names; `NONE` for no cache; or a folder.

    Raises:
        ConfigError: a folder that was asked for cannot be made.
    """
    global _used
    _used = where
    _tell_xla()
    if where == NONE or (where == USUAL and _is_set()):
        jax.config.update("jax_enable_compilation_cache", where != NONE)
        return
    folder = _usual() if where == USUAL else pathlib.Path(where)
    folder = folder / _processor()
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        if where == USUAL:
            return
        raise ConfigError(
            f"compile_cache: {folder} cannot be made ({error.strerror}); name another "
            f"folder, or {NONE}"
        ) from error
    jax.config.update("jax_compilation_cache_dir", str(folder))
    jax.config.update("jax_persistent_cache_min_compile_time_secs", _LEAST_SECONDS)
    jax.config.update("jax_persistent_cache_min_entry_size_bytes", 0)


def used() -> str:
    """Returns what `use` was called with last, for other processes to do the same."""
    return _used


def _tell_xla() -> None:
    """Tells XLA, before it starts, how to compile, unless the user's flags say so.

    Of a GPU only where there may be one: flags are part of what tells kept programs
    apart.
    """
    flags = [_ON_CPU] if version.__version_info__ < _KNOWN_BEFORE else []
    if any(importlib.util.find_spec(name) for name in _GPU_PLUGINS):
        flags.append(_ON_GPU)
    told = os.environ.get("XLA_FLAGS", "")
    added = [flag for flag in flags if flag.partition("=")[0] not in told]
    os.environ["XLA_FLAGS"] = " ".join([told, *added]).strip()


def _is_set() -> bool:
    """Returns whether the environment or a caller has chosen a folder already."""
    return bool(getattr(jax.config, "jax_compilation_cache_dir"))


def _usual() -> pathlib.Path:
    """Returns the user's cache folder, as the XDG base directory rules have it."""
    base = os.environ.get("XDG_CACHE_HOME", "")
    home = pathlib.Path(base) if os.path.isabs(base) else pathlib.Path.home() / ".cache"
    return home / "jaxsplat" / "programs"


def _processor() -> str:
    """Returns a name of the processor's kind: its programs may not run on another."""
    kind = platform.machine() + platform.processor()
    try:
        lines = pathlib.Path("/proc/cpuinfo").read_text().splitlines()
        told = [line for line in lines if line.startswith(("flags", "Features"))]
        kind += told[0] if told else ""
    except OSError:
        pass
    return hashlib.sha256(kind.encode()).hexdigest()[:16]
