"""What a service and a watch ask of a detector, without any computation."""

import threading
import types
from collections.abc import Iterable
from typing import Any

import numpy as np

from jaxsplat import data
from jaxsplat.errors import DataError, NumericsError
from jaxsplat.methods import Detector, Inspection
from jaxsplat.methods.inspection import failed
from jaxsplat.pose import Outcome

SIDE = 16
# A photograph whose file ends with this makes the whole batch fail.
POISON = b"poison"


class FakeDetector(Detector):
    """Tells the mean of a photograph as its score; white is good.

    Attributes:
        batches: how many photographs each call had.
        may_go: inspections wait while it is not set.
    """

    threshold, unfit, lens = 0.5, "", None
    twin: Any = types.SimpleNamespace(
        background=np.ones(3), camera=types.SimpleNamespace(width=SIDE, height=SIDE)
    )

    def __init__(self, together: int = 1) -> None:
        self.method: Any = types.SimpleNamespace(together=together)
        self.batches: list[int] = []
        self.may_go = threading.Event()
        self.may_go.set()

    def compile(self) -> float:
        return 0.0

    def inspect(self, photos: Iterable[Any]) -> list[Inspection]:
        photos = list(photos)
        self.may_go.wait(30.0)
        if any(isinstance(one, bytes) and one.endswith(POISON) for one in photos):
            raise NumericsError("a number\nis not finite")
        self.batches.append(len(photos))
        return [_found(str(number), item) for number, item in enumerate(photos)]


def _found(name: str, item: Any) -> Inspection:
    try:
        image = item / 255.0 if isinstance(item, np.ndarray) else _read(item, name)
    except DataError as error:
        return failed(name, Outcome.UNREADABLE, str(error))
    score = float(1.0 - image.mean())
    return Inspection(
        name,
        Outcome.CONVERGED,
        score=score,
        defective=score > 0.5,
        p_value=0.25,
        camera_from_world=np.eye(4),
        anomaly_map=np.full((4, 4), score),
        render=np.ones((SIDE, SIDE, 3), np.float32),
        stage_seconds={"refine": 0.125},
    )


def _read(item: Any, name: str) -> np.ndarray:
    image, _ = data.image_in(item, name) if isinstance(item, bytes) else _file(item)
    return image


def _file(path: Any) -> Any:
    return data.read_image(path)
