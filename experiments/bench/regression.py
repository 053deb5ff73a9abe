"""Poses by regression, measured: `python -m experiments.bench.regression`.

Takes the detector that `experiments.fit` left of an object, trains the network of
`rpe_pad` on its twin, and prints errors on the test photographs before any refinement:
of the most similar view, and of the network asked once, twice, three times. Then what a
query takes, and what `lm` makes of its starts and of the gallery's. `--ablate` also
trains without each of the paper's parts. True poses are read to measure errors alone.
"""

import dataclasses
import functools
import pathlib
import time
from collections.abc import Callable, Mapping
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from jaxsplat import data, pose
from jaxsplat.commands import flags
from jaxsplat.core import cameras, resampling
from jaxsplat.data.splits import hold_out
from jaxsplat.methods import Detector, find_method
from jaxsplat.pose import RegressedStarts, Starts
from jaxsplat.pose.regression import references
from jaxsplat.pose.starts.regressed import Regressor
from jaxsplat.rendering.twin import Twin
from jaxsplat.report import files
from jaxsplat.scene.foreground import cut_out, find_foreground
from jaxsplat.study import pose_errors, posing
from jaxsplat.study.posing import Posed

_ROUNDS = 3
_BATCH = 64
# Asked of the gallery and of the network alike.
_STARTS = 4


@dataclasses.dataclass(frozen=True)
class Config:
    """Settings of a run; each is a flag."""

    detector: str = flags.option(
        dataclasses.MISSING, "folder that experiments.fit left"
    )
    data_dir: str = flags.option(dataclasses.MISSING, "folder of the same object")
    size: int | None = flags.option(
        None, "longer image side in pixels, as in that fit", lower=16
    )
    seed: int = flags.option(0, "of everything random", lower=0)
    epochs: int | None = flags.option(None, "of the training; the preset's", lower=1)
    ablate: bool = flags.option(False, "train without each of the paper's parts too")
    refine: bool = flags.option(True, "refine both finders' starts by lm")
    out: str = flags.option("", "JSON file to write; none when empty")


def main(config: Config) -> None:
    """Prints what is found and writes the JSON; see the module."""
    path = pathlib.Path(config.data_dir)
    objects = data.load_object(path, size=config.size)
    detector = Detector.load(config.detector)
    assert detector.fitted is not None
    cut = cut_out(objects.train, find_foreground(objects.train))
    views, _ = hold_out(cut, len(detector.fitted.held_out))
    twin = detector.twin
    posed = posing.of_views(path, objects.test, twin, detector.world)
    part = find_method("rpe_pad", "fast").starts
    assert isinstance(part, RegressedStarts)
    if config.epochs is not None:
        training = dataclasses.replace(part.training, epochs=config.epochs)
        part = dataclasses.replace(part, training=training)
    found: dict[str, Any] = {}
    state = None
    for name, changed in settings(part, config.ablate).items():
        begin, busy = time.monotonic(), time.process_time()
        trained, history = changed.trained(twin, views, jax.random.key(config.seed))
        found[name] = {
            "seconds": time.monotonic() - begin,
            "processor_seconds": time.process_time() - busy,
            "compile_seconds": history.compile_seconds,
            **errors(changed, trained, twin, posed),
        }
        _tell(name, found[name])
        state = trained if state is None else state
    assert state is not None
    found["milliseconds"] = milliseconds(part, state, twin, posed)
    _tell(f"a query of {_BATCH}", found["milliseconds"])
    if config.refine:
        gallery = pose.GalleryStarts(k=_STARTS)
        several = dataclasses.replace(part, k=_STARTS)
        known = gallery.prepare(twin, views, jax.random.key(config.seed))
        finders: Mapping[str, tuple[Starts, Any]] = {
            "lm from the gallery": (gallery, known),
            "lm from the regression": (several, state),
        }
        for name, (finder, prepared) in finders.items():
            found[name] = _refined(finder, prepared, twin, posed)
            _tell(name, found[name])
    if config.out:
        files.write_json(pathlib.Path(config.out), found)


def settings(part: RegressedStarts, ablate: bool) -> dict[str, RegressedStarts]:
    """Returns the trainings by name: the whole one first, and those without a part."""
    whole = part.regression
    changes: dict[str, dict[str, Any]] = {"all": {}}
    if ablate:
        irprn = dataclasses.replace(whole.irprn, layers=0)
        noise = dataclasses.replace(whole.noise, views=0)
        changes |= {
            "without IRPRN": {"irprn": irprn},
            "without MPTS": {"pairs": 1},
            # What is drawn beside a view are renders too.
            "without RVSS": {"noise": noise, "near": None},
        }
    return {
        name: dataclasses.replace(part, regression=dataclasses.replace(whole, **change))
        for name, change in changes.items()
    }


def errors(
    part: RegressedStarts, state: Regressor, twin: Twin, posed: Posed
) -> dict[str, dict[str, float]]:
    """Returns errors of the most similar view and after every round."""
    camera = cameras.resized(twin.camera, state.width, state.height)
    images = resampling.area_resize(
        jnp.asarray(posed.photos), camera.height, camera.width
    )
    similar = references.similarities(images, twin.background, state.references.codes)
    nearest = state.references.poses[jnp.argmax(similar, axis=1)]
    center = np.asarray(twin.center)
    found = {"retrieval": pose_errors.row(nearest, posed, center)}
    photographs = pose.on_plain(jnp.asarray(posed.photos))
    for rounds in range(1, _ROUNDS + 1):
        asked = dataclasses.replace(part, rounds=rounds, k=1)
        poses = asked(twin, state, photographs).camera_from_world[:, 0]
        found[f"rounds {rounds}"] = pose_errors.row(poses, posed, center)
    return found


def milliseconds(
    part: RegressedStarts, state: Regressor, twin: Twin, posed: Posed
) -> dict[str, float]:
    """Returns what a query takes in a batch, without compilation."""
    many = np.arange(_BATCH) % len(posed.photos)
    photographs = pose.on_plain(jnp.asarray(posed.photos[many]))
    found = {}
    for rounds in range(1, _ROUNDS + 1):
        asked = dataclasses.replace(part, rounds=rounds)
        seconds = _seconds(functools.partial(asked, twin, state, photographs))
        found[f"rounds {rounds}"] = 1e3 * seconds / _BATCH
    return found


def _refined(finder: Starts, state: Any, twin: Twin, posed: Posed) -> dict[str, float]:
    """Returns the errors of `lm` from a finder's starts, and seconds of both."""
    solver = pose.Lm()
    photographs = pose.on_plain(jnp.asarray(posed.photos))

    def whole() -> pose.PoseEstimate:
        starts = finder(twin, state, photographs).camera_from_world
        return solver(twin, (), photographs, starts)

    poses = whole().camera_from_world
    return pose_errors.row(poses, posed, np.asarray(twin.center), _seconds(whole))


def _seconds(work: Callable[[], Any]) -> float:
    """Returns the seconds of the second call."""
    jax.block_until_ready(work())
    begin = time.perf_counter()
    jax.block_until_ready(work())
    return time.perf_counter() - begin


def _tell(name: str, record: Mapping[str, Any]) -> None:
    told = {
        key: value["rotation_deg_median"] if isinstance(value, dict) else value
        for key, value in record.items()
    }
    numbers = ", ".join(f"{key} {value:.3g}" for key, value in told.items())
    print(f"{name}: {numbers}", flush=True)


if __name__ == "__main__":
    flags.run(main, Config)
