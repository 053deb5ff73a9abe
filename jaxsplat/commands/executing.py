"""The flags that say where the tasks of a command run."""

import dataclasses
import functools

from jaxsplat.commands import compile_cache, flags
from jaxsplat.fleet import Executor, Here, OnRay


@dataclasses.dataclass(frozen=True)
class ExecutorConfig:
    """Where tasks run; each setting is a flag. Results do not depend on them."""

    ray: bool = flags.option(
        False,
        "whether tasks run beside one another by Ray (pip install 'jaxsplat[cluster]')",
        free=True,
    )
    ray_address: str | None = flags.option(
        None, "of a Ray cluster to run on, such as auto; here by default", free=True
    )
    ray_workers: int | None = flags.option(
        None,
        "tasks at a time here; as many as its cores suffice for by default",
        lower=1,
        free=True,
    )
    ray_cpus: int | None = flags.option(
        None, "cores of a task; two by default", lower=1, free=True
    )
    ray_gpus: float | None = flags.option(
        None, "GPUs of a task; one where there are any by default", lower=0.0, free=True
    )

    @property
    def executor(self) -> Executor:
        """What runs the tasks: Ray where any flag asks for it."""
        given = (self.ray_address, self.ray_workers, self.ray_cpus, self.ray_gpus)
        if not self.ray and all(value is None for value in given):
            return Here()
        prepare = functools.partial(compile_cache.use, compile_cache.used())
        return OnRay(*given, prepare=prepare)
