"""Findings about photographs as rows for JSON, and the pictures that go with them."""

import dataclasses
import hashlib
import math
import os
import pathlib
from collections.abc import Mapping
from typing import Any

import numpy as np
from jaxtyping import Float

from jaxsplat.data.lens import Lens
from jaxsplat.data.views import View
from jaxsplat.methods import Detector, Inspection, photographs
from jaxsplat.report import figures, names

VERDICTS: Mapping[bool | None, str | None] = {
    None: None,
    False: "good",
    True: "defective",
}
# The hottest colour of heat maps, in multiples of the threshold.
_HOTTEST = 2.0


def row_of(found: Inspection) -> dict[str, Any]:
    """Returns a finding for JSON: what is not known is None, never NaN."""
    pose = found.camera_from_world
    return {
        "verdict": VERDICTS[found.defective],
        "score": finite(found.score),
        "p_value": finite(found.p_value),
        "outcome": found.outcome.name.lower(),
        "reason": found.reason,
        "hidden": round(found.hidden, 4),
        "camera_from_world": pose.tolist() if np.isfinite(pose).all() else None,
        "seconds": round(found.seconds, 4),
    }


def finite(value: float | None) -> float | None:
    """Returns a number, None in place of NaN and infinity."""
    return value if value is not None and math.isfinite(value) else None


def printable(path: pathlib.Path) -> str:
    """Returns a path as text that is JSON everywhere, whatever bytes it is made of."""
    return os.fsencode(path).decode("utf-8", errors="backslashreplace")


def picture_name(path: pathlib.Path) -> str:
    """Returns a safe name of a photograph's pictures, another one for each file."""
    digest = hashlib.sha256(os.fsencode(path.absolute())).hexdigest()
    return f"{names.safe_name(path.stem)}-{digest[:8]}"


def identity(folder: str | os.PathLike[str]) -> str:
    """Returns what tells a saved detector from all others, for rows that it made.

    Args:
        folder: that `Detector.save` wrote.
    """
    content = (pathlib.Path(folder) / "detector.json").read_bytes()
    return hashlib.sha256(content).hexdigest()[:16]


@dataclasses.dataclass(frozen=True)
class Painter:
    """Draws what a detector found.

    Attributes:
        lens: that photographs are taken with; None where it has no distortion.
        background: RGB that photographs with alpha are put over, [3].
        threshold: of scores; None where that is not known.
    """

    lens: Lens | None
    background: Float[np.ndarray, "3"]
    threshold: float | None

    @classmethod
    def of(cls, detector: Detector) -> "Painter":
        """Returns the painter of a detector's findings."""
        background = np.asarray(detector.twin.background, np.float32)
        return cls(detector.lens, background, detector.threshold)

    def draw(
        self,
        photograph: tuple[Float[np.ndarray, "h w 3"], Float[np.ndarray, "h w"] | None]
        | None,
        found: Inspection,
    ) -> dict[str, bytes]:
        """Returns PNG files: `render`, and `heat_map` over the photograph.

        Those of levels, where there are any, follow as `level-` and their names.

        Args:
            photograph: colours and alpha, as `data.read_image` gives them; None where
                it is gone, and then there is no heat map.
            found: what was found of it; where no pose was sought, there is no picture.
        """
        if found.render is None or found.anomaly_map is None:
            return {}
        pictures = {"render": figures.to_uint8(found.render)}
        if photograph is not None:
            height, width = found.render.shape[:2]
            view = View(found.name, *photograph)
            photo = figures.to_uint8(
                photographs.as_rendered(
                    view, self.lens, self.background, (height, width)
                )
            )
            scale = (0.0, self._hottest(found.anomaly_map))
            pictures["heat_map"] = figures.overlay(photo, found.anomaly_map, scale)
            for name, values in found.level_maps.items():
                kind = f"level-{names.safe_name(name)}"
                pictures[kind] = figures.overlay(photo, values, scale)
        return {kind: figures.encode_png(drawn) for kind, drawn in pictures.items()}

    def _hottest(self, values: Float[np.ndarray, "h w"]) -> float:
        if self.threshold is None:
            return float(np.nanmax(values, initial=0.0))
        return _HOTTEST * self.threshold
