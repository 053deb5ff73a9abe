"""The best of what this project has.

The pose comes from the gallery's best hypotheses, refined together by
Levenberg-Marquardt on the photograph at its full size; the twin is compared in the
photograph's own exposure, by features, each with the most similar nearby.
"""

from jaxsplat.methods.method import Method
from jaxsplat.pose import GalleryStarts, Lm
from jaxsplat.scores import HighestGood, NearbyDistance, TopShare

BEST = Method(
    name="best",
    starts=GalleryStarts(k=4),
    refine=Lm(),
    compare=NearbyDistance(),
    score=TopShare(),
    calibrate=HighestGood(),
)
PRESETS = {"fast": BEST, "paper": BEST}
