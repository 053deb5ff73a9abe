"""Tasks on the machines of a Ray cluster, or on workers that Ray starts here.

Each task is a Ray Core task with its resources, in a process that ends with it and so
keeps neither cores nor a GPU's memory. Ray starts it again where its process or machine
was lost. The file system is shared: tasks read data and write results by the paths, and
from the folder, of the command.
"""

import dataclasses
import io
import os
from collections.abc import Callable, Sequence
from typing import Any

from jaxsplat.errors import ConfigError
from jaxsplat.fleet import cores
from jaxsplat.fleet.tasks import Ended, Task, attempt, one_line
from jaxsplat.report.progress import Progress

_RETRIES = 3  # of a task whose worker or machine is lost
_MOST_CORES = 2  # of a task; a fit hardly gains by more
_OBJECT_STORE_BYTES = 128 * 2**20  # tasks return numbers alone


def _nothing() -> None:
    """Prepares a worker that needs no preparation."""


@dataclasses.dataclass
class OnRay:
    """Does tasks by Ray.

    Attributes:
        address: of a running cluster; None starts workers here, for this list alone,
            which only this machine can reach.
        workers: of those that are started here, how many tasks run at a time; as many
            as there are cores for when None.
        cpus: cores of a task; None takes two, or what each worker can have.
        gpus: GPUs of a task; None takes one where there are any.
        prepare: a function of a module that each worker calls before a task.
    """

    address: str | None = None
    workers: int | None = None
    cpus: int | None = None
    gpus: float | None = None
    prepare: Callable[[], None] = _nothing

    def begin(self, tasks: Sequence[Task], progress: Progress) -> None:
        """See `Executor`."""
        self._ray = _import_ray(self.address is None)
        self._progress, self._done, self._total = progress, 0, len(tasks)
        self._tasks: dict[Any, Task] = {}
        usable = cores.usable()
        wanted = self.cpus
        if wanted is None:
            wanted = max(1, min(_MOST_CORES, usable // (self.workers or 1)))
        quiet: dict[str, Any] = {"log_to_driver": False, "include_dashboard": False}
        if self.address is None:
            workers = self.workers or max(1, usable // wanted)
            self._ray.init(
                num_cpus=workers * wanted,
                object_store_memory=_OBJECT_STORE_BYTES,
                _node_ip_address="127.0.0.1",
                **quiet,
            )
        else:
            _join(self._ray, self.address)
        gpus = self.gpus
        if gpus is None:
            gpus = 1.0 if self._ray.cluster_resources().get("GPU", 0) >= 1 else 0.0
        self._cpus = wanted
        self._remote = self._ray.remote(
            num_cpus=wanted, num_gpus=gpus, max_retries=_RETRIES, max_calls=1
        )(_work)

    def submit(self, task: Task) -> None:
        """See `Executor`."""
        named = self._remote.options(name=task.name)
        sent = named.remote(task, self._cpus, self.prepare, os.getcwd())
        self._tasks[sent] = task

    def next_ended(self) -> tuple[Task, Ended]:
        """See `Executor`."""
        self._progress.update("tasks", self._done, self._total)
        (first, *_), _ = self._ray.wait(list(self._tasks), num_returns=1)
        task = self._tasks.pop(first)
        self._done += 1
        try:
            found = self._ray.get(first)
        except self._ray.exceptions.RayError as error:
            return task, Ended(failed=f"its worker was lost: {one_line(error)}")
        if isinstance(found, ConfigError):
            raise found
        return task, found

    def end(self) -> None:
        """See `Executor`."""
        self._ray.shutdown()


def _import_ray(is_local: bool) -> Any:
    """Returns the package, told to report its use to nobody.

    Of workers here it is told to listen to this machine alone, which it takes for the
    rule on desktops, and that they are the work and not in the background (its usual
    niceness is 15).
    """
    os.environ["RAY_USAGE_STATS_ENABLED"] = "0"
    if is_local:
        os.environ["RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER"] = "0"
        os.environ.setdefault("RAY_worker_niceness", "0")
    try:
        import ray
    except ImportError as error:
        raise ConfigError(
            f"--ray: ray cannot be imported ({error}); pip install 'jaxsplat[cluster]'"
        ) from error
    return ray


def _join(ray: Any, address: str) -> None:
    try:
        ray.init(address=address, log_to_driver=False)
    except (ConnectionError, ValueError, RuntimeError) as error:
        raise ConfigError(
            f"--ray_address: found no Ray cluster at {address!r} ({one_line(error)})"
        ) from error


def _work(
    task: Task, count: int, prepare: Callable[[], None], folder: str
) -> Ended | ConfigError:
    """Does one task in a worker."""
    cores.take(count)
    os.chdir(folder)
    prepare()
    notes = io.StringIO()
    try:
        with Progress(notes) as progress:
            ended = attempt(task, progress)
    except ConfigError as error:
        return error
    return dataclasses.replace(ended, notes=tuple(notes.getvalue().splitlines()))
