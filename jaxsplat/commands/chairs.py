"""PTAD on BrokenChairs' layout: `python -m experiments.chairs --data_dir=...`.

Finds the poses of all photographs by their masks, trains the network on the training
split, and judges the test split (`--split`), or all photographs of `--test_dir`. Leaves
`metrics.json`, a page with every judged photograph, the networks, and the poses, with
which a run goes on; `--poses_from` takes those of another run with the same poses.

`--no_pose`, `--no_network` and `--train_share` are the rows of the paper's Tables 3, 2
and 4.
"""

import dataclasses
import pathlib
import shutil
import time
from collections.abc import Iterator, Sequence
from typing import Any, Literal

import numpy as np

from jaxsplat import learning, report
from jaxsplat.commands import flags
from jaxsplat.data import chairs as chairs_data
from jaxsplat.data import images
from jaxsplat.data.chairs import Query
from jaxsplat.errors import ConfigError
from jaxsplat.learning import Params
from jaxsplat.methods.mmpdn_training import Told
from jaxsplat.methods.ptad import PRESETS, PresetName, Ptad
from jaxsplat.report import files
from jaxsplat.report.chairs import ChairRow, write_chairs_page
from jaxsplat.study import chairs
from jaxsplat.study.chair_inputs import Preparing, Shown

# Settings that poses depend on.
_OF_POSES = ("data_dir", "test_dir", "preset", "no_pose")
_SHOWN = ("auc", "accuracy", "mean_iou")


@dataclasses.dataclass(frozen=True)
class Config:
    """Settings of a run; each is a flag."""

    data_dir: str | None = flags.option(
        None, "folder in BrokenChairs' layout, with split.json; it must be given"
    )
    test_dir: str | None = flags.option(
        None, "another such folder, all of which is judged instead of the test split"
    )
    split: Literal["test", "val"] = flags.option(
        "test", "of data_dir, that is judged where there is no test_dir"
    )
    preset: PresetName = flags.option(
        "fast", "fast: minutes on two cores; paper: the published settings, for a GPU"
    )
    out: str = flags.option("runs/chairs", "folder for results", free=True)
    seed: int = flags.option(0, "of everything random", lower=0)
    train_share: float = flags.option(
        1.0, "share of the training photographs that is learnt from", lower=0, upper=1
    )
    no_pose: bool = flags.option(False, "take the coarse pose as it is")
    no_network: bool = flags.option(False, "judge by how far outlines differ alone")
    epochs: int | None = flags.option(
        None, "of the training; the preset's by default", lower=1
    )
    max_queries: int | None = flags.option(
        None, "take at most this many photographs of each split, evenly", lower=2
    )
    poses_from: str | None = flags.option(
        None, "folder of a run whose poses are taken", free=True
    )
    resume: bool = flags.option(True, "keep the poses that are there", free=True)


def main(config: Config) -> None:
    """Trains, judges, and writes the run folder."""
    method, begin = _method(config), time.monotonic()
    if config.data_dir is None:
        raise ConfigError("data_dir: found nothing, expected a folder of photographs")
    train_data = chairs_data.read_chairs(pathlib.Path(config.data_dir))
    test_data = train_data
    if config.test_dir is not None:
        test_data = chairs_data.read_chairs(pathlib.Path(config.test_dir))
    learnt = chairs.choose_share(
        _some(train_data.of_split("train"), config), config.train_share, config.seed
    )
    judged = test_data.queries
    if config.test_dir is None:
        judged = test_data.of_split(config.split)
    judged = _some(judged, config)
    with (
        report.RunFolder(
            config.out,
            dataclasses.asdict(config),
            resume=config.resume,
            free=flags.free_fields(Config),
        ) as run,
        report.Progress() as progress,
    ):
        caches = {name: run.path / f"poses_{name}.npz" for name in ("train", "test")}
        if not config.resume:
            for cache in caches.values():
                cache.unlink(missing_ok=True)
        if config.poses_from is not None:
            _take_poses(pathlib.Path(config.poses_from), run.config, caches)
        seconds: dict[str, float] = {}
        progress.begin("test", 1, 2)
        test, _ = Preparing(method, test_data, caches["test"], progress)(judged)
        record: dict[str, Any] = {}
        if config.no_network:
            told = chairs.by_outlines(test)
        else:
            progress.begin("train", 2, 2)
            train, planted = Preparing(method, train_data, caches["train"], progress)(
                learnt, method.planted, config.seed
            )
            started = time.monotonic()
            kept = run.path / "checkpoint"
            with learning.keeping(kept):
                members = chairs.train_members(
                    method, train, planted, config.seed, progress
                )
            seconds["training"] = time.monotonic() - started
            _save(run.path, members)
            shutil.rmtree(kept, ignore_errors=True)
            told = chairs.detect(method, members, test)
            record["train"] = chairs.measure(
                train, chairs.detect(method, members, train)
            )
        seconds["test poses"] = test.pose_seconds
        seconds["all"] = time.monotonic() - begin
        record = {
            "test": chairs.measure(test, told),
            **record,
            "seconds": seconds,
            "config": run.config,
            "versions": run.versions,
        }
        files.write_json(run.path / "metrics.json", record)
        page = run.path / "report.html"
        write_chairs_page(
            page, "PTAD on BrokenChairs' layout", record, _rows(test, told)
        )
        progress.clear()
        progress.say(_line(record["test"]))
        progress.say(f"report: {page}")


def _method(config: Config) -> Ptad:
    method = PRESETS[config.preset]()
    if config.no_pose:
        poses = dataclasses.replace(method.poses, refine=None)
        method = dataclasses.replace(method, poses=poses)
    if config.epochs is not None:
        training = dataclasses.replace(method.training, epochs=config.epochs)
        method = dataclasses.replace(method, training=training)
    return method


def _some(queries: tuple[Query, ...], config: Config) -> tuple[Query, ...]:
    if config.max_queries is None or config.max_queries >= len(queries):
        return queries
    rows = np.linspace(0, len(queries) - 1, config.max_queries).round().astype(int)
    return tuple(queries[row] for row in rows)


def _take_poses(
    other: pathlib.Path,
    config: dict[str, Any],
    caches: dict[str, pathlib.Path],
) -> None:
    """Copies another run's poses where this one has none.

    Raises:
        ConfigError: that run looked for other poses.
    """
    record = files.read_json(other / "config.json")
    theirs = record.get("config", {}) if isinstance(record, dict) else {}
    for name in _OF_POSES:
        if theirs.get(name) != config[name]:
            raise ConfigError(
                f"poses_from: found {name} {theirs.get(name)!r} in {other}, expected "
                f"{config[name]!r}"
            )
    for cache in caches.values():
        if (other / cache.name).exists() and not cache.exists():
            files.write_arrays(cache, files.read_arrays(other / cache.name))


def _save(folder: pathlib.Path, members: Sequence[Params]) -> None:
    for number, params in enumerate(members):
        arrays = {name: np.asarray(leaf) for name, leaf in params.items()}
        files.write_arrays(folder / f"network_{number}.npz", arrays)


def _rows(shown: Shown, told: Told) -> Iterator[ChairRow]:
    """Yields what the page shows, the most anomalous first."""
    for row in np.argsort(-told.logits, kind="stable"):
        query = shown.queries[row]
        yield ChairRow(
            query.image.name,
            query.kind,
            float(told.logits[row]),
            images.read_image(query.image)[0],
            shown.depths[row],
            told.maps[row],
            shown.maps[row],
        )


def _line(test: dict[str, Any]) -> str:
    numbers = [f"{key} {test[key]:.3f}" for key in _SHOWN if test[key] is not None]
    return f"{test['photographs']} photographs: {', '.join(numbers)}"
