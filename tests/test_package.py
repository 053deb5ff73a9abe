"""The package as it is built, installed and called."""

import os
import pathlib
import re
import subprocess
import sys

import pytest

import jaxsplat
from jaxsplat.commands import entry

ROOT = pathlib.Path(__file__).parents[1]


def test_the_version_stands_in_one_place() -> None:
    assert "version = attr: jaxsplat.__version__\n" in (ROOT / "setup.cfg").read_text()
    newest = re.search(r"^## (\S+)", (ROOT / "CHANGELOG.md").read_text(), re.MULTILINE)
    assert newest is not None and newest.group(1) == jaxsplat.__version__


def test_every_command_of_the_checkout_is_one_of_the_package() -> None:
    started = re.compile(r"flags\.run\((\w+)\.main, \1\.Config\)")
    sources = [path.read_text() for path in (ROOT / "experiments").glob("*.py")]
    names = {name for source in sources for name in started.findall(source)}
    assert names == set(entry.COMMANDS)
    for name in entry.COMMANDS:
        source = (ROOT / "jaxsplat" / "commands" / f"{name}.py").read_text()
        assert "\ndef main(" in source and "\nclass Config" in source


@pytest.mark.parametrize(
    ("arguments", "code", "stream"),
    [([], 2, "err"), (["no_such"], 2, "err"), (["--help"], 0, "out")],
)
def test_the_list_of_commands_is_shown(
    capsys: pytest.CaptureFixture[str], arguments: list[str], code: int, stream: str
) -> None:
    with pytest.raises(SystemExit) as ended:
        entry.main(["jaxsplat", *arguments])
    assert ended.value.code == code
    shown = getattr(capsys.readouterr(), stream)
    assert shown.startswith(f"jaxsplat {' | '.join(entry.COMMANDS)} [flags]")


def test_a_command_has_the_flags_that_follow(
    capsys: pytest.CaptureFixture[str],
) -> None:
    with pytest.raises(SystemExit) as ended:
        entry.main(["jaxsplat", "fit", "--help"])
    assert ended.value.code == 0
    assert "Flags of jaxsplat fit:" in capsys.readouterr().out


@pytest.mark.slow
def test_the_wheel_of_the_source_package_works_anywhere(
    tmp_path: pathlib.Path,
) -> None:
    def python(name: str) -> pathlib.Path:
        subprocess.run([sys.executable, "-m", "venv", tmp_path / name], check=True)
        return tmp_path / name / "bin"

    builder, fresh = python("builder"), python("fresh")
    pip = ["-m", "pip", "install", "--quiet"]
    subprocess.run([builder / "python", *pip, "build"], check=True)
    build = ["-m", "build", "--outdir", tmp_path, ROOT]
    subprocess.run([builder / "python", *build], check=True)
    (wheel,) = tmp_path.glob("*.whl")
    subprocess.run([fresh / "python", *pip, wheel], check=True)
    out = tmp_path / "run"
    done = subprocess.run(
        [
            *(fresh / "jaxsplat", "mad", f"--out={out}", "--preset=fast"),
            *("--size=64", "--max_queries=2", "--fit_seconds=60"),
        ],
        cwd="/",
        env={key: v for key, v in os.environ.items() if key != "PYTHONPATH"},
        check=False,
    )
    assert done.returncode == 0
    assert "Where the object is" in (out / "report.html").read_text()
