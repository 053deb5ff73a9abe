"""Categories that take no fit and compile quickly, for workers to evaluate.

    python -m tests.helpers.fleet_toys FOLDER NAME...

evaluates them one after another with one core.
"""

import contextlib
import dataclasses
import os
import pathlib
import sys
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import pytest

from jaxsplat import data, report
from jaxsplat.data.views import ObjectSet, View
from jaxsplat.errors import DataError
from jaxsplat.fleet import Executor, Here
from jaxsplat.methods import Detector
from jaxsplat.pose import AdamScrew, SilhouetteStarts
from jaxsplat.study import runs
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


def evaluate(out: pathlib.Path, names: Sequence[str], executor: Executor) -> None:
    """Evaluates categories of these names into a run folder."""
    paths = [pathlib.Path(name) for name in names]
    with report.RunFolder(out, {}, resume=True) as folder:
        planned = [runs.Run(folder, SETTINGS)]
        quiet = report.Progress(enabled=False)
        runs.evaluate_all(paths, planned, quiet, executor)


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


if __name__ == "__main__":
    os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[:1])
    with patched():
        evaluate(pathlib.Path(sys.argv[1]), sys.argv[2:], Here())
