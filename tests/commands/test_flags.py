"""Command lines: what is accepted, and how a command ends."""

import dataclasses
import os
import pathlib
import signal
import subprocess
import sys
import time
from typing import Literal

import jax.numpy as jnp
import pytest
from absl import flags as absl_flags

from jaxsplat.commands import endings, flags, pose, sparse_views, steps, timing
from jaxsplat.errors import ConfigError, DataError, NumericsError

ROOT = pathlib.Path(__file__).parents[2]
COMMAND = """
import dataclasses
import sys

from absl import logging
from jaxsplat.commands import flags


@dataclasses.dataclass(frozen=True)
class Config:
    mode: str = flags.option("", "what to do")


def main(config: Config) -> None:
    print(config)
    if config.mode == "print":
        for _ in range(100_000):
            print("result")
    if config.mode == "warn":
        logging.warning("a remark")
    if config.mode == "wait":
        sys.stdout.flush()
        sys.stdin.read()


if __name__ == "__main__":
    flags.run(main, Config)
"""


@dataclasses.dataclass(frozen=True)
class Everything:
    """A field of every kind that a flag can hold."""

    name: str
    kind: Literal["a", "b"] = flags.option("a", "a kind")
    count: int = flags.option(3, "a number", lower=0, upper=9)
    limit: int | None = None
    rate: float = flags.option(0.5, "a rate", free=True)
    on: bool = True
    words: tuple[str, ...] = dataclasses.field(default_factory=lambda: ("x", "y"))
    numbers: tuple[int, ...] = flags.option((1, 2), "numbers", lower=1, upper=9)

    def __post_init__(self) -> None:
        if self.name == "bad":
            raise ConfigError("name: found 'bad'")


def parsed(*arguments: str) -> Everything:
    values = absl_flags.FlagValues()
    flags.define(Everything, values)
    values(["program", *arguments])
    return flags.read(Everything, values)


@pytest.fixture
def command(tmp_path: pathlib.Path) -> list[str]:
    """Returns the start of a command line that runs the small experiment."""
    (tmp_path / "command.py").write_text(COMMAND)
    return [sys.executable, str(tmp_path / "command.py")]


def started(command: list[str], *arguments: str) -> subprocess.Popen[str]:
    folder = pathlib.Path(command[1]).parent
    return subprocess.Popen(
        [*command, *arguments],
        cwd=folder,
        env={
            "PYTHONPATH": str(ROOT),
            "JAX_PLATFORMS": "cpu",
            "LC_ALL": "C",
            "PYTHONIOENCODING": "ascii",
        },
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def test_defaults_and_every_kind_of_value() -> None:
    assert parsed("--name=n") == Everything("n")
    assert parsed(
        "--name=n",
        "--kind=b",
        "--count=9",
        "--limit=4",
        "--rate=1e-3",
        "--noon",
        "--words=p,q",
        "--numbers=3,9",
    ) == Everything("n", "b", 9, 4, 1e-3, False, ("p", "q"), (3, 9))
    assert parsed("--name=n", "--words=").words == ()


@pytest.mark.parametrize(
    ("argument", "words"),
    [
        ("--nmae=n", "Did you mean: name"),
        ("--kind=c", "one of <a|b>"),
        ("--count=10", "count=10"),
        ("--count=-1", "count=-1"),
        ("--count=many", "count=many"),
        ("--numbers=1,many", "expected whole numbers, 1 or more, 9 at most"),
        ("--numbers=0", "whole numbers"),
        ("--numbers=1_0", "whole numbers"),
        ("--numbers=10", "whole numbers"),
        ("--rate=nan", "finite"),
        ("--rate=inf", "finite"),
        ("--on=perhaps", "on=perhaps"),
        ("--name=m", "already defined"),
        ("--flagfile=/no/such/file", "Unable to open flagfile"),
    ],
)
def test_wrong_flags_are_refused(argument: str, words: str) -> None:
    with pytest.raises(absl_flags.Error, match=words):
        parsed("--name=n", argument)


@pytest.mark.parametrize(
    ("config_class", "argument"),
    [
        (sparse_views.Config, "--shares=20,0"),
        (sparse_views.Config, "--shares=101"),
        (steps.Config, "--steps=-1"),
        (timing.Config, "--batches=none"),
        (pose.Config, "--batches=1,x"),
    ],
)
def test_numbers_of_a_sweep_are_checked(config_class: type, argument: str) -> None:
    values = absl_flags.FlagValues()
    flags.define(config_class, values)
    with pytest.raises(absl_flags.Error, match="expected whole numbers"):
        values(["program", argument])


def test_a_required_flag_must_be_given() -> None:
    with pytest.raises(absl_flags.Error, match="name"):
        parsed()


def test_a_type_that_no_flag_holds_is_a_mistake_of_ours() -> None:
    bad = dataclasses.make_dataclass("Bad", [("points", dict[str, int])])
    with pytest.raises(TypeError, match="points: no flag can hold"):
        flags.define(bad, absl_flags.FlagValues())


def test_free_fields_are_those_marked_free() -> None:
    assert flags.free_fields(Everything) == {"rate"}


def ran(*arguments: str) -> tuple[int | str | None, list[Everything]]:
    """Returns the exit code and the configs that `main` was called with."""
    seen: list[Everything] = []
    with pytest.raises(SystemExit) as ended:
        flags.run(seen.append, Everything, ["mad.py", *arguments])
    return ended.value.code, seen


@pytest.mark.parametrize(
    ("argument", "words"),
    [
        ("--knid=a", "Did you mean: kind"),
        ("--name=bad", "name: found 'bad'"),
        ("stray", "unexpected argument 'stray'"),
        ("--kind=c", "one of <a|b>"),
    ],
)
def test_wrong_usage_exits_2_in_one_line(
    argument: str, words: str, capsys: pytest.CaptureFixture[str]
) -> None:
    name = [] if argument.startswith("--name") else ["--name=n"]
    assert ran(*name, argument) == (2, [])
    out, err = capsys.readouterr()
    assert words in err and err.count("\n") == 1 and out == ""


def test_help_lists_the_flags_and_exits_0(capsys: pytest.CaptureFixture[str]) -> None:
    assert ran("--help") == (0, [])
    out, err = capsys.readouterr()
    assert "Flags of mad:" in out and err == ""
    assert "--name:  (required)" in out
    assert "--kind: a kind (a | b; default a)" in out
    assert "--[no]on:  (default True)" in out
    assert "(default x,y)" in out


def test_main_gets_the_config() -> None:
    assert ran("--name=n", "--count", "5") == (0, [Everything("n", count=5)])


@pytest.mark.parametrize("kind", [DataError, ConfigError, NumericsError])
def test_known_errors_are_one_printable_line(
    kind: type[Exception], capsys: pytest.CaptureFixture[str]
) -> None:
    def main() -> int:
        raise kind("a.json: frame 3\n has no \x1b[31mmatrix")

    assert endings.supervise(main, debug=False) == 1
    assert capsys.readouterr().err == "error: a.json: frame 3 has no ?[31mmatrix\n"
    with pytest.raises(kind):
        endings.supervise(main, debug=True)


def test_a_full_disk_is_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    def main() -> int:
        raise OSError(28, "No space left on device", "maps/0.png")

    assert endings.supervise(main, debug=False) == 1
    assert "No space left on device: 'maps/0.png'" in capsys.readouterr().err


def test_memory_that_runs_out_elsewhere_is_one_line(
    capsys: pytest.CaptureFixture[str],
) -> None:
    def main() -> int:
        jnp.zeros(1 << 46, jnp.uint8).block_until_ready()
        return 0

    assert endings.supervise(main, debug=False) == 1
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith("error: out of memory; a smaller --size needs less: ")


def test_other_errors_keep_their_traceback() -> None:
    def main() -> int:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        endings.supervise(main, debug=False)


@pytest.mark.parametrize(("returned", "code"), [(None, 0), (0, 0), (3, 3)])
def test_the_command_may_choose_its_exit_code(returned: int | None, code: int) -> None:
    assert endings.supervise(lambda: returned, debug=False) == code


@pytest.mark.parametrize(
    ("number", "code"),
    [(signal.SIGINT, 130), (signal.SIGTERM, 143), (signal.SIGHUP, 129)],
)
def test_an_interrupted_run_says_so_in_one_line(
    number: signal.Signals, code: int, capsys: pytest.CaptureFixture[str]
) -> None:
    # A shell's background job starts with Ctrl-C ignored, and so would this test be.
    usual = signal.default_int_handler if number == signal.SIGINT else signal.SIG_DFL
    before = signal.signal(number, usual)

    def main() -> None:
        os.kill(os.getpid(), number)
        time.sleep(60)

    try:
        assert endings.supervise(main, debug=False) == code
        if number != signal.SIGINT:
            assert signal.getsignal(number) == signal.SIG_DFL, (
                "a second one ends at once"
            )
    finally:
        signal.signal(number, before)
    err = capsys.readouterr().err
    assert err == "interrupted; what was finished is kept, the same command goes on\n"


def test_what_nohup_ignores_stays_ignored() -> None:
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        assert (
            endings.supervise(lambda: os.kill(os.getpid(), signal.SIGHUP), False) == 0
        )
    finally:
        signal.signal(signal.SIGHUP, before)


def test_a_whole_command_is_quiet_in_any_locale(command: list[str]) -> None:
    with started(command, "--mode=Größe") as process:
        out, err = process.communicate()
    assert (process.returncode, err) == (0, "")
    assert out.startswith("Config(mode='Gr")


def test_a_remark_is_one_line(command: list[str]) -> None:
    with started(command, "--mode=warn") as process:
        _, words = process.communicate(timeout=60)
    (line,) = words.splitlines()
    assert line.endswith("] a remark")


def test_a_terminated_command_ends_with_143(command: list[str]) -> None:
    with started(command, "--mode=wait") as process:
        assert process.stdout and process.stderr
        process.stdout.readline()
        process.send_signal(signal.SIGTERM)
        assert process.wait() == 143
        assert "is kept" in process.stderr.read()


def test_a_reader_that_leaves_causes_no_traceback(command: list[str]) -> None:
    with started(command, "--mode=print") as process:
        assert process.stdout and process.stderr
        process.stdout.readline()
        process.stdout.close()
        assert process.stderr.read() == ""
        assert process.wait() == 128 + signal.SIGPIPE


@dataclasses.dataclass(frozen=True)
class TwoPlaces:
    """Two fields that are given without the flags' names."""

    first: str = flags.option(dataclasses.MISSING, "a place", positional=True)
    second: str = flags.option(dataclasses.MISSING, "another", positional=True)
    out: str = "x"


@pytest.mark.parametrize(
    "words",
    [
        ["a", "b", "--out=c"],
        ["--out=c", "a", "b"],
        ["--out", "c", "--second=b", "a"],
        ["--first=a", "--second=b", "--out=c"],
    ],
)
def test_words_without_a_flag_are_taken_in_order(words: list[str]) -> None:
    found: list[TwoPlaces] = []
    with pytest.raises(SystemExit) as end:
        flags.run(found.append, TwoPlaces, ["command", *words])
    assert end.value.code == 0 and found == [TwoPlaces("a", "b", "c")]


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["a"], "second: found none, expected it as an argument"),
        (["a", "b", "c"], "unexpected argument 'c'"),
    ],
)
def test_too_few_and_too_many_words_are_told(
    words: list[str], told: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as end:
        flags.run(lambda config: None, TwoPlaces, ["command", *words])
    assert end.value.code == 2 and told in capsys.readouterr().err
