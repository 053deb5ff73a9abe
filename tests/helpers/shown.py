"""A detector of the toy that took no fit, and a run folder of it, for what is shown."""

import dataclasses
import pathlib

import jax.numpy as jnp
import numpy as np

from jaxsplat import report
from jaxsplat.data.views import View
from jaxsplat.methods import Detector, Inspection
from jaxsplat.methods.inspecting import Prepared
from jaxsplat.methods.programs import States
from jaxsplat.pose import Outcome
from jaxsplat.scores import GoodScores
from jaxsplat.study import findings
from jaxsplat.viewing import Exhibit, Shot
from tests.helpers import toy_object

THRESHOLD = 2.0


def views() -> tuple[View, ...]:
    """Returns photographs of the toy on white."""
    return toy_object.views(4, alpha=False)


def detector(seen: tuple[View, ...]) -> Detector:
    """Returns a detector with a twin and a threshold, which cannot inspect."""
    made = Detector()
    scores = GoodScores(jnp.linspace(0.1, THRESHOLD, 20), jnp.zeros(0))
    made._known = Prepared(
        toy_object.twin(seen), States(None, None, None), calibration=scores
    )
    return made


def marked_map(hot: float) -> np.ndarray:
    """Returns an anomaly map that is hot on the right half."""
    values = np.full((toy_object.SIDE, toy_object.SIDE), 0.5, np.float32)
    values[:, toy_object.SIDE // 2 :] = hot
    return values


def exhibit(seen: tuple[View, ...]) -> Exhibit:
    """Returns the toy with two photographs, the second one defective."""
    shots = []
    for number, hot in enumerate((0.5, 6.0)):
        view = seen[number]
        assert view.camera is not None
        picture = np.rint(255 * view.image).astype(np.uint8)
        shots.append(
            Shot(view.name, view.camera, picture, marked_map(hot), hot, hot > THRESHOLD)
        )
    return Exhibit("toy", detector(seen), seen, tuple(shots))


def write_run(root: pathlib.Path, seen: tuple[View, ...]) -> pathlib.Path:
    """Writes a run of the toy with three queries, one of them without pose."""
    config = {"data_dir": str(root / "no data"), "size": None}
    with report.RunFolder(root / "run", config, resume=False) as run:
        folder = run.category("toy")
        detector(seen).save(folder.path)
        for number, hot in enumerate((0.5, 6.0)):
            view = seen[number]
            assert view.camera is not None
            pose = np.asarray(view.camera.camera_from_world, np.float64)
            found = Inspection(
                view.name,
                Outcome.CONVERGED,
                score=hot,
                defective=hot > THRESHOLD,
                p_value=0.05,
                camera_from_world=pose,
                loss=0.1,
                anomaly_map=marked_map(hot),
                render=view.image,
            )
            folder.append(view.name, *findings.stored(view, found), view.digest)
        lost = dataclasses.replace(seen[2], name="test/lost.png")
        none = Inspection(lost.name, Outcome.UNREADABLE, "it is cut")
        folder.append(lost.name, *findings.stored(lost, none), "")
    return root / "run"
