"""Stand-ins for SLURM's programs: a job of two machines, both of which are this one."""

import os
import pathlib
import sys

_SCONTROL = """#!/bin/bash
[ "$*" = "show hostnames $SLURM_JOB_NODELIST" ] || exit 1
printf '%s\\n' alpha beta
"""
# A step on one machine: with as many cores as it was told, one by default.
_SRUN = """#!/bin/bash
nodes=1 tasks=1 machine=
while [[ $1 == --* ]]; do
    case $1 in
        --nodes=*) nodes=${1#*=} ;;
        --ntasks=*) tasks=${1#*=} ;;
        --nodelist=*) machine=${1#*=} ;;
        --exclude=alpha) machine=beta ;;
        --overlap) ;;
        *) echo "srun: unrecognized option $1" >&2; exit 1 ;;
    esac
    shift
done
[ "$nodes $tasks" = "1 1" ] && [ -n "$machine" ] || exit 1
echo "$machine ${SRUN_CPUS_PER_TASK:-1} $*" >> "$STEPS"
case "$1 $2" in
    "ray start") set -- "$@" --node-ip-address=127.0.0.1 ;;
    # Ray's own word for a machine whose address is its loopback.
    "python -c") export RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER=0 ;;
esac
exec "$@"
"""


def job(root: pathlib.Path, number: int) -> dict[str, str]:
    """Writes the stand-ins and returns a job's environment.

    Args:
        root: a new folder; steps are told in its file `steps`, a line each: machine,
            cores, command.
        number: of the job.
    """
    programs = root / "bin"
    programs.mkdir()
    for name, text in (("scontrol", _SCONTROL), ("srun", _SRUN)):
        add(root, name, text)
    here = pathlib.Path(sys.executable).parent
    return {
        **os.environ,
        "PATH": f"{programs}:{here}:{os.environ['PATH']}",
        "HOME": str(root),
        "STEPS": str(root / "steps"),
        "SLURM_JOB_ID": str(number),
        "SLURM_JOB_NODELIST": "alpha,beta",
        "SLURM_NNODES": "2",
        "SLURM_CPUS_PER_TASK": "2",
    }


def add(root: pathlib.Path, name: str, text: str) -> None:
    """Puts a program before all others of its name.

    Args:
        root: as given to `job`.
        name: of the program.
        text: of its script.
    """
    path = root / "bin" / name
    path.write_text(text)
    path.chmod(0o755)


def steps(root: pathlib.Path) -> list[str]:
    """Returns the steps that were started."""
    return (root / "steps").read_text().splitlines()
