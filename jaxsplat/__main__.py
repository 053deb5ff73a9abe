"""`python -m jaxsplat COMMAND ...`: the commands where there is no checkout."""

import sys
from typing import Any

from jaxsplat.commands import (
    chairs,
    compare_runs,
    degrade,
    export,
    fit,
    flags,
    inspect,
    mad,
    pose,
    pose_board,
    sparse_views,
    steps,
    timing,
    view,
)

COMMANDS: dict[str, Any] = {
    "chairs": (chairs.main, chairs.Config),
    "compare_runs": (compare_runs.main, compare_runs.Config),
    "degrade": (degrade.main, degrade.Config),
    "export": (export.main, export.Config),
    "fit": (fit.main, fit.Config),
    "inspect": (inspect.main, inspect.Config),
    "mad": (mad.main, mad.Config),
    "pose": (pose.main, pose.Config),
    "pose_board": (pose_board.main, pose_board.Config),
    "sparse_views": (sparse_views.main, sparse_views.Config),
    "steps": (steps.main, steps.Config),
    "timing": (timing.main, timing.Config),
    "view": (view.main, view.Config),
}


def main(argv: list[str]) -> None:
    """Runs the command that is named first, with the flags that follow."""
    name, *rest = argv[1:] or ["--help"]
    if name in COMMANDS:
        run, config = COMMANDS[name]
        flags.run(run, config, [f"jaxsplat {name}", *rest])
    wants_help = name in ("--help", "-h")
    stream = sys.stdout if wants_help else sys.stderr
    print(f"python -m jaxsplat {' | '.join(COMMANDS)} [flags]; --help", file=stream)
    sys.exit(0 if wants_help else 2)


if __name__ == "__main__":
    main(sys.argv)
