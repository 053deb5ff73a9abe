"""The best of what this project has.

The pose comes from the gallery's best hypotheses, refined together by
Levenberg-Marquardt on the photograph at its full size; the twin is compared in the
photograph's own exposure, by features and colours, each with the most similar nearby,
in multiples of what good views differ by at that place.
"""

from jaxsplat.methods.method import Method
from jaxsplat.pose import GalleryStarts, Lm
from jaxsplat.scores import Conformal, ExpectedDistance, TopShare

BEST = Method(
    name="best",
    starts=GalleryStarts(k=4),
    refine=Lm(),
    compare=ExpectedDistance(),
    score=TopShare(),
    calibrate=Conformal(),
    by_nearness=True,
)
PRESETS = dict.fromkeys(("fast", "best", "paper"), BEST)
