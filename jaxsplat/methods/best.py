"""The best of what this project has.

The pose comes from the gallery's best hypotheses, refined together by
Levenberg-Marquardt on the photograph at its full size; the twin is compared in the
photograph's own exposure, by features and colours, each with the most similar nearby,
in multiples of what good views differ by at that place. Where much of the object is
unlike the good one, many poses around the hypotheses are tried. Photographs that no
view of the gallery explains, as behind hands and before clutter, are sought once more
by matched features, but for preset "fast".
"""

import dataclasses

from jaxsplat.methods.method import Method
from jaxsplat.pose import GalleryStarts, Lm, MatchStarts
from jaxsplat.scores import Conformal, ExpectedDistance, TopShare

FAST = Method(
    name="best",
    starts=GalleryStarts(k=4),
    refine=Lm(),
    second_refine=Lm(turns=64),
    compare=ExpectedDistance(),
    score=TopShare(),
    calibrate=Conformal(),
    by_nearness=True,
)
# Other objects before clutter have up to 17 points that agree with a pose (75
# photographs), the object cut off by the frame before clutter mostly 23 to 64.
_LEAST = 20
BEST = dataclasses.replace(
    FAST, second_starts=MatchStarts(pnp=True, most_views=64, least=_LEAST)
)
PRESETS = {"fast": FAST, "best": BEST, "paper": BEST}
