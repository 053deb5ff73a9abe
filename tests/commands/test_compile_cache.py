"""Where compiled programs are kept between runs."""

import os
import pathlib
import subprocess
import sys
import types

import jax
import pytest

from jaxsplat.commands import compile_cache
from jaxsplat.errors import ConfigError


class Config(types.SimpleNamespace):
    """Stands for `jax.config`: changing the real one would change other tests."""

    def update(self, name: str, value: object) -> None:
        setattr(self, name, value)


@pytest.fixture
def config(monkeypatch: pytest.MonkeyPatch, tmp_path: pathlib.Path) -> Config:
    found = Config(jax_compilation_cache_dir=None)
    monkeypatch.setattr(compile_cache, "jax", types.SimpleNamespace(config=found))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setenv("XLA_FLAGS", "--xla_theirs=1")
    return found


def test_the_users_cache_folder_is_the_usual_one(
    config: Config, tmp_path: pathlib.Path
) -> None:
    compile_cache.use(compile_cache.USUAL)
    folder = pathlib.Path(config.jax_compilation_cache_dir)
    assert folder.is_dir()
    assert folder.parent == tmp_path / "cache" / "jaxsplat" / "programs"


def test_each_kind_of_processor_has_a_folder_of_its_own(
    config: Config, tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = set()
    for machine in ("x86_64", "aarch64", "x86_64"):
        monkeypatch.setattr(compile_cache.platform, "machine", lambda: machine)
        compile_cache.use(str(tmp_path / "mine"))
        found.add(config.jax_compilation_cache_dir)
    assert len(found) == 2
    assert {pathlib.Path(name).parent for name in found} == {tmp_path / "mine"}


def test_no_cache_and_the_environments_own(config: Config) -> None:
    compile_cache.use(compile_cache.NONE)
    assert config.jax_compilation_cache_dir is None
    assert config.jax_enable_compilation_cache is False
    config.jax_compilation_cache_dir = "theirs"
    compile_cache.use(compile_cache.USUAL)
    assert config.jax_compilation_cache_dir == "theirs"
    assert config.jax_enable_compilation_cache is True


def test_a_folder_that_cannot_be_made_is_told_only_when_it_was_asked_for(
    config: Config, tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "file"
    file.write_text("")
    with pytest.raises(ConfigError, match="compile_cache: .* cannot be made"):
        compile_cache.use(str(file))
    monkeypatch.setenv("XDG_CACHE_HOME", str(file))
    compile_cache.use(compile_cache.USUAL)
    assert config.jax_compilation_cache_dir is None


# Newer ones do not know it.
CPU = ["--xla_cpu_use_fusion_emitters=false"][: jax.__version_info__ < (0, 11)]
GPU = "--xla_gpu_enable_triton_gemm=false"


def test_xla_compiles_quickly_unless_the_user_says_otherwise(
    config: Config, monkeypatch: pytest.MonkeyPatch
) -> None:
    def told(flags: str, *plugins: str) -> list[str]:
        monkeypatch.setattr(compile_cache, "_GPU_PLUGINS", plugins)
        monkeypatch.setenv("XLA_FLAGS", flags)
        for _ in range(2):
            compile_cache.use(compile_cache.NONE)
        return os.environ["XLA_FLAGS"].split()

    assert told("", "no_such_plugin") == CPU
    assert told("--xla_theirs=1", "no_such_plugin") == ["--xla_theirs=1", *CPU]
    assert told("", "no_such_plugin", "numpy") == [*CPU, GPU]
    theirs = ["--xla_gpu_enable_triton_gemm=true", "--xla_cpu_use_fusion_emitters=true"]
    assert told(" ".join(theirs), "numpy") == theirs


def test_a_command_tells_xla_before_it_starts() -> None:
    # XLA ends a process whose flags it does not know, when it first reads them.
    code = (
        "from jaxsplat.commands import compile_cache, fit, flags\n"
        "compile_cache._GPU_PLUGINS = ('numpy',)\n"
        "compile_cache._ON_GPU = '--xla_unheard_of=1'\n"
        "compile_cache.use('none')\n"
        "import jax\n"
        "jax.devices()\n"
    )
    ended = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=False
    )
    assert ended.returncode != 0 and "xla_unheard_of" in ended.stderr


def test_xla_knows_what_it_is_told() -> None:
    code = (
        "import os\n"
        "from jaxsplat.commands import compile_cache\n"
        "compile_cache._GPU_PLUGINS = ('numpy',)\n"
        "compile_cache.use('none')\n"
        "import jax\n"
        "jax.devices()\n"
        "print(os.environ['XLA_FLAGS'])\n"
    )
    # Nothing but what the command itself tells.
    place = {key: value for key, value in os.environ.items() if key != "XLA_FLAGS"}
    ended = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        check=False,
        env=place,
    )
    assert ended.returncode == 0, ended.stderr
    assert ended.stdout.split() == [*CPU, GPU]
