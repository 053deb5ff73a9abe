"""Every command that computes says in one sentence when JAX finds no device."""

import pathlib
import types

import jax
import pytest

from jaxsplat import data
from jaxsplat.commands import degrade, fit, flags, inspect, mad, pose

SAMPLE = str(data.sample_dir() / "01Penguin")


@pytest.mark.parametrize("command", [degrade, fit, inspect, mad, pose])
def test_a_command_without_a_device_ends_in_one_line(
    command: types.ModuleType,
    tmp_path: pathlib.Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    def devices() -> list[jax.Device]:
        # What JAX raises for a platform whose plugin is not installed.
        raise AssertionError

    monkeypatch.setattr(jax, "devices", devices)
    monkeypatch.setenv("JAX_PLATFORMS", "cuda")
    out = f"--out={tmp_path / 'out'}"
    given = {
        degrade: [f"--data_dir={SAMPLE}", out, "--kinds=noise_3"],
        inspect: [f"--detector={tmp_path}", f"--images={SAMPLE}/test/good"],
    }.get(command, [f"--data_dir={SAMPLE}", out])
    with pytest.raises(SystemExit) as ended:
        flags.run(command.main, command.Config, ["command", *given])
    assert ended.value.code == 1
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith("error: JAX finds no device to run on")
    assert "(JAX_PLATFORMS='cuda'): what that platform needs is not installed" in line
    assert line.endswith("set JAX_PLATFORMS=cpu to run on the processor")
