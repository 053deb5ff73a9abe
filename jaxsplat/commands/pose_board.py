"""Poses of photographs by a marker board: `python -m experiments.pose_board`.

First `--print=board.png` writes the board: print it at 100 %, glue it flat, and measure
a square. Stand the good object on it and photograph from all sides with one lens and
focus. Then `--images=PHOTOS --out=FOLDER` finds lens and poses, and writes a data set
that `experiments.fit` and `experiments.mad` take. Photographs without the board, or
whose corners do not agree with the others, are left out and named.
"""

import collections
import dataclasses
import pathlib
from collections.abc import Mapping, Sequence

import cv2
import numpy as np

from jaxsplat import data, report
from jaxsplat.commands import flags
from jaxsplat.data import atomic, board_poses, paths
from jaxsplat.data.board_poses import BoardPoses
from jaxsplat.data.boards import Board, Sighting
from jaxsplat.errors import ConfigError, DataError
from jaxsplat.report import figures, files

_MM_PER_UNIT = 1000.0
_TRAIN = "train/good"
_OPENGL_FROM_OPENCV = np.diag([1.0, -1.0, -1.0, 1.0])


@dataclasses.dataclass(frozen=True)
class Config:
    """Settings of the board and its photographs; each is a flag."""

    print: str | None = flags.option(None, "PNG file to write the board to")
    images: str | None = flags.option(
        None, "folder of photographs that show the board; folders in it are not read"
    )
    out: str | None = flags.option(None, "new or empty folder for the data set")
    columns: int = flags.option(10, "squares from left to right, as printed", lower=3)
    rows: int = flags.option(7, "squares from top to bottom", lower=3)
    square_mm: float = flags.option(25.0, "side of a square, as measured on the print")
    height_mm: float = flags.option(
        0.0, "height of the world's origin above the board; half the object's is good"
    )

    def __post_init__(self) -> None:
        if (self.images is None) != (self.out is None):
            raise ConfigError("images, out: expected both or none")
        if self.images is None and self.print is None:
            raise ConfigError("print: expected a file, or images and out")
        if self.print is not None and not self.print.lower().endswith(".png"):
            raise ConfigError(f"print: found {self.print!r}, expected a .png file")
        self.board()

    def board(self) -> Board:
        """Returns the board that the flags describe."""
        return Board(self.columns, self.rows, self.square_mm, self.height_mm)


def main(config: Config) -> None:
    """Writes the board, the data set, or both."""
    board = config.board()
    with report.Progress() as progress:
        if config.print is not None:
            atomic.write_bytes(config.print, board.page())
            progress.say(f"{config.print}: {board.description}")
        if config.images is not None and config.out is not None:
            folder, out = pathlib.Path(config.images), pathlib.Path(config.out)
            _check_empty(out)
            _pose(board, folder, out, progress)


def _check_empty(out: pathlib.Path) -> None:
    if out.exists() and (not out.is_dir() or any(out.iterdir())):
        raise ConfigError(
            f"{out}: is there and holds something; choose a new or empty folder with "
            "--out"
        )


def _pose(
    board: Board, folder: pathlib.Path, out: pathlib.Path, progress: report.Progress
) -> None:
    photographs = paths.list_images(paths.check_folder(folder))
    if not photographs:
        raise DataError(
            f"{folder}: holds no photograph that can be read, expected "
            f"{', '.join(paths.IMAGE_SUFFIXES)}; folders in it are not searched"
        )
    seen, left_out, size = _look(board, photographs, progress)
    try:
        found = board_poses.solve(seen, *size)
    except DataError as error:
        told = _told(left_out)
        raise DataError(f"{folder}: {error}{f' ({told})' * bool(told)}") from None
    for name, error_px in found.outlying.items():
        reason = f"its corners are {error_px:.1f} px from where they should be"
        left_out.setdefault(reason, []).append(name)
    for reason, names in left_out.items():
        for name in names:
            progress.note(f"{name}: left out: {reason}")
    _write(out, folder, board, found, size)
    progress.clear()
    for line in _summary(found, len(photographs), board):
        progress.say(line)
    progress.say(f"data set: {out}")


def _look(
    board: Board, photographs: Sequence[pathlib.Path], progress: report.Progress
) -> tuple[dict[str, Sighting], dict[str, list[str]], tuple[int, int]]:
    """Returns where the board is, photographs by why they are left out, and the size.

    The size is that of most photographs in which the board is seen: others have
    another lens, or were cropped.
    """
    seen: dict[str, Sighting] = {}
    sizes: dict[str, tuple[int, int]] = {}
    left_out: dict[str, list[str]] = {}
    for number, path in enumerate(photographs):
        progress.update("board", number, len(photographs))
        try:
            image, _ = data.read_image(path)
        except DataError as error:
            reason = str(error).removeprefix(f"{path}: ")
            left_out.setdefault(reason, []).append(path.name)
            continue
        grey = cv2.cvtColor(figures.to_uint8(image), cv2.COLOR_RGB2GRAY)
        sighting = board.find(grey)
        if sighting is None:
            left_out.setdefault("the board is not seen", []).append(path.name)
            continue
        seen[path.name], sizes[path.name] = sighting, (grey.shape[1], grey.shape[0])
    if not seen:
        return seen, left_out, (1, 1)
    usual = collections.Counter(sizes.values()).most_common(1)[0][0]
    for name, (width, height) in sizes.items():
        if (width, height) != usual:
            del seen[name]
            reason = f"{width}x{height} pixels, the others have {usual[0]}x{usual[1]}"
            left_out.setdefault(reason, []).append(name)
    return seen, left_out, usual


def _told(left_out: Mapping[str, Sequence[str]]) -> str:
    """Returns how many photographs were left out for what, in a line."""
    return "; ".join(
        f"{reason}: {names[0]}" + f" and {len(names) - 1} more" * (len(names) > 1)
        for reason, names in left_out.items()
    )


def _write(
    out: pathlib.Path,
    folder: pathlib.Path,
    board: Board,
    found: BoardPoses,
    size: tuple[int, int],
) -> None:
    """Writes the data set; what makes it one, transforms.json, comes last."""
    frames = []
    for name, camera_from_world in found.camera_from_world.items():
        atomic.write_bytes(out / _TRAIN / name, (folder / name).read_bytes())
        world_from_camera = np.linalg.inv(camera_from_world) @ _OPENGL_FROM_OPENCV
        world_from_camera[:3, 3] /= _MM_PER_UNIT
        frames.append(
            {
                "file_path": f"{_TRAIN}/{name}",
                "transform_matrix": world_from_camera,
                "reprojection_error_px": found.error_px[name],
            }
        )
    k1, k2, p1, p2 = found.distortion
    record = {
        "camera_model": "OPENCV",
        **{"fl_x": found.focal, "fl_y": found.focal, "cx": found.cx, "cy": found.cy},
        **{"w": size[0], "h": size[1], "k1": k1, "k2": k2, "p1": p1, "p2": p2},
        "unit": "metre",
        "board": board.description,
        "frames": frames,
    }
    files.write_json(out / "transforms.json", record)


def _summary(found: BoardPoses, photographs: int, board: Board) -> list[str]:
    errors = found.error_px
    worst = max(errors, key=errors.__getitem__)
    middle = np.array([0.0, 0.0, -board.origin_mm])
    eyes = np.stack(
        [-m[:3, :3].T @ m[:3, 3] - middle for m in found.camera_from_world.values()]
    )
    away = np.linalg.norm(eyes, axis=1)
    above = np.degrees(np.arcsin(eyes[:, 2] / away))
    bent = ", ".join(f"{value:.3g}" for value in found.distortion)
    return [
        f"{len(errors)} of {photographs} photographs posed, reprojection error "
        f"{np.median(list(errors.values())):.2f} px (worst {errors[worst]:.2f}: "
        f"{worst})",
        f"lens: focal length {found.focal:.1f} px, principal point "
        f"{found.cx:.1f}, {found.cy:.1f}, k1 k2 p1 p2 {bent}",
        f"cameras: {away.min():.0f} to {away.max():.0f} mm from the board's middle, "
        f"{above.min():.0f} to {above.max():.0f} degrees above it",
    ]
