"""An object with the photographs that were inspected, as it is shown in space."""

import dataclasses
import math
import os
import pathlib
from collections.abc import Callable, Iterator, Sequence

import numpy as np
from jaxtyping import Float

from jaxsplat.core.cameras import Camera
from jaxsplat.data.views import View
from jaxsplat.methods import Detector
from jaxsplat.report.figures import Rgb8
from jaxsplat.scores import fusing
from jaxsplat.scores.expected import ExpectedDistances
from jaxsplat.scores.softness import softness


@dataclasses.dataclass(frozen=True, eq=False)
class Shot:
    """A photograph whose pose was found.

    Attributes:
        name: of the photograph.
        camera: at the found pose, inside (see `ObjectSet.world`), of the size at which
            it was inspected.
        picture: the photograph, or where it is not at hand what it should show.
        anomaly_map: anomaly by pixel, [map_h, map_w].
        score: of the photograph, NaN where it has none.
        defective: the verdict, None where there is none.
    """

    name: str
    camera: Camera
    picture: Rgb8
    anomaly_map: Float[np.ndarray, "map_h map_w"]
    score: float
    defective: bool | None

    @property
    def told(self) -> str:
        """Verdict and score in words."""
        word = {None: "no verdict", False: "good", True: "defective"}[self.defective]
        return word if math.isnan(self.score) else f"{word}, score {self.score:.3g}"


@dataclasses.dataclass(frozen=True, eq=False)
class Exhibit:
    """What is shown.

    Attributes:
        name: of the object.
        detector: of the object.
        training: posed views, inside; none where the data are not at hand.
        shots: photographs with a pose, in order.
        is_one_part: whether all photographs show one part; those of a run need not.
        notes: what is not shown and why, a sentence each.
    """

    name: str
    detector: Detector
    training: tuple[View, ...] = ()
    shots: tuple[Shot, ...] = ()
    is_one_part: bool = False
    notes: tuple[str, ...] = ()

    @property
    def cameras(self) -> tuple[Camera, ...]:
        """All cameras that are known, those of training views first."""
        posed = [view.camera for view in self.training if view.camera is not None]
        return *posed, *(shot.camera for shot in self.shots)


def labels(shots: Sequence[Shot]) -> tuple[str, ...]:
    """Returns the photographs' names without the folders that all of them are in."""
    parts = [pathlib.PurePath(shot.name).parts for shot in shots]
    shared = len(os.path.commonprefix([one[:-1] for one in parts]))
    return tuple(str(pathlib.PurePath(*one[shared:])) for one in parts)


def anomalies(
    exhibit: Exhibit, shots: Sequence[Shot], watch: Callable[[int], None] | None = None
) -> Float[np.ndarray, " n"]:
    """Returns what photographs together say of each Gaussian, NaN where none shows it.

    Of one part it is their mean, as `Detector.inspect_part` gives it. Of different
    parts, whose defects are not the others', it is the highest that one of them says.
    Photographs without a verdict take no part.

    Args:
        exhibit: the object.
        shots: some of its photographs.
        watch: called with the number of each photograph before it is looked at.
    """
    twin = exhibit.detector.twin

    def judged() -> Iterator[tuple[Camera, Float[np.ndarray, "map_h map_w"]]]:
        for number, shot in enumerate(shots):
            if watch is not None:
                watch(number)
            if shot.defective is not None:
                yield shot.camera, shot.anomaly_map

    if exhibit.is_one_part:
        return fusing.fuse(twin, judged())
    highest = fusing.fuse(twin, ())
    for one in judged():
        highest = np.fmax(highest, fusing.fuse(twin, (one,)))
    return highest


def expected_residual(exhibit: Exhibit) -> Float[np.ndarray, " n"] | None:
    """Returns what good views differ by at each Gaussian, in multiples of the mean.

    None where the method expects none.
    """
    state = exhibit.detector.compared_by
    return np.asarray(softness(state)) if isinstance(state, ExpectedDistances) else None


def hottest(
    threshold: float | None, values: Float[np.ndarray, "..."], factor: float = 2.0
) -> float:
    """Returns the value that is drawn in the hottest colour.

    Args:
        threshold: score of defective photographs, None where that is not known; the
            highest value is then taken.
        values: that are drawn, NaN where there is none.
        factor: multiple of the threshold.
    """
    if threshold is not None:
        return factor * threshold
    known = values[np.isfinite(values)]
    return float(known.max()) if known.size and known.max() > 0 else 1.0
