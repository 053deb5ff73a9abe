"""How well a detector knows its object, told by good views that the fit did not see."""

import dataclasses
from collections.abc import Sequence

import numpy as np

from jaxsplat import metrics
from jaxsplat.data.sharpness import edge_blur
from jaxsplat.data.views import View
from jaxsplat.methods.inspection import Inspection
from jaxsplat.methods.storage import storable
from jaxsplat.pose import TRUSTED, Outcome
from jaxsplat.scene.found import Foreground

# A held-out good view is found when its pose is nearer than this.
_FOUND_RAD = float(np.deg2rad(5.0))
# Of the held-out good views so many must be found, and be so like the twin.
_LEAST_FOUND = 0.5
_LEAST_AGREEMENT = 0.8
# A photograph that is less like the twin than this share of what good views are does
# not show the object: other objects (144 photographs of five) reach .57 of it, the
# object with up to half of it missing has .67 and more, but for one of 63 whose pose is
# found. Before clutter all of the object counts, and some place in it may look like a
# part of anything: photographs of other things reached .61 of it there, 72 of three
# objects before clutter .70 at least.
_LEAST_SHARE = 0.6
_LEAST_SHARE_IN_CLUTTER = 0.65
# Before a plain background small defects leave .95 of it; where a large part is
# missing, wrong poses reach .47 to .88, most other objects less than .4.
_DOUBTFUL_SHARE = 0.4, 0.9
# Fewer views cannot show all sides.
_FEW_VIEWS = 12
# Edges of photographs that are sharp are blurred by less: pixels, and of their side.
_MOST_BLUR_PX, _MOST_BLUR = 1.5, 0.005
# By more, a sharp photograph is unlike all of them.
_USELESS_BLUR_PX, _USELESS_BLUR = 2.0, 0.02
# Outcomes after which a photograph can be compared with the twin.
PLACED = TRUSTED | {Outcome.AMBIGUOUS}
# Silhouettes agree better than this when poses and silhouettes are right.
_SOUND_CONFIDENCE = 0.85


@storable
@dataclasses.dataclass(frozen=True)
class Quality:
    """What held-out good views tell of a fit.

    Attributes:
        held_out: good views that the fit did not see.
        found: those of them whose pose was found.
        agreement: median over these of `pose.agreement`; 0 where none was found.
        unfit: why no verdict is given about any photograph, in a sentence; "" where
            the fit is good enough.
    """

    held_out: int
    found: int
    agreement: float
    unfit: str

    @property
    def told(self) -> str:
        """What the held-out views tell, in a phrase."""
        if not self.held_out:
            return "none"
        told = f"{self.found} of {self.held_out} found at their poses"
        if not self.found:
            return told
        return f"{told}, their agreement with renders {self.agreement:.2f}"

    def least_agreement(self, plain: bool) -> float:
        """Returns the agreement below which a photograph does not show the object.

        Args:
            plain: whether one colour stands behind what it shows.
        """
        return (_LEAST_SHARE if plain else _LEAST_SHARE_IN_CLUTTER) * self.agreement

    def is_doubtful(self, agreement: float) -> bool:
        """Returns whether another pose may explain a photograph better.

        Args:
            agreement: of the photograph, before a plain background.
        """
        least, most = (share * self.agreement for share in _DOUBTFUL_SHARE)
        return least <= agreement < most


def was_found(inspected: Inspection, view: View) -> bool:
    """Returns whether a posed view's pose was found."""
    if view.camera is None:
        return False
    true = np.asarray(view.camera.camera_from_world)
    error = metrics.rotation_error(inspected.camera_from_world, true)
    return bool(error < _FOUND_RAD)


def measure(
    inspected: Sequence[Inspection],
    held_out: Sequence[View],
    views: int,
    foreground: Foreground,
) -> Quality:
    """Returns how well a fit shows good views that it did not see.

    Args:
        inspected: the findings about the held-out views.
        held_out: these views.
        views: how many were fitted.
        foreground: of all of them.
    """
    alike = [
        one.agreement
        for one, view in zip(inspected, held_out, strict=True)
        if was_found(one, view) and np.isfinite(one.agreement)
    ]
    found, agreement = len(alike), float(np.median(alike)) if alike else 0.0
    count = len(held_out)
    blur = float(np.median([edge_blur(view.image) for view in held_out] or [0.0]))
    side = max((max(view.image.shape[:2]) for view in held_out), default=0)
    blurred = f"photographs are blurred, by {blur:.1f} pixels"
    problem = ""
    if not count:
        problem = "no good view was held back to measure the fit by"
    elif found < _LEAST_FOUND * count:
        problem = f"the poses of {count - found} of {count} held-out good views were "
        problem += "not found"
    elif agreement < _LEAST_AGREEMENT:
        problem = f"held-out good views agree with their renders in {agreement:.2f} "
        problem += f"only, expected {_LEAST_AGREEMENT} or more"
    elif blur > max(_USELESS_BLUR_PX, _USELESS_BLUR * side):
        return Quality(count, found, agreement, blurred)
    if not problem:
        return Quality(count, found, agreement, "")
    hints = []
    if views < _FEW_VIEWS:
        hints.append(f"{views} training views cannot show all sides")
    if foreground.confidence < _SOUND_CONFIDENCE:
        hints.append(
            f"silhouettes agree in {100 * foreground.confidence:.0f} % only, so poses "
            "are wrong or the background is unclear"
        )
    if blur > max(_MOST_BLUR_PX, _MOST_BLUR * side):
        hints.append(blurred)
    if not hints and count:
        hints = ["poses may be wrong"]
    return Quality(count, found, agreement, "; ".join([problem, *hints]))


def judgeable(
    outcome: Outcome, agreement: float, plain: bool, quality: Quality
) -> tuple[Outcome, str]:
    """Returns the outcome of a photograph that was compared, and what exactly it is.

    Args:
        outcome: of the pose search, one of `PLACED`.
        agreement: of the photograph.
        plain: whether one colour stands behind what it shows.
        quality: of the fit.
    """
    if quality.unfit:
        return Outcome.UNFIT, quality.unfit
    least = quality.least_agreement(plain)
    if not agreement >= least:
        detail = f"agreement {agreement:.2f}, expected {least:.2f} or more"
        return Outcome.NOT_THIS_OBJECT, detail
    return outcome, ""
