"""IGSPAD (2024): the view with most matches, Adam on the view matrix, cosine distance.

Differences from the published system, all named: XFeat's features and LighterGlue, both
of which come with the package, in place of LightGlue's own, and EfficientNet-Lite0
unless a file with SAM's encoder is given (`--network=sam_vit_b`).
"""

from jaxsplat.methods.method import Method
from jaxsplat.pose import AdamView, MatchStarts
from jaxsplat.scores import Conformal, CosineDistance, PooledPeak


def _igspad(starts: MatchStarts, refine: AdamView) -> Method:
    return Method(
        name="igspad",
        starts=starts,
        refine=refine,
        compare=CosineDistance(),
        score=PooledPeak(),
        calibrate=Conformal(),
    )


PAPER = _igspad(MatchStarts(k=1), AdamView())
FAST = _igspad(MatchStarts(k=4), AdamView(side=200))
PRESETS = {"fast": FAST, "best": FAST, "paper": PAPER}
