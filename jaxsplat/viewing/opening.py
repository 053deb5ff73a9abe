"""From a folder to what is shown of it; nothing in the folder is changed."""

import dataclasses
import pathlib
from collections.abc import Mapping, Sequence
from typing import Any

import jax.numpy as jnp
import numpy as np

from jaxsplat import data
from jaxsplat.core import cameras
from jaxsplat.core.cameras import Camera
from jaxsplat.data.views import ObjectSet, View, over_background
from jaxsplat.errors import ConfigError, DataError
from jaxsplat.methods import Detector, Inspection, photographs
from jaxsplat.rendering.backends import Backend
from jaxsplat.report import figures, files, names, result_lines, results
from jaxsplat.viewing.exhibit import Exhibit, Shot

_RUN, _DETECTOR = "config.json", "detector.json"


@dataclasses.dataclass(frozen=True)
class Asked:
    """What is to be opened.

    Attributes:
        source: a run, one category's folder in a run, or a detector.
        category: object of a run that has several.
        data_dir: where the object's photographs are; as the run was told when None.
        images: photographs to inspect and show, for a detector.
        backend: of the renderer; the best that runs here when None.
    """

    source: pathlib.Path
    category: str | None = None
    data_dir: str | None = None
    images: tuple[str, ...] = ()
    backend: Backend | None = None


def open_exhibit(asked: Asked) -> Exhibit:
    """Returns what is shown of a folder.

    Raises:
        ConfigError: the run has several objects, or none of that name.
        DataError: the folder holds neither a run nor a detector.
    """
    folder, config = _find(asked.source, asked.category)
    detector = Detector.load(folder, backend=asked.backend)
    name, objects, notes = _data(asked, folder, config)
    training = () if objects is None else objects.train
    if asked.images:
        found = detector.inspect(list(asked.images))
        shots, without = _of_images(detector, found)
    elif (folder / results.RESULTS).exists():
        shots, without = _of_run(detector, folder, objects)
    else:
        shots, without = [], []
    if without:
        notes.append(f"without pose and map, hence not shown: {', '.join(without)}")
    is_one_part = bool(asked.images)
    return Exhibit(name, detector, training, tuple(shots), is_one_part, tuple(notes))


def _find(
    source: pathlib.Path, category: str | None
) -> tuple[pathlib.Path, Mapping[str, Any] | None]:
    """Returns a detector's folder, and the settings of the run that it is of."""
    if not source.is_dir():
        raise DataError(f"{source}: is no folder, expected a run or a detector")
    if (source / _DETECTOR).exists():
        if category is not None:
            raise ConfigError(f"category: {source} is one object; drop --category")
        is_of_run = (source / results.RESULTS).exists()
        return source, _config(source.resolve().parent) if is_of_run else None
    config = _config(source)
    inside = sorted(path.parent for path in source.glob(f"*/{_DETECTOR}"))
    if config is None or not inside:
        raise DataError(
            f"{source}: holds no {_DETECTOR}, nor a run's folders with one; expected "
            "a run or a detector"
        )
    known = ", ".join(path.name for path in inside)
    if category is None:
        if len(inside) > 1:
            raise ConfigError(f"category: expected one of {known}, with --category")
        return inside[0], config
    chosen = source / names.safe_name(category)
    if chosen not in inside:
        raise ConfigError(f"category: found {category!r}, expected one of {known}")
    return chosen, config


def _config(run: pathlib.Path) -> Mapping[str, Any] | None:
    """Returns the settings of a run, None where the folder is none."""
    if not (run / _RUN).exists():
        return None
    record = files.read_json(run / _RUN)
    config = record.get("config") if isinstance(record, dict) else None
    return config if isinstance(config, dict) else None


def _data(
    asked: Asked, folder: pathlib.Path, config: Mapping[str, Any] | None
) -> tuple[str, ObjectSet | None, list[str]]:
    """Returns the object's name, its data, and why there are none."""
    name = folder.resolve().name
    place, size = asked.data_dir, None
    if config is not None:
        size = config.get("size")
        place = place or config.get("data_dir") or str(data.sample_dir())
    if place is None:
        return name, None, ["training cameras are not shown: --data_dir tells of them"]
    try:
        paths = data.resolve_categories(place)
        # A category's folder has another name than the category where that is unsafe.
        named = [path for path in paths if names.safe_name(path.name) == name]
        if not named and len(paths) != 1:
            raise DataError(f"{place}: holds no object {name!r}")
        (path,) = named or paths
        return path.name, data.load_object(path, size=size), []
    except (ConfigError, DataError) as error:
        if asked.data_dir is not None:
            raise
        note = f"neither training cameras nor photographs are shown: {error}"
        return name, None, [note]


def _of_run(
    detector: Detector, folder: pathlib.Path, objects: ObjectSet | None
) -> tuple[list[Shot], list[str]]:
    """Returns the photographs of a run, and the names of those that are not shown."""
    views = {} if objects is None else {view.name: view for view in objects.test}
    shots, without = [], []
    for name, record in result_lines.peek(folder / results.RESULTS).items():
        if record.get("camera_from_world") is None or not record.get("arrays"):
            without.append(name)
            continue
        arrays = files.read_arrays(results.arrays_path(folder, name))
        view = views.get(name)
        if view is not None and view.digest != record.get("digest"):
            view = None
        shots.append(_shot(detector, record, arrays, view))
    return shots, without


def _shot(
    detector: Detector,
    record: Mapping[str, Any],
    arrays: Mapping[str, np.ndarray],
    view: View | None,
) -> Shot:
    picture = arrays["render"]
    height, width = picture.shape[:2]
    lens = detector.twin.camera
    if view is not None:
        background = np.asarray(detector.twin.background)
        whole = over_background(view, background)
        picture = figures.to_uint8(data.resize_area(whole, width, height))
        lens = view.intrinsics or lens
    score = float("nan") if record["score"] is None else float(record["score"])
    return Shot(
        str(record["name"]),
        _placed(detector, lens, (width, height), np.array(record["camera_from_world"])),
        picture,
        arrays["map"],
        score,
        record["defective"],
    )


def _of_images(
    detector: Detector, found: Sequence[Inspection]
) -> tuple[list[Shot], list[str]]:
    """Returns photographs that were just inspected, and names of those not shown."""
    shots, without = [], []
    background = np.asarray(detector.twin.background)
    for one in found:
        if one.anomaly_map is None or one.render is None:
            without.append(f"{one.name} ({one.reason})")
            continue
        height, width = one.render.shape[:2]
        view = View(one.name, *data.read_image(pathlib.Path(one.name)))
        picture = photographs.as_rendered(
            view, detector.lens, background, (height, width)
        )
        shots.append(
            Shot(
                one.name,
                _placed(
                    detector,
                    detector.twin.camera,
                    (width, height),
                    one.camera_from_world,
                ),
                figures.to_uint8(picture),
                one.anomaly_map,
                one.score,
                one.defective,
            )
        )
    return shots, without


def _placed(
    detector: Detector, lens: Camera, size: tuple[int, int], pose: np.ndarray
) -> Camera:
    """Returns a lens at a size and at a pose of the user's world, inside."""
    inside = detector.world.camera_to_inside(pose)
    sized = cameras.resized(lens, *size)
    return cameras.with_pose(sized, jnp.asarray(inside, jnp.float32))
