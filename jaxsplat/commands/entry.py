"""`jaxsplat COMMAND ...` and `python -m jaxsplat COMMAND ...`, without a checkout."""

import importlib
import sys
from collections.abc import Sequence

from jaxsplat.commands import flags

# Each is a module beside this one with `main` and `Config`, imported when it is named.
COMMANDS = (
    "chairs",
    "compare_runs",
    "degrade",
    "export",
    "fit",
    "inspect",
    "mad",
    "pose",
    "pose_board",
    "sparse_views",
    "steps",
    "timing",
    "view",
)


def main(argv: Sequence[str] | None = None) -> None:
    """Runs the command that is named first, with the flags that follow.

    Args:
        argv: the command line with the program's name first, by default the process's.
    """
    name, *rest = list(sys.argv if argv is None else argv)[1:] or [""]
    if name in COMMANDS:
        command = importlib.import_module(f"jaxsplat.commands.{name}")
        flags.run(command.main, command.Config, [f"jaxsplat {name}", *rest])
    wants_help = name in ("--help", "-h")
    stream = sys.stdout if wants_help else sys.stderr
    print(f"jaxsplat {' | '.join(COMMANDS)} [flags]; --help", file=stream)
    sys.exit(0 if wants_help else 2)
