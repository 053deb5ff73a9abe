"""A copy of an object's folder whose photographs are degraded as cameras do it."""

import dataclasses
import hashlib
import json
import os
import pathlib
import shutil
from collections.abc import Iterable, Iterator, Sequence

import numpy as np
from jaxtyping import UInt8

from jaxsplat import data
from jaxsplat.core.cameras import Camera
from jaxsplat.data import atomic, paths
from jaxsplat.data.views import ObjectSet, View
from jaxsplat.errors import ConfigError, DataError
from jaxsplat.study import cutouts, frame_files, kinds, photographic, sensor
from jaxsplat.study.frame_files import Moved
from jaxsplat.study.kinds import Degradation, Split

NOTE = "degraded.txt"
_TRUTH = "ground_truth"
_PARTIAL = ".partial"


@dataclasses.dataclass(frozen=True)
class Recipe:
    """What happens to a set of photographs.

    Attributes:
        names: of `kinds.KINDS`, all at once; none makes a plain copy.
        apply_to: the photographs; each kind's own when None.
        seed: of everything random. With it a photograph depends on its name alone.
        photographs: that clutter may show pieces of, RGB of any size.
    """

    names: tuple[str, ...]
    apply_to: tuple[Split, ...] | None = None
    seed: int = 0
    photographs: Sequence[UInt8[np.ndarray, "_ _ 3"]] = ()

    def change(self, split: Split) -> Degradation:
        """Returns what happens to the photographs of a split.

        Raises:
            ConfigError: there is no such kind, or two kinds contradict each other.
        """
        return kinds.combined(
            name
            for name in self.names
            if split in (self.apply_to or kinds.KINDS[name].splits)
        )


def write(source: pathlib.Path, out: pathlib.Path, recipe: Recipe) -> int:
    """Writes the degraded copy of an object's folder; returns how many photographs.

    Layout, poses, masks and licence go along. Where a photograph gets another name, or
    its camera turns, the files that list it say so. `NOTE` says what was done. Other
    files are copied as they are.

    Args:
        source: the object's folder.
        out: the copy's; new or empty.
        recipe: what happens.

    Raises:
        ConfigError: `out` holds something or lies in `source`; a kind is unknown.
        DataError: the object's files are not what they should be, or do not say where
            the object is and a kind needs that.
    """
    changes: dict[Split, Degradation] = {
        "train": recipe.change("train"),
        "test": recipe.change("test"),
    }
    objects = data.load_object(source)
    if out.resolve().is_relative_to(source.resolve()):
        raise ConfigError(f"out: {out} lies in {source}; choose a folder outside")
    if out.exists() and (not out.is_dir() or any(out.iterdir())):
        raise ConfigError(f"out: {out} is there already; choose a new folder")
    # Whole or absent, as every file of it.
    partial = out.with_name(f".{out.name}{_PARTIAL}")
    shutil.rmtree(partial, ignore_errors=True)
    try:
        moved = _write_photographs(source, partial, objects, changes, recipe)
        _copy_others(source, partial, moved)
        frame_files.write_moved(source, partial, moved)
        note = _note(source, changes, recipe).encode()
        atomic.write_bytes(partial / NOTE, note)
        if out.exists():
            out.rmdir()
        os.replace(partial, out)
    except BaseException:
        shutil.rmtree(partial, ignore_errors=True)
        raise
    return len(moved)


def read_photographs(
    places: Iterable[str | os.PathLike[str]],
) -> tuple[UInt8[np.ndarray, "_ _ 3"], ...]:
    """Returns photographs of which clutter shows pieces.

    Args:
        places: image files, or folders of them.

    Raises:
        DataError: one cannot be read, or a folder holds none.
    """
    found: list[pathlib.Path] = []
    for place in map(pathlib.Path, places):
        listed = paths.list_images(place) if place.is_dir() else (place,)
        if not listed:
            raise DataError(f"{place}: holds no images, expected photographs")
        found += listed
    return tuple(sensor.to_bytes(data.read_image(path)[0]) for path in found)


def chance(seed: int, name: str) -> np.random.Generator:
    """Returns random numbers that depend on a seed and a name alone."""
    digest = hashlib.sha256(f"{seed}/{name}".encode()).digest()
    return np.random.default_rng(int.from_bytes(digest[:16], "little"))


def shot_of(
    view: View,
    background: tuple[float, float, float] | None,
    camera: Camera | None = None,
) -> photographic.Shot:
    """Returns a view as a clean picture.

    Args:
        view: the photograph.
        background: RGB of the plain background, None where it is not plain.
        camera: that took it, where it matters.
    """
    if view.alpha is not None:
        cutout = cutouts.of_alpha(view.image, view.alpha)
        white = np.ones_like(view.image)
        image = cutouts.over(cutout.color, cutout.coverage, white)
        return photographic.Shot(image, cutout, None, view.mask, camera)
    if background is None:
        return photographic.Shot(view.image, mask=view.mask, camera=camera)
    color = np.array(background, np.float32)
    cutout = cutouts.of_plain_background(view.image, color)
    return photographic.Shot(view.image, cutout, color, view.mask, camera)


def _write_photographs(
    source: pathlib.Path,
    out: pathlib.Path,
    objects: ObjectSet,
    changes: dict[Split, Degradation],
    recipe: Recipe,
) -> dict[str, Moved]:
    """Writes all photographs and their masks; returns what became of each by name."""
    truths = dict(_truth_files(source, objects.test))
    views: dict[Split, tuple[View, ...]] = {
        "train": objects.train,
        "test": objects.test,
    }
    moved: dict[str, Moved] = {}
    for split, change in changes.items():
        for view in views[split] if change != Degradation() else ():
            shot = _shot(source, view, objects, change)
            rng = chance(recipe.seed, view.name)
            taken = photographic.take(shot, change, rng, recipe.photographs)
            name = _new_name(source, view.name, taken.suffix)
            atomic.write_bytes(out / name, taken.file)
            (height, width), (rows, columns) = (
                shot.image.shape[:2],
                taken.pixels.shape[:2],
            )
            moved[view.name] = Moved(name, taken.turn, (columns / width, rows / height))
            if view.name in truths and change.moves_pixels:
                assert taken.mask is not None
                pixels = np.where(taken.mask, np.uint8(255), np.uint8(0))
                atomic.write_bytes(out / truths[view.name], sensor.encode_png(pixels))
    return moved


def _shot(
    source: pathlib.Path, view: View, objects: ObjectSet, change: Degradation
) -> photographic.Shot:
    """Returns a view's file as a clean picture.

    Its own pixels are read: those of the view may have another size or lens.

    Raises:
        DataError: the file does not tell where the object is, which must be known.
    """
    image, alpha = data.read_image(source / view.name)
    raw = dataclasses.replace(
        view, image=image, alpha=None if view.alpha is None else alpha
    )
    plain = objects.background if objects.background_is_plain else None
    shot = shot_of(raw, plain, view.camera or objects.intrinsics)
    if change.needs_object and shot.cutout is None:
        raise DataError(
            f"{source}: {view.name} has neither alpha nor a plain background, so that "
            "nobody knows where the object is, as other surroundings, a shadow, "
            "something in front or a cut-off need; choose other kinds"
        )
    return shot


def _new_name(source: pathlib.Path, name: str, suffix: str) -> str:
    """Returns a photograph's name with its new suffix."""
    old = pathlib.PurePosixPath(name)
    if suffix == ".jpg" and old.suffix.lower() in (".jpg", ".jpeg"):
        return name
    new = str(old.with_suffix(suffix))
    if new != name and (source / new).exists():
        raise DataError(
            f"{source}: {name} would become {new}, which is there too; rename one"
        )
    return new


def _truth_files(
    source: pathlib.Path, test: Sequence[View]
) -> Iterator[tuple[str, str]]:
    """Yields each defective view's name and the file that marks its defect."""
    for view in test:
        name = pathlib.PurePosixPath(view.name)
        folder = source / _TRUTH / name.parent.name
        for path in paths.list_images(folder):
            if path.stem.removesuffix("_mask") == name.stem:
                yield view.name, path.relative_to(source).as_posix()


def _copy_others(
    source: pathlib.Path, out: pathlib.Path, moved: dict[str, Moved]
) -> None:
    """Copies every file that was not written already."""
    for path in sorted(source.rglob("*")):
        name = path.relative_to(source).as_posix()
        if not path.is_file() or name in moved or (out / name).exists():
            continue
        (out / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(path, out / name)


def _note(
    source: pathlib.Path, changes: dict[Split, Degradation], recipe: Recipe
) -> str:
    """Returns what was done, in words."""
    nothing = dataclasses.asdict(Degradation())
    lines = [
        f"A copy of {source.resolve().name} with photographs degraded by jaxsplat.",
        "The licence of the original, which stands beside this file, is that of the "
        "copy too.",
        f"kinds: {', '.join(recipe.names) or 'none'}; seed: {recipe.seed}; "
        f"photographs that clutter is cut from: {len(recipe.photographs)}",
    ]
    for split, change in changes.items():
        said = dataclasses.asdict(change)
        steps = {key: v for key, v in said.items() if v != nothing[key]}
        lines.append(f"{split}: {json.dumps(steps) if steps else 'unchanged'}")
    return "\n".join(lines) + "\n"
