"""A detector as a folder: scene.ply, detector.json, arrays.safetensors.

`scene.ply` opens in any viewer of 3DGS; it holds inside coordinates, since the user's
may be too far from their origin for float32. `world` in the JSON file leads from the
user's to them. The arrays are the states of the parts. The JSON file is written last
and holds the digests of the two others, so a folder is whole or refused.
"""

import dataclasses
import hashlib
import json
import math
import os
import pathlib
from typing import Any

import numpy as np

from jaxsplat.core.devices import find_devices
from jaxsplat.data import atomic
from jaxsplat.data.world import World
from jaxsplat.errors import DataError
from jaxsplat.methods import storage
from jaxsplat.methods.inspecting import Prepared
from jaxsplat.rendering.backends import Backend, resolve_backend
from jaxsplat.rendering.twin import Twin
from jaxsplat.scene import splats
from jaxsplat.scene.gaussians import in_few_sizes

_FORMAT = 9
# Attributes of `Prepared` that are stored as they are.
_OTHERS = ("calibration", "quality", "nearness", "lens", "by_background")
_SCENE, _ARRAYS, _RECORD = "scene.ply", "arrays.safetensors", "detector.json"


def save(
    folder: str | os.PathLike[str], known: Prepared, settings: dict[str, Any]
) -> None:
    """Writes a detector's folder; an older detector there is replaced.

    Args:
        folder: made when it is not there.
        known: what inspection needs.
        settings: method and whatever else belongs to the detector, storable.

    Raises:
        ConfigError: a part or a state is of a class that is not storable.
        OSError: the folder is full or not writable.
    """
    root = pathlib.Path(folder)
    arrays: storage.Arrays = {}
    twin = {
        field.name: getattr(known.twin, field.name)
        for field in dataclasses.fields(Twin)
        if field.name not in ("gaussians", "backend")
    }
    members = {
        "twin": storage.encode(twin, arrays, "twin"),
        "states": storage.encode(known.states, arrays, "states"),
        **{
            name: storage.encode(getattr(known, name), arrays, name) for name in _OTHERS
        },
        "settings": storage.encode(settings, arrays, "settings"),
    }
    root.mkdir(parents=True, exist_ok=True)
    (root / _RECORD).unlink(missing_ok=True)
    splats.write_splats(root / _SCENE, known.twin.gaussians)
    storage.write_arrays(root / _ARRAYS, arrays)
    digests = {name: _digest(root / name) for name in (_SCENE, _ARRAYS)}
    world = {
        "formula": "inside = (user - center) * scale",
        # Python writes and reads every float exactly.
        "center": known.world.center.tolist(),
        "scale": known.world.scale,
    }
    record = {"format": _FORMAT, "sha256": digests, "world": world, **members}
    text = json.dumps(record, indent=1, allow_nan=False)
    atomic.write_bytes(root / _RECORD, text.encode())


def load(
    folder: str | os.PathLike[str], backend: Backend | None = None
) -> tuple[Prepared, dict[str, Any]]:
    """Returns what `save` was given, bit for bit.

    Args:
        folder: that `save` wrote.
        backend: of the renderer; the best that runs here when None.

    Raises:
        DataError: a file is missing, changed, of a newer format, or names a class that
            is not known here.
        ConfigError: JAX finds no device to run on.
    """
    find_devices()
    root = pathlib.Path(folder)
    where = str(root / _RECORD)
    try:
        record = json.loads((root / _RECORD).read_text(encoding="utf-8"))
        found = record["format"]
        digests = {name: record["sha256"][name] for name in (_SCENE, _ARRAYS)}
    except OSError as error:
        raise DataError(
            f"{root}: holds no detector ({_RECORD}: {error.strerror})"
        ) from error
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise DataError(f"{where}: is damaged ({error!r}); fit again") from error
    if found != _FORMAT:
        raise DataError(f"{where}: found format {found}, expected {_FORMAT}; fit again")
    for name, expected in digests.items():
        if _digest(root / name) != expected:
            raise DataError(f"{root / name}: is not the file that was saved; fit again")
    arrays = storage.read_arrays(root / _ARRAYS)
    try:
        twin, settings, states, *others = (
            storage.decode(record[key], arrays, where)
            for key in ("twin", "settings", "states", *_OTHERS)
        )
        gaussians = in_few_sizes(splats.read_splats(root / _SCENE))
        whole = Twin(gaussians=gaussians, backend=resolve_backend(backend), **twin)
        world = _world(record["world"])
    except DataError:
        raise
    except (KeyError, TypeError, ValueError) as error:
        raise DataError(f"{where}: is damaged ({error!r}); fit again") from error
    kept = dict(zip(_OTHERS, others, strict=True))
    return Prepared(whole, states, world=world, **kept), settings


def _world(record: dict[str, Any]) -> World:
    """Returns the similarity that a file holds.

    Raises:
        ValueError: it is none.
    """
    center, scale = np.array(record["center"], np.float64), float(record["scale"])
    if center.shape != (3,) or not np.isfinite(center).all():
        raise ValueError(f"world: center {record['center']}")
    if not (math.isfinite(scale) and scale > 0):
        raise ValueError(f"world: scale {scale}")
    return World(center, scale)


def _digest(path: pathlib.Path) -> str:
    try:
        return hashlib.sha256(path.read_bytes()).hexdigest()
    except OSError as error:
        raise DataError(f"{path}: cannot be read: {error.strerror}") from error
