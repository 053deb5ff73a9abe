"""The best of what this project has: today its own pose search, SplatPose's score.

The pose comes from the gallery's best hypotheses, refined together by
Levenberg-Marquardt on the photograph at its full size; the twin is compared in the
photograph's own exposure.
"""

from jaxsplat.methods.method import Method
from jaxsplat.pose import GalleryStarts, Lm
from jaxsplat.scores import HighestGood, Peak, PublishedDistance

BEST = Method(
    name="best",
    starts=GalleryStarts(k=4),
    refine=Lm(),
    compare=PublishedDistance(),
    score=Peak(),
    calibrate=HighestGood(),
)
PRESETS = {"fast": BEST, "paper": BEST}
