"""What a service loses, how soon it answers, and what it grows by.

`python -m experiments.bench.serving --detector=FOLDER --images=FOLDER` starts
`experiments.inspect --serve` as a process, twice over:

- steady: so many requests in one process, with its memory after the first 100 and at
  the end, and then SIGTERM while clients still ask;
- killed: as many, with SIGKILL in the middle and a new process in its place.

Clients send photographs, every tenth body a bad one; they come again after 429, 503 and
lost connections. A row is lost when a photograph was answered 200 and its row is not in
`results.jsonl` at the end.
"""

import collections
import dataclasses
import pathlib
import signal
import tempfile
import time
from typing import Any

import numpy as np

from experiments.bench.clients import Clients, Process
from jaxsplat.commands import flags
from jaxsplat.data import paths
from jaxsplat.errors import ConfigError, DataError
from jaxsplat.report import files
from jaxsplat.report.journal import Journal
from jaxsplat.report.versions import versions

# Requests after which memory is looked at first.
_FIRST = 100
_START_SECONDS = 600.0


@dataclasses.dataclass(frozen=True)
class Config:
    """Settings of the benchmark; each is a flag."""

    detector: str = flags.option(
        dataclasses.MISSING, "folder that experiments.fit left"
    )
    images: str = flags.option(
        dataclasses.MISSING, "folder of photographs; folders in it are searched"
    )
    out: str = flags.option("runs/bench/serving.json", "where the numbers go")
    requests: int = flags.option(1000, "of each of the two runs", lower=10)
    clients: int = flags.option(16, "that ask at once", lower=1)
    queue: int = flags.option(64, "places in the service's line", lower=1)


def main(config: Config) -> int:
    """Prints and writes the numbers; the exit code is 0 where no row was lost."""
    bodies = _bodies(pathlib.Path(config.images))
    found: dict[str, dict[str, Any]] = {}
    with tempfile.TemporaryDirectory() as folder:
        for name, run in (("steady", _steady), ("killed", _killed)):
            found[name] = run(config, bodies, pathlib.Path(folder) / name)
            print(files.dump_json({name: found[name]}, indent=2), flush=True)
    record = {**found, "config": dataclasses.asdict(config), "versions": versions()}
    files.write_json(pathlib.Path(config.out), record)
    return 1 if any(run["lost_rows"] for run in found.values()) else 0


def _bodies(folder: pathlib.Path) -> list[bytes]:
    """Returns photographs to send.

    Raises:
        DataError: there are none.
    """
    found = [p for p in sorted(folder.rglob("*")) if paths.is_image_name(p.name)]
    if not found:
        raise DataError(f"{folder}: holds no photograph")
    return [path.read_bytes() for path in found]


def _steady(config: Config, bodies: list[bytes], out: pathlib.Path) -> dict[str, Any]:
    with _started(config, bodies, out) as process:
        clients = Clients(process.port, bodies, config.clients)
        first = min(_FIRST, config.requests)
        clients.ask(first)
        memory = [process.memory()]
        begin = time.monotonic()
        clients.ask(config.requests - first)
        seconds = time.monotonic() - begin
        memory.append(process.memory())
        batches = process.numbers("jaxsplat_batches_total")
        lost_connections = clients.lost_connections
        with clients.asking(config.clients):
            time.sleep(0.5)
            code = process.end(signal.SIGTERM)
            clients.give_up()
    return {
        **_start(process),
        "requests_a_second": (config.requests - first) / max(seconds, 1e-9),
        "memory_megabytes": [size / 1e6 for size in memory],
        "memory_growth": memory[1] / memory[0] - 1,
        "batches": batches,
        "exit_code": code,
        "lost_connections_before_the_stop": lost_connections,
        **_told(clients, out),
    }


def _killed(config: Config, bodies: list[bytes], out: pathlib.Path) -> dict[str, Any]:
    with _started(config, bodies, out) as process:
        clients = Clients(process.port, bodies, config.clients)
        with clients.asking(config.requests):
            while clients.done < config.requests // 2:
                time.sleep(0.01)
            process.end(signal.SIGKILL)
            before = clients.done
            with _started(config, bodies, out, process.port) as second:
                clients.wait()
    return {**_start(second), "answered_before_the_kill": before, **_told(clients, out)}


def _started(
    config: Config, bodies: list[bytes], out: pathlib.Path, port: int = 0
) -> Process:
    """Returns a process that has answered once.

    Raises:
        ConfigError: it is not, in time.
    """
    settings = [
        f"--detector={config.detector}",
        f"--out={out}",
        f"--port={port}",
        f"--queue={config.queue}",
    ]
    process = Process(settings)
    if not process.is_ready(_START_SECONDS):
        process.end(signal.SIGKILL)
        raise ConfigError(f"the service did not start: {process.log()}")
    process.first_answer(bodies[0])
    return process


def _start(process: Process) -> dict[str, float]:
    return {
        "seconds_to_ready": process.seconds_to_ready,
        "seconds_to_first_verdict": process.seconds_to_first_answer,
        "cpu_seconds_to_first_verdict": process.cpu_seconds_to_first_answer,
    }


def _told(clients: Clients, out: pathlib.Path) -> dict[str, Any]:
    """Returns what clients were told, against what was written."""
    journal = Journal(out, append=True)
    rows = collections.Counter(row["id"] for row in journal.rows())
    journal.close()
    seconds = np.array(clients.seconds or [np.nan])
    quantiles = {
        f"p{round(100 * share)}": float(np.quantile(seconds, share))
        for share in (0.5, 0.9, 0.99, 1.0)
    }
    return {
        "acknowledged": len(clients.acknowledged),
        "lost_rows": sum(name not in rows for name in clients.acknowledged),
        "rows_twice": sum(count > 1 for count in rows.values()),
        "rows_not_acknowledged": len(rows.keys() - clients.acknowledged),
        "statuses": {str(key): n for key, n in sorted(clients.statuses.items())},
        "wrong_statuses": clients.wrong,
        "lost_connections": clients.lost_connections,
        "latency_seconds": quantiles,
    }


if __name__ == "__main__":
    flags.run(main, Config)
