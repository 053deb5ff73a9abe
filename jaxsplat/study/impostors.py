"""Photographs that do not show the object: no verdict about it is right."""

import dataclasses
from collections.abc import Callable, Sequence
from typing import NamedTuple

import cv2
import numpy as np
from jaxtyping import Float

from jaxsplat.data.views import View, over_background
from jaxsplat.study import cutouts, degraded_sets, sensor, surroundings
from jaxsplat.study.surroundings import RGB

_NOISE = 3.0  # grey levels
_BLOCKS = 5  # a side, of the shuffled photograph


class Impostor(NamedTuple):
    """A photograph of something else.

    Attributes:
        kind: what it shows, of `KINDS`.
        image: RGB in [0, 1], in levels of 255, [h, w, 3].
    """

    kind: str
    image: Float[np.ndarray, "h w 3"]


@dataclasses.dataclass(frozen=True)
class Source:
    """What photographs of something else are made from.

    Attributes:
        size: width and height of the photographs.
        background: RGB behind the detector's own object.
        own: photographs of that object; may be none.
        others: photographs of other objects, each with the RGB of its background (None
            where that is not plain); may be none.
    """

    size: tuple[int, int]
    background: RGB
    own: Sequence[View]
    others: Sequence[tuple[View, RGB | None]]


Maker = Callable[[Source, np.random.Generator], Float[np.ndarray, "h w 3"]]


def photographs(source: Source, count: int, seed: int) -> list[Impostor]:
    """Returns photographs that do not show the object, of all kinds in turn.

    Kinds for which the source has no material are left out.

    Args:
        source: of the material.
        count: how many.
        seed: of everything random.
    """
    makers = dict(KINDS)
    if not source.own:
        del makers["shuffled"]
    if not source.others:
        del makers["other_object"], makers["other_object_in_clutter"]
    found = []
    for number in range(count):
        kind = list(makers)[number % len(makers)]
        rng = degraded_sets.chance(seed, f"{kind} {number}")
        image = makers[kind](source, rng)
        if kind != "noise":
            image = sensor.noisy(image, _NOISE, rng)
        pixels = sensor.to_bytes(image)
        found.append(Impostor(kind, pixels.astype(np.float32) / np.float32(255)))
    return found


def _empty(source: Source, rng: np.random.Generator) -> Float[np.ndarray, "h w 3"]:
    """Returns the detector's background without an object, lit a little otherwise."""
    width, height = source.size
    color = np.array(source.background) * rng.uniform(0.8, 1.0)
    red, green, blue = (float(x) for x in color)
    return surroundings.plain(height, width, (red, green, blue))


def _empty_room(source: Source, rng: np.random.Generator) -> Float[np.ndarray, "h w 3"]:
    width, height = source.size
    return surroundings.floor_and_wall(height, width, rng)


def _clutter(source: Source, rng: np.random.Generator) -> Float[np.ndarray, "h w 3"]:
    width, height = source.size
    return surroundings.clutter(height, width, rng)


def _noise(source: Source, rng: np.random.Generator) -> Float[np.ndarray, "h w 3"]:
    width, height = source.size
    return rng.uniform(0, 1, (height, width, 3)).astype(np.float32)


def _page(source: Source, rng: np.random.Generator) -> Float[np.ndarray, "h w 3"]:
    width, height = source.size
    return surroundings.page(height, width, rng)


def _other_object(
    source: Source, rng: np.random.Generator
) -> Float[np.ndarray, "h w 3"]:
    width, height = source.size
    behind = surroundings.plain(height, width, source.background)
    return _before(source, behind, rng)


def _other_object_in_clutter(
    source: Source, rng: np.random.Generator
) -> Float[np.ndarray, "h w 3"]:
    return _before(source, _clutter(source, rng), rng)


def _before(
    source: Source, behind: Float[np.ndarray, "h w 3"], rng: np.random.Generator
) -> Float[np.ndarray, "h w 3"]:
    """Returns another object before a picture; its whole photograph if uncut."""
    view, background = source.others[int(rng.integers(len(source.others)))]
    shot = degraded_sets.shot_of(view, background)
    if shot.cutout is None:
        return _fitted(shot.image, source.size)
    color = _fitted(shot.cutout.color, source.size)
    return cutouts.over(color, _fitted(shot.cutout.coverage, source.size), behind)


def _shuffled(source: Source, rng: np.random.Generator) -> Float[np.ndarray, "h w 3"]:
    """Returns a photograph of the object itself, cut into blocks and mixed."""
    view = source.own[int(rng.integers(len(source.own)))]
    image = over_background(view, np.array(source.background, np.float32))
    whole = _fitted(image, source.size)
    rows, columns = (
        np.linspace(0, side, _BLOCKS + 1).astype(int)[:-1] for side in whole.shape[:2]
    )
    height, width = (side // _BLOCKS for side in whole.shape[:2])
    corners = [(row, column) for row in rows for column in columns]
    mixed = whole.copy()
    for place, taken in enumerate(rng.permutation(len(corners))):
        row, column = corners[place]
        from_row, from_column = corners[taken]
        block = whole[from_row : from_row + height, from_column : from_column + width]
        mixed[row : row + height, column : column + width] = block
    return mixed


def _fitted(
    image: Float[np.ndarray, "_ _ *c"], size: tuple[int, int]
) -> Float[np.ndarray, "h w *c"]:
    """Returns a picture in the middle of another size, scaled to fill it, cropped."""
    width, height = size
    factor = max(width / image.shape[1], height / image.shape[0])
    around = round(factor * image.shape[1]), round(factor * image.shape[0])
    way = cv2.INTER_AREA if factor < 1 else cv2.INTER_LINEAR
    scaled = cv2.resize(image, around, interpolation=way)
    row, column = (around[1] - height) // 2, (around[0] - width) // 2
    return np.clip(scaled[row : row + height, column : column + width], 0, 1)


KINDS: dict[str, Maker] = {
    "empty": _empty,
    "empty_room": _empty_room,
    "clutter": _clutter,
    "other_object": _other_object,
    "other_object_in_clutter": _other_object_in_clutter,
    "noise": _noise,
    "page": _page,
    "shuffled": _shuffled,
}
