"""Where the object was found in the training views, as pictures for people."""

import pathlib
from collections.abc import Sequence

import cv2
import numpy as np
from jaxtyping import UInt8

from jaxsplat.data import splits
from jaxsplat.data.views import View, over_background
from jaxsplat.errors import DataError
from jaxsplat.report import figures, files
from jaxsplat.report.content import ShownForeground
from jaxsplat.scene.foreground import told
from jaxsplat.scene.found import Foreground

_SIDE = 160  # pixels of a picture's longer side
_MOST, _MOST_DISAGREEING = 6, 2
# Of the contact sheet, in pixels and RGB.
_COLUMNS, _GAP, _LINE = 4, 8, 16
_WHITE = np.ones(3, np.float32)
_PAPER, _INK, _BAD = (255, 255, 255), (60, 66, 72), (179, 38, 30)
_FONT, _FONT_SCALE = cv2.FONT_HERSHEY_SIMPLEX, 0.38


def show(views: Sequence[View], foreground: Foreground) -> ShownForeground:
    """Returns what people are shown of where the object was found.

    Args:
        views: all training views, as `find_foreground` was given them.
        foreground: what it returned, with a coverage.
    """
    assert foreground.coverage is not None
    worst = foreground.disagreeing[:_MOST_DISAGREEING]
    evenly = splits.spread(len(views), min(_MOST, len(views)))
    chosen = sorted({*evenly, *(i for i, v in enumerate(views) if v.name in worst)})
    return ShownForeground(
        told=told(foreground)[0],
        disagreeing=foreground.disagreeing,
        names=tuple(views[i].name for i in chosen),
        pictures=np.stack(
            [
                figures.spotlight(_photograph(views[i]), foreground.coverage[i])
                for i in chosen
            ]
        ),
    )


def contact_sheet(shown: ShownForeground) -> UInt8[np.ndarray, "sheet_h sheet_w 3"]:
    """Returns the pictures in rows, each above its view's name.

    Views that disagree with the others say so.
    """
    count, height, width = shown.pictures.shape[:3]
    columns = min(_COLUMNS, count)
    # Small pictures have names too.
    across, down = max(width, _SIDE) + _GAP, height + 2 * _LINE + _GAP
    size = -(-count // columns) * down + _GAP, columns * across + _GAP
    sheet = np.full((*size, 3), _PAPER, np.uint8)
    for index, (name, picture) in enumerate(zip(shown.names, shown.pictures)):
        top = _GAP + index // columns * down
        left = _GAP + index % columns * across
        sheet[top : top + height, left : left + width] = picture
        foot = (left, top + height + _LINE - 4)
        _write(sheet, _fitting(name, across - _GAP), foot, _INK)
        if name in shown.disagreeing:
            _write(sheet, "disagrees", (foot[0], foot[1] + _LINE), _BAD)
    return sheet


def write(path: pathlib.Path, shown: ShownForeground) -> None:
    """Writes the pictures and what is said of them, atomically, for `read`."""
    arrays = {
        "told": np.array(shown.told),
        "disagreeing": np.array(shown.disagreeing, str),
        "names": np.array(shown.names, str),
        "pictures": shown.pictures,
    }
    files.write_arrays(path, arrays)


def read(path: pathlib.Path) -> ShownForeground | None:
    """Returns what `write` was given, None where nothing was written.

    Raises:
        DataError: the file is damaged.
    """
    if not path.exists():
        return None
    arrays = files.read_arrays(path)
    try:
        return ShownForeground(
            told=str(arrays["told"]),
            disagreeing=tuple(arrays["disagreeing"].tolist()),
            names=tuple(arrays["names"].tolist()),
            pictures=arrays["pictures"],
        )
    except KeyError as error:
        raise DataError(f"{path}: {error} is missing; remove the file") from error


def _photograph(view: View) -> figures.Rgb8:
    """Returns a small picture of a view, a cut-out on white."""
    image = over_background(view, _WHITE)
    return figures.thumbnail(figures.to_uint8(image), _SIDE)


def _write(
    sheet: figures.Rgb8, text: str, foot: tuple[int, int], color: tuple[int, int, int]
) -> None:
    cv2.putText(sheet, text, foot, _FONT, _FONT_SCALE, color, 1, cv2.LINE_AA)


def _fitting(name: str, width: int) -> str:
    """Returns a name, without its beginning where that is too long for a width."""
    if _width(name) <= width:
        return name
    while name and _width("..." + name) > width:
        name = name[1:]
    return "..." + name


def _width(text: str) -> int:
    (width, _), _ = cv2.getTextSize(text, _FONT, _FONT_SCALE, 1)
    return int(width)
