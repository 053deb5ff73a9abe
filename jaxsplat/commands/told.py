"""Findings as a line reads them: JSON on stdout, pictures in a folder, an exit code."""

import pathlib
from collections.abc import Mapping
from typing import Any

import numpy as np

from jaxsplat import data
from jaxsplat.commands import endings
from jaxsplat.errors import DataError
from jaxsplat.methods import Detector, Inspection, PartInspection
from jaxsplat.report import files, findings
from jaxsplat.report.findings import VERDICTS, Painter, finite
from jaxsplat.report.journal import Journal
from jaxsplat.report.progress import Progress
from jaxsplat.scene import splats
from jaxsplat.scene.gaussians import Gaussians

_SCENE = "anomaly.ply"


class Told:
    """Tells findings one by one, and keeps of them no more than the exit code."""

    def __init__(
        self, detector: Detector, journal: Journal | None, progress: Progress
    ) -> None:
        """Begins.

        Args:
            detector: that finds.
            journal: takes rows, heat maps and renders; None where nothing does.
            progress: takes remarks.
        """
        self._painter = Painter.of(detector)
        self._journal = journal
        self._progress = progress
        self._defects, self._open = 0, 0

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

    def tell(
        self,
        path: pathlib.Path,
        found: Inspection,
        origin: Mapping[str, Any] | None = None,
    ) -> None:
        """Prints a finding, and writes its pictures before.

        Args:
            path: of the photograph.
            found: what was found of it.
            origin: what else the row says of the photograph.
        """
        self._defects += found.defective is True
        self._open += found.defective is None
        row = {
            "file": findings.printable(path),
            **findings.row_of(found),
            **(origin or {}),
        }
        if self._journal is not None:
            pictures = self._painter.draw(self._photograph(path, found), found)
            row = self._journal.add(row, pictures, findings.picture_name(path))
        self._print(row)

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
            "verdict": VERDICTS[found.defective],
            "score": finite(found.score),
            "p_value": finite(found.p_value),
            "threshold": finite(found.threshold),
            "reason": found.reason,
        }
        if self._journal is not None:
            line["scene"] = _SCENE
            properties = {"anomaly": np.nan_to_num(found.anomalies)}
            splats.write_splats(self._journal.folder / _SCENE, scene, properties)
            self._journal.add_line({"part": line})
        self._print({"part": line})

    def _print(self, line: Mapping[str, Any]) -> None:
        self._progress.clear()
        print(files.dump_json(line), flush=True)

    def _photograph(self, path: pathlib.Path, found: Inspection) -> Any:
        """Returns colours and alpha of a photograph, None where it is not drawn."""
        if found.render is None:
            return None
        try:
            return data.read_image(path)
        except DataError as error:
            self._progress.note(f"{error}; no heat map is drawn")
            return None
