"""Categories that take no fit and compile quickly, for workers to evaluate."""

import contextlib
import dataclasses
import pathlib
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import pytest

from jaxsplat import data
from jaxsplat.data.views import ObjectSet, View
from jaxsplat.errors import DataError
from jaxsplat.methods import Detector
from jaxsplat.pose import AdamScrew, SilhouetteStarts
from jaxsplat.study.evaluation import Evaluation
from tests.helpers import ray_tasks, toy_detector

SIDES = range(5, 8)
SETTINGS = Evaluation(
    dataclasses.replace(
        toy_detector.QUICK,
        starts=SilhouetteStarts(k=1),
        refine=AdamScrew(steps=1, side=32),
    )
)


def objects() -> ObjectSet:
    """Returns the toy, with photographs of three sides, good and marred."""
    toy = toy_detector.objects()
    mask = np.zeros((32, 32), bool)
    mask[13:18, 13:18] = True
    found = []
    for number in SIDES:
        for kind, marred in (("good", False), ("Stains", True)):
            image = toy_detector.pixels(toy, number, marred=marred) / np.float32(255)
            truth = mask if marred else np.zeros_like(mask)
            name = f"test/{kind}/{number}.png"
            found.append(View(name, image, defect_type=kind, mask=truth, digest=name))
    return dataclasses.replace(toy, test=tuple(found), train_digest="toy")


@contextlib.contextmanager
def patched() -> Iterator[None]:
    """Makes every folder the toy's, but for those called `bad`, which fail."""
    toy = objects()

    def load(path: pathlib.Path, **_: Any) -> ObjectSet:
        if path.name == "bad":
            raise data_error(path)
        return dataclasses.replace(toy, name=path.name)

    with toy_detector.quick(), pytest.MonkeyPatch.context() as patch:
        patch.setattr(data, "load_object", load)
        patch.setattr(data, "read_test_poses", lambda *_: None)
        yield


def data_error(path: pathlib.Path) -> Exception:
    """Returns what a folder called `bad` fails by."""
    return DataError(f"{path}: has no photographs")


_open = contextlib.ExitStack()


def prepare(mark: pathlib.Path) -> None:
    """Prepares a worker, of which the first one that inspects anything is killed.

    Args:
        mark: file that says that one was.
    """
    _open.enter_context(patched())
    inspect = Detector.inspect

    def inspect_or_die(self: Detector, photos: Sequence[Any]) -> Any:
        ray_tasks.die_unless(mark)
        return inspect(self, photos)

    _open.enter_context(pytest.MonkeyPatch.context()).setattr(
        Detector, "inspect", inspect_or_die
    )
