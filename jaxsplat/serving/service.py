"""What the parts of a service share."""

import dataclasses
from typing import Literal

from jaxsplat.serving.jobs import Line
from jaxsplat.serving.metrics import Metrics

Status = Literal["starting", "ready", "stopping"]


@dataclasses.dataclass(frozen=True)
class Limits:
    """What a client may send.

    Attributes:
        body_bytes: most bytes of a photograph.
        body_seconds: that sending it may take.
        least: width and height of the training views. A photograph must not be smaller,
            since each size would have programs of its own compiled.
    """

    body_bytes: int
    body_seconds: float
    least: tuple[int, int]


@dataclasses.dataclass
class Service:
    """A running service.

    Attributes:
        limits: of what a client may send.
        line: of photographs that wait.
        metrics: counts.
        status: photographs are taken while it is "ready".
    """

    limits: Limits
    line: Line
    metrics: Metrics = dataclasses.field(default_factory=Metrics)
    status: Status = "starting"
