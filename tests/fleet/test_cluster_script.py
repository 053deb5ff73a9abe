"""`docs/cluster.sbatch`, with stand-ins for SLURM and a real cluster of Ray's."""

import importlib.util
import json
import pathlib
import socket
import subprocess

import pytest

from tests.helpers import datasets, slurm

ROOT = pathlib.Path(__file__).parents[2]
SCRIPT = ROOT / "docs" / "cluster.sbatch"
# To which the script adds the job's number.
FIRST_PORT = 20_000


def job_number() -> int:
    """Returns the number of a job whose port is free."""
    for number in range(1, 1000):
        with socket.socket() as line:
            try:
                line.bind(("", FIRST_PORT + number))
                return number
            except OSError:
                continue
    raise OSError("no port is free")


def ran(
    environment: dict[str, str], seconds: float
) -> subprocess.CompletedProcess[str]:
    """Returns how the script ended, in a session of its own."""
    return subprocess.run(
        ["bash", str(SCRIPT)],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        timeout=seconds,
        start_new_session=True,
    )


def test_a_job_without_data_starts_nothing(tmp_path: pathlib.Path) -> None:
    environment = slurm.job(tmp_path, job_number())
    found = ran({**environment, "DATA": "", "RESULTS": "runs"}, 30)
    assert (
        found.returncode != 0 and "DATA: is the folder of the objects" in found.stderr
    )
    assert not (tmp_path / "steps").exists()


def test_a_job_whose_first_machine_does_not_start_ends(tmp_path: pathlib.Path) -> None:
    environment = slurm.job(tmp_path, job_number())
    slurm.add(tmp_path, "ray", '#!/bin/bash\n[ "$1" != start ] || exit 7\n')
    slurm.add(tmp_path, "python", "#!/bin/bash\necho 127.0.0.1\n")
    found = ran({**environment, "DATA": "objects", "RESULTS": "runs"}, 60)
    assert found.returncode != 0
    started = slurm.steps(tmp_path)
    assert [step.split()[:4] for step in started[1:]] == [
        ["alpha", "2", "ray", "start"]
    ]


@pytest.mark.slow
@pytest.mark.skipif(
    importlib.util.find_spec("ray") is None, reason="ray is not installed"
)
def test_five_seeds_on_two_machines(tmp_path: pathlib.Path) -> None:
    datasets.write_mad(tmp_path / "data" / "cube")
    number = job_number()
    environment = slurm.job(tmp_path, number)
    results = tmp_path / "results"
    told = {"DATA": str(tmp_path / "data"), "RESULTS": str(results)}
    found = ran({**environment, **told}, 1200)
    assert found.returncode == 0, found.stdout + found.stderr
    assert found.stdout.count("Ray runtime started") == 2
    assert len(list(results.glob("seeds/*/cube/results.jsonl"))) == 5
    assert json.loads((results / "seeds.json").read_text())
    started = slurm.steps(tmp_path)
    assert {step.split()[1] for step in started} == {"2"}  # no step has one core alone
    address = f"127.0.0.1:{FIRST_PORT + number}"
    assert f"beta 2 ray start --address={address} --num-cpus=2 --block" in started
    # All of it has ended, so its port is free again.
    with socket.socket() as line:
        line.bind(("127.0.0.1", FIRST_PORT + number))
