"""The progress line: there for a person, silent in a log, never in the way."""

import io
import os
import pty
import subprocess
import sys
import termios

import pytest

from jaxsplat.report import Progress
from jaxsplat.report import progress as progress_module


class Terminal(io.TextIOWrapper):
    """A stream that says that a person watches and keeps what is written."""

    def __init__(self, encoding: str = "utf-8") -> None:
        self.bytes = io.BytesIO()
        super().__init__(self.bytes, encoding=encoding, write_through=True)

    def isatty(self) -> bool:
        return True

    @property
    def text(self) -> str:
        return self.bytes.getvalue().decode(self.encoding)


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """Returns a list whose only number is the time that the line sees."""
    now = [100.0]
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setattr(progress_module.time, "monotonic", lambda: now[0])
    return now


def test_the_line_tells_object_stage_step_numbers_and_rest(clock: list[float]) -> None:
    terminal = Terminal()
    with Progress(terminal) as progress:
        progress.begin("01Penguin", 1, 3)
        progress.update("fit", 0, 200)
        clock[0] += 50
        progress.update("fit", 50, 200, psnr=31.234, gaussians=4096, views=7)
        line = terminal.text.split("\r\x1b[K")[-1]
    assert line == (
        "01Penguin 1/3  fit  50/200  PSNR 31.23  4,096 Gaussians  views 7  ETA 2:30"
    )
    assert terminal.text.endswith("\r\x1b[K")


def test_the_line_comes_at_most_ten_times_a_second(clock: list[float]) -> None:
    terminal = Terminal()
    progress = Progress(terminal)
    for step in range(100):
        progress.update("fit", step, 100)
    assert terminal.text.count("\r") == 1
    progress.update("fit", 100, 100)
    assert terminal.text.count("\r") == 2


def test_a_log_gets_nothing_but_notes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TERM", "xterm")
    log = io.StringIO()
    with Progress(log) as progress:
        progress.update("fit", 1, 2)
        progress.note("2 frames have no file")
    assert log.getvalue() == "2 frames have no file\n"


@pytest.mark.parametrize("term", ["dumb", None])
def test_a_dumb_terminal_gets_no_line(
    monkeypatch: pytest.MonkeyPatch, term: str | None
) -> None:
    monkeypatch.delenv("TERM", raising=False)
    if term:
        monkeypatch.setenv("TERM", term)
    terminal = Terminal()
    Progress(terminal).update("fit", 1, 2)
    assert terminal.text == ""


def test_a_quiet_run_shows_no_line(clock: list[float]) -> None:
    terminal = Terminal()
    Progress(terminal, enabled=False).update("fit", 1, 2)
    assert terminal.text == ""


@pytest.mark.parametrize("name", ["物体" * 40, "x" * 200, "a\x1b[2J\nb"])
def test_the_line_never_wraps_nor_carries_control_codes(
    clock: list[float], monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    monkeypatch.setattr(progress_module, "_columns", lambda stream: 20)
    terminal = Terminal()
    progress = Progress(terminal)
    progress.begin(name, 1, 1)
    progress.update("fit", 1, 2)
    line = terminal.text.removeprefix("\r\x1b[K")
    assert line.isprintable()
    assert sum(2 if ord(c) > 0x2E80 else 1 for c in line) <= 19


def test_an_ascii_terminal_takes_any_name(clock: list[float]) -> None:
    terminal = Terminal("ascii")
    progress = Progress(terminal)
    progress.begin("Größe 🐧", 1, 1)
    progress.update("fit", 1, 2)
    assert "Gr??e ? 1/1" in terminal.text


class Gone(Terminal):
    """A terminal whose window was closed; it counts what is still written to it."""

    writes = 0

    def write(self, text: str) -> int:
        self.writes += 1
        raise OSError("gone")


def test_a_closed_terminal_is_no_error(clock: list[float]) -> None:
    terminal = Terminal()
    progress = Progress(terminal)
    progress.update("fit", 1, 2)
    terminal.close()
    progress.update("pose", 1, 2)
    progress.clear()
    Progress(terminal).update("fit", 1, 2)
    gone = Gone()
    progress = Progress(gone)
    for stage in ("fit", "pose", "features"):
        progress.update(stage, 1, 2)
    assert gone.writes == 1


def test_hours_are_told(clock: list[float]) -> None:
    terminal = Terminal()
    progress = Progress(terminal)
    progress.update("fit", 0, 3)
    clock[0] += 3600
    progress.update("fit", 1, 3)
    assert terminal.text.endswith("ETA 2:00:00")


def test_on_a_real_terminal_results_and_line_do_not_mix() -> None:
    code = """if True:
        from jaxsplat.report.progress import Progress
        with Progress() as progress:
            progress.begin("01Penguin", 1, 1)
            progress.update("fit", 1, 2)
            progress.say("result")
            progress.update("pose", 1, 2)
        """
    ours, theirs = pty.openpty()
    termios.tcsetwinsize(theirs, (24, 22))
    done = subprocess.run(
        [sys.executable, "-c", code],
        stdout=subprocess.PIPE,
        stderr=theirs,
        env=os.environ | {"TERM": "xterm"},
        check=True,
    )
    os.close(theirs)
    seen = os.read(ours, 10_000).decode()
    os.close(ours)
    assert done.stdout == b"result\n"
    clear = "\r\x1b[K"
    assert (
        seen
        == f"{clear}01Penguin 1/1  fit  1{clear}{clear}01Penguin 1/1  pose  {clear}"
    )


def test_a_reader_that_left_does_not_stop_the_run() -> None:
    code = """if True:
        import sys
        from jaxsplat.report.progress import Progress
        sys.stdin.read()
        progress = Progress()
        for _ in range(10_000):
            progress.say("result")
        progress.note("done")
        """
    child = subprocess.Popen(
        [sys.executable, "-c", code],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    with child:
        assert child.stdin and child.stdout and child.stderr
        child.stdout.close()
        child.stdin.close()
        assert child.stderr.read() == b"done\n"
    assert child.returncode == 0
