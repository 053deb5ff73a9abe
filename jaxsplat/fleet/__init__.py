"""Lists of tasks, run in this process or on the machines of a Ray cluster."""

from jaxsplat.fleet.here import Here
from jaxsplat.fleet.ray_cluster import OnRay
from jaxsplat.fleet.running import Executor, run
from jaxsplat.fleet.tasks import Ended, Task

__all__ = ["Ended", "Executor", "Here", "OnRay", "Task", "run"]
