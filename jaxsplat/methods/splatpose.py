"""SplatPose (Kruse et al. 2024): coarse pose, Adam on a screw axis, feature distances.

Differences from the published system, all named: the coarse pose comes from a gallery
of rendered views instead of LoFTR matches, and the network is EfficientNet-Lite0 unless
a file with EfficientNet-B4 is given. The score is the published one.
"""

from jaxsplat.methods.method import Method
from jaxsplat.pose import AdamScrew, GalleryStarts
from jaxsplat.scores import Conformal, Peak, PublishedDistance


def _splatpose(starts: GalleryStarts, refine: AdamScrew) -> Method:
    return Method(
        name="splatpose",
        starts=starts,
        refine=refine,
        compare=PublishedDistance(),
        score=Peak(),
        calibrate=Conformal(),
        # Small renders of single photographs would leave a processor half idle.
        batch=8,
        scaled_over_test_set=True,
    )


PAPER = _splatpose(GalleryStarts(k=1), AdamScrew())
FAST = _splatpose(GalleryStarts(k=4), AdamScrew(side=100))
PRESETS = {"fast": FAST, "best": FAST, "paper": PAPER}
