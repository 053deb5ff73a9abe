"""The command that degrades an object's folder."""

import pathlib

import pytest

from jaxsplat import data
from jaxsplat.commands import degrade, flags
from jaxsplat.errors import ConfigError
from tests.helpers import datasets


@pytest.fixture
def source(tmp_path: pathlib.Path) -> pathlib.Path:
    return datasets.write_mad(tmp_path / "part", width=40, height=24)


def run(*arguments: str) -> int:
    with pytest.raises(SystemExit) as end:
        flags.run(degrade.main, degrade.Config, ["degrade", *arguments])
    return int(end.value.code or 0)


def test_the_command_writes_a_set_that_loads(
    source: pathlib.Path, tmp_path: pathlib.Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "out"
    code = run(
        f"--data_dir={source}",
        f"--out={out}",
        "--kinds=noise_3,jpeg",
        "--apply_to=test",
        "--seed=4",
    )
    assert code == 0
    assert "6 photographs degraded (noise_3, jpeg)" in capsys.readouterr().out
    found = data.load_object(out)
    assert {view.name.endswith(".jpg") for view in found.test} == {True}
    assert {view.name.endswith(".png") for view in found.train} == {True}
    assert "seed: 4" in (out / "degraded.txt").read_text()


def test_clutter_is_cut_from_photographs(
    source: pathlib.Path, tmp_path: pathlib.Path
) -> None:
    outs = [tmp_path / "plain", tmp_path / "pasted"]
    for out, photographs in zip(outs, ((), (str(source / "train/good"),)), strict=True):
        config = degrade.Config(
            data_dir=str(source),
            out=str(out),
            kinds=("clutter",),
            photographs=photographs,
        )
        degrade.main(config)
    one, other = ((out / "test/good/0.png").read_bytes() for out in outs)
    assert one != other


def test_wrong_usage_ends_with_2_and_a_broken_set_with_1(
    source: pathlib.Path, tmp_path: pathlib.Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = f"--out={tmp_path / 'out'}"
    assert run(f"--data_dir={source}", out, "--kinds=fog") == 2
    assert "expected some of noise_1" in capsys.readouterr().err
    assert run(f"--data_dir={source}", out) == 2
    assert run(f"--data_dir={tmp_path / 'none'}", out, "--kinds=jpeg") == 1
    assert run(f"--data_dir={source}", f"--out={source}", "--kinds=jpeg") == 1
    assert "choose a folder outside" in capsys.readouterr().err
    with pytest.raises(ConfigError, match="found none"):
        degrade.Config(data_dir="a", out="b")
    assert not (tmp_path / "out").exists()


def test_the_checkout_starts_it() -> None:
    from experiments import degrade as started

    assert started.degrade is degrade
