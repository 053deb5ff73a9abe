"""Findings as a line reads them: JSON on stdout, pictures in a folder, an exit code."""

import hashlib
import math
import os
import pathlib
from typing import Any

import numpy as np
from jaxtyping import Float, UInt8

from jaxsplat.commands import endings
from jaxsplat.data import atomic
from jaxsplat.errors import DataError
from jaxsplat.methods import Detector, Inspection, PartInspection, photographs
from jaxsplat.report import figures, files, names
from jaxsplat.report.progress import Progress
from jaxsplat.scene import splats
from jaxsplat.scene.gaussians import Gaussians

_VERDICTS = {None: None, False: "good", True: "defective"}
_LINES, _SCENE = "results.jsonl", "anomaly.ply"
# The hottest colour of heat maps, in multiples of the threshold.
_HOTTEST = 2.0


class Told:
    """Tells findings one by one, and keeps of them no more than the exit code."""

    def __init__(
        self,
        detector: Detector,
        out: pathlib.Path | None,
        progress: Progress,
        *,
        append: bool,
    ) -> None:
        """Begins, with the lines of an earlier run removed unless `append`.

        Args:
            detector: that finds.
            out: folder for heat maps, renders and `results.jsonl`, or None.
            progress: takes remarks.
            append: keep the lines that are in the folder.

        Raises:
            OSError: the folder cannot be written to.
        """
        self._threshold = detector.threshold
        self._lens = detector.lens
        self._background = np.asarray(detector.twin.background)
        self._out = out
        self._progress = progress
        self._defects, self._open = 0, 0
        if out is not None:
            out.mkdir(parents=True, exist_ok=True)
            with (out / _LINES).open("a" if append else "w"):
                pass

    @property
    def code(self) -> int:
        """The exit code of what was told so far."""
        if self._defects:
            return endings.DEFECT_FOUND
        return endings.NOT_JUDGED if self._open else 0

    def not_judged(self, path: pathlib.Path, reason: str) -> None:
        """Counts a photograph that was never inspected."""
        self._open += 1
        self._progress.note(f"{path}: {reason}")

    def tell(self, path: pathlib.Path, found: Inspection) -> None:
        """Prints a finding, and writes its pictures before."""
        self._defects += found.defective is True
        self._open += found.defective is None
        line = line_of(path, found)
        if self._out is not None:
            line |= self._pictures(self._out, path, found)
        self._print(line)

    def tell_part(self, found: PartInspection, scene: Gaussians) -> None:
        """Prints the findings about a part and its photographs.

        The exit code is that of the part alone. The scene, the twin's, is written with
        the anomaly of every Gaussian, `anomaly`.
        """
        for one in found.photographs:
            self.tell(pathlib.Path(one.name), one)
        self._defects = int(found.defective is True)
        self._open = int(found.defective is None)
        line = {
            "photographs": len(found.photographs),
            "judged": len(found.judged),
            "verdict": _VERDICTS[found.defective],
            "score": _finite(found.score),
            "p_value": _finite(found.p_value),
            "threshold": _finite(found.threshold),
            "reason": found.reason,
        }
        if self._out is not None:
            line["scene"] = _SCENE
            properties = {"anomaly": np.nan_to_num(found.anomalies)}
            splats.write_splats(self._out / _SCENE, scene, properties)
        self._print({"part": line})

    def _print(self, line: dict[str, Any]) -> None:
        text = files.dump_json(line)
        if self._out is not None:
            with (self._out / _LINES).open("a") as file:
                file.write(text + "\n")
        self._progress.clear()
        print(text, flush=True)

    def _pictures(
        self, out: pathlib.Path, path: pathlib.Path, found: Inspection
    ) -> dict[str, str | None]:
        """Returns where the heat map and the render were written, None where none."""
        written: dict[str, str | None] = {"heat_map": None, "render": None}
        if found.render is None or found.anomaly_map is None:
            return written
        stem = picture_name(path)
        pictures = {"render": figures.to_uint8(found.render)}
        height, width = found.render.shape[:2]
        photo = self._photograph(path, (height, width))
        if photo is not None:
            scale = (0.0, self._hottest(found.anomaly_map))
            pictures["heat_map"] = figures.overlay(photo, found.anomaly_map, scale)
        for kind, picture in pictures.items():
            target = out / f"{kind}s" / f"{stem}.png"
            atomic.write_bytes(target, figures.encode_png(picture))
            written[kind] = f"{kind}s/{stem}.png"
        return written

    def _photograph(
        self, path: pathlib.Path, shape: tuple[int, int]
    ) -> UInt8[np.ndarray, "h w 3"] | None:
        """Returns a photograph as its render shows it, None where it is gone."""
        try:
            photo = photographs.beside_render(path, self._lens, self._background, shape)
        except DataError as error:
            self._progress.note(f"{error}; no heat map is drawn")
            return None
        return figures.to_uint8(photo)

    def _hottest(self, values: Float[np.ndarray, "h w"]) -> float:
        if self._threshold is None:
            return float(np.nanmax(values, initial=0.0))
        return _HOTTEST * self._threshold


def line_of(path: pathlib.Path, found: Inspection) -> dict[str, Any]:
    """Returns a finding for JSON: what is not known is None, never NaN."""
    pose = found.camera_from_world
    return {
        "file": _printable(path),
        "verdict": _VERDICTS[found.defective],
        "score": _finite(found.score),
        "p_value": _finite(found.p_value),
        "outcome": found.outcome.name.lower(),
        "reason": found.reason,
        "hidden": round(found.hidden, 4),
        "camera_from_world": pose.tolist() if np.isfinite(pose).all() else None,
        "seconds": round(found.seconds, 4),
    }


def picture_name(path: pathlib.Path) -> str:
    """Returns a safe name of a photograph's pictures, another one for each file."""
    digest = hashlib.sha256(os.fsencode(path.absolute())).hexdigest()
    return f"{names.safe_name(path.stem)}-{digest[:8]}"


def _finite(value: float | None) -> float | None:
    return value if value is not None and math.isfinite(value) else None


def _printable(path: pathlib.Path) -> str:
    """Returns a path as text that is JSON everywhere, whatever bytes it is made of."""
    return os.fsencode(path).decode("utf-8", errors="backslashreplace")
