"""A detector of the toy object that takes no fit, and photographs of it as files."""

import contextlib
import dataclasses
import os
import pathlib
import pickle
from collections.abc import Iterator, Sequence

import numpy as np
import pytest
from filelock import FileLock
from PIL import Image

from jaxsplat import features, fitting, learning
from jaxsplat.data.views import ObjectSet, View
from jaxsplat.fitting import FitResult
from jaxsplat.methods import Detector, best, ptad, scene_fit
from jaxsplat.methods.depth_comparison import DepthComparison
from jaxsplat.methods.mmpdn_training import MmpdnLoss
from jaxsplat.pose import Lm, RegressedStarts, Stage
from jaxsplat.pose.regression.network import Irprn
from jaxsplat.pose.regression.perturbing import Perturbation
from jaxsplat.pose.regression.training import Regression
from jaxsplat.scene.foreground import find_foreground
from jaxsplat.scene.found import PLAIN, Foreground
from tests.helpers import toy_object
from tests.helpers.networks import SMALL, by_formula

# Few steps: the photographs are the toy's own, so the starts lead to them.
QUICK = dataclasses.replace(
    best.FAST, refine=Lm((Stage(1, 2, 6, 1.0),)), second_refine=None
)
# Trained for some steps; the map of the small network has eight channels.
REGRESSED = RegressedStarts(
    Regression(
        Irprn(8, 1, 4, 4, "correlated", reach=1, grid=1),
        stride=2,
        noise=Perturbation(views=1),
        fresh=True,
        pairs=1,
        finetuned=False,
    ),
    learning.Training(1, 16, learning.Cosine(1e-3)),
    k=2,
    side=32,
    rounds=2,
)
# Trained for a step or two.
_SMALL = dataclasses.replace(
    ptad.fast().network, side=32, channels=4, hidden=8, numbers=0
)
DEPTH = DepthComparison(
    MmpdnLoss(_SMALL, map=1.0), learning.Training(1, 16, learning.Cosine(1e-3))
)


@contextlib.contextmanager
def quick() -> Iterator[None]:
    """Gives every detector a small network, and every fit the toy's own cloud.

    Where the object is in the same views is found once: half of what such a fit takes.
    """
    network = by_formula(SMALL)
    foregrounds: dict[bytes, Foreground] = {}

    def find_once(views: Sequence[View]) -> Foreground:
        key = pickle.dumps(tuple(views))
        if key not in foregrounds:
            foregrounds[key] = find_foreground(views)
        return foregrounds[key]

    def fit(*_: object, **__: object) -> FitResult:
        return FitResult(toy_object.cloud(), np.zeros(3), 1.0, 2.0, 30.0)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(features, "load_network", lambda *_: network)
        patch.setattr(fitting, "fit", fit)
        patch.setattr(scene_fit, "find_foreground", find_once)
        yield


def objects() -> ObjectSet:
    """Returns the toy, photographed from 40 sides on white."""
    views = toy_object.views(40, alpha=False)
    camera = views[0].camera
    assert camera is not None
    return ObjectSet("toy", "toy", views, (), camera, toy_object.WHITE)


def half_hidden(objects: ObjectSet) -> Foreground:
    """Returns where the toy is found if half of it has the background's colour."""
    shown = toy_object.views(len(objects.train))
    true = np.stack([view.alpha for view in shown if view.alpha is not None]) > 0.5
    lacking = true.astype(np.float32)
    lacking[:, :, : toy_object.SIDE // 2] = 0
    return Foreground(PLAIN, 0.9, lacking, disputed=0.1)


def saved(tmp_path_factory: pytest.TempPathFactory) -> pathlib.Path:
    """Returns the folder of the toy's detector, which all workers of a run share."""
    root = tmp_path_factory.getbasetemp()
    if "PYTEST_XDIST_WORKER" in os.environ:
        root = root.parent
    folder = root / "toy_detector"
    with FileLock(root / "toy_detector.lock"), quick():
        if not folder.exists():
            Detector.fit(objects(), QUICK, seed=3).save(root / "unfinished")
            (root / "unfinished").rename(folder)
    return folder


def pixels(toy: ObjectSet, index: int, *, marred: bool = False) -> np.ndarray:
    """Returns a photograph of the toy as bytes, with a black mark if it is marred."""
    image = np.rint(255 * toy.train[index].image).astype(np.uint8)
    if marred:
        image[13:18, 13:18] = 0
    return image


def save(path: pathlib.Path, image: np.ndarray) -> pathlib.Path:
    """Writes a photograph in one go, as cameras that rename do."""
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.part")
    Image.fromarray(image).save(temporary, "PNG")
    return temporary.replace(path)
