"""How a command ends: its exit code, and one line on stderr when something is wrong.

Exit codes: 0 done, 1 bad data or settings, 2 wrong usage, 3 finished with failed items,
128 + the signal's number when interrupted. Of an inspection: 0 all photographs good,
4 a defect was found, 5 none was found, but something could not be judged.
"""

import signal
import sys
import types
from collections.abc import Callable

from jaxsplat.core import exhaustion
from jaxsplat.errors import ConfigError, DataError, NumericsError
from jaxsplat.report.progress import silence_stdout

FINISHED_WITH_FAILURES = 3
DEFECT_FOUND = 4
NOT_JUDGED = 5
_SIGNALS = (signal.SIGTERM, signal.SIGHUP)


class _Interrupted(KeyboardInterrupt):
    """A signal other than Ctrl-C that asks the process to end."""

    def __init__(self, number: int) -> None:
        super().__init__(number)
        self.number = number


def supervise(main: Callable[[], int | None], debug: bool) -> int:
    """Calls `main` and returns the exit code, with its errors told in one line.

    Args:
        main: the command; an exit code of its own passes through, None is 0.
        debug: let errors pass as they are, with their traceback.
    """
    code = _call(main, debug)
    try:
        sys.stdout.flush()
    except (OSError, ValueError, AttributeError):
        silence_stdout()
    return code


def complain(text: str) -> None:
    """Writes one line to stderr, whatever the text holds."""
    line = " ".join(text.split())
    try:
        print("".join(c if c.isprintable() else "?" for c in line), file=sys.stderr)
    except (OSError, ValueError):
        pass


def _call(main: Callable[[], int | None], debug: bool) -> int:
    for number in _SIGNALS:
        # nohup has hang-ups ignored, and so it shall stay.
        if signal.getsignal(number) == signal.SIG_DFL:
            signal.signal(number, _interrupt)
    try:
        return main() or 0
    except KeyboardInterrupt as stop:
        cause = stop.number if isinstance(stop, _Interrupted) else signal.SIGINT
        complain("interrupted; what was finished is kept, the same command goes on")
        return 128 + cause
    except BrokenPipeError:
        silence_stdout()
        return 128 + signal.SIGPIPE
    except (DataError, ConfigError, NumericsError, OSError) as error:
        if debug:
            raise
        complain(f"error: {error}")
        return 1
    except exhaustion.CANDIDATES as error:
        if debug or not exhaustion.is_out_of_memory(error):
            raise
        complain(f"error: out of memory; a smaller --size needs less: {error}")
        return 1


def _interrupt(number: int, frame: types.FrameType | None) -> None:
    # A second signal shall end the process even while it saves.
    signal.signal(number, signal.SIG_DFL)
    raise _Interrupted(number)
