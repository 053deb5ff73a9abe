"""Several photographs of one part: one verdict, and the anomaly in space.

The part's score is the highest of its photographs': a defect that one side shows is a
defect of the part. What the photographs' maps say of a place of the object is put
together on the Gaussians, of which each gets the mean of what was seen of it.
"""

import dataclasses
import math
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import jax.numpy as jnp
import numpy as np
from jaxtyping import Float

from jaxsplat.core import cameras
from jaxsplat.core.cameras import Camera
from jaxsplat.methods import inspecting, photographs
from jaxsplat.methods.inspecting import Prepared
from jaxsplat.methods.inspection import Inspection
from jaxsplat.methods.method import Method
from jaxsplat.scores import fusing
from jaxsplat.scores.parts import Calibrate


@dataclasses.dataclass(frozen=True)
class PartVerdict:
    """What the scores of a part's photographs mean together.

    Attributes:
        score: the highest of those that have a verdict, NaN where none has.
        defective: the verdict; None where no photograph has one.
        p_value: probability that a good part has a score as high, see
            `scores.Conformal`; None where there is no verdict.
        threshold: score above which a part of as many photographs is defective.
        guarantee: share of good parts that count as defective, at most, in the mean.
    """

    score: float
    defective: bool | None
    p_value: float | None
    threshold: float | None
    guarantee: float | None


@dataclasses.dataclass(frozen=True)
class PartInspection(PartVerdict):
    """The finding about one part that several photographs show.

    Attributes:
        photographs: the finding about each of them.
        reason: why there is no verdict, in a sentence; "" where there is one.
        anomalies: mean of the photographs' maps as each Gaussian of the twin was seen
            in them, in the maps' unit; NaN where none shows it, [n].
    """

    photographs: tuple[Inspection, ...]
    reason: str
    anomalies: Float[np.ndarray, " n"]

    @property
    def judged(self) -> tuple[Inspection, ...]:
        """The photographs that have a verdict, which alone tell of the part."""
        return tuple(one for one in self.photographs if not one.reason)


def judge(
    calibrate: Calibrate, calibration: Any, scores: Sequence[float]
) -> PartVerdict:
    """Returns what the scores of a part's photographs mean together.

    Args:
        calibrate: the meaning of scores.
        calibration: its state.
        scores: of the photographs that have a verdict of their own.
    """
    if not scores:
        return PartVerdict(math.nan, None, None, None, None)
    score, count = max(scores), len(scores)
    verdicts = calibrate(calibration, jnp.array([score], jnp.float32), count)
    return PartVerdict(
        score,
        bool(verdicts.defective[0]),
        float(verdicts.p_values[0]),
        calibrate.threshold(calibration, count),
        calibrate.guarantee(calibration, count),
    )


def inspect_part(
    method: Method, known: Prepared, items: Iterable[Any]
) -> PartInspection:
    """Returns the finding about the part that all photographs show.

    A photograph without a verdict of its own takes no part.

    Args:
        method: the parts of the method.
        known: the object.
        items: photographs, see `photographs.take`.
    """
    given = list(items)
    found = inspecting.inspect(method, known, given)
    judged = [number for number, one in enumerate(found) if not one.reason]
    verdict = judge(
        method.calibrate, known.calibration, [found[number].score for number in judged]
    )
    reason = ""
    if not judged:
        reason = found[0].reason if found else "No photograph was given."
        if len({one.reason for one in found}) > 1:
            reason = f"None of {len(found)} photographs has a verdict: {reason}"
    return PartInspection(
        **vars(verdict),
        photographs=tuple(found),
        reason=reason,
        anomalies=_in_space(known, given, found, judged),
    )


def _in_space(
    known: Prepared,
    items: Sequence[Any],
    found: Sequence[Inspection],
    judged: Sequence[int],
) -> Float[np.ndarray, " n"]:
    """Returns `PartInspection.anomalies`."""

    def seen() -> Iterator[tuple[Camera, Float[np.ndarray, "h w"]]]:
        for number in judged:
            camera = _camera(known, items[number], number)
            anomaly_map = found[number].anomaly_map
            assert anomaly_map is not None
            pose = known.world.camera_to_inside(found[number].camera_from_world)
            yield (
                cameras.with_pose(camera, jnp.asarray(pose, jnp.float32)),
                anomaly_map,
            )

    return fusing.fuse(known.twin, seen())


def _camera(known: Prepared, item: Any, number: int) -> Camera:
    """Returns the lens of a photograph that was inspected."""
    background = np.asarray(known.twin.background)
    taken = photographs.take(
        item, number, known.twin.camera, background, known.lens, known.by_background
    )
    assert not isinstance(taken, Inspection)
    return taken.camera
