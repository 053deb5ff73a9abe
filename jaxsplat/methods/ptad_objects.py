"""PTAD (Zhuo et al.) on photographed objects: poses by masks, and depth beside them.

The references are the fitted twin's depth, and the candidate views those that it was
fitted to. Differences of `paper` from the published system, all named: the network is
trained on the object's own good views with planted geometric defects
(`methods/depth_comparison.py`), and opacities are the fit's. `fast` is ours: several
views are gone on with, by Levenberg-Marquardt on the masks, and a small network is
shown the outlines' differences too. It tells geometry: what is only of another colour
is not meant to be found. On BrokenChairs' layout see `methods/ptad.py`.
"""

import dataclasses

from jaxsplat.learning import Training
from jaxsplat.methods import ptad
from jaxsplat.methods.depth_comparison import DepthComparison
from jaxsplat.methods.method import Method
from jaxsplat.methods.mmpdn_training import MmpdnLoss
from jaxsplat.pose import AdamScrew, Lm, MaskRefine, MaskStarts
from jaxsplat.pose.parts import Refine
from jaxsplat.scores import Conformal, Peak


def _ptad(
    candidates: int,
    refine: Refine,
    loss: MmpdnLoss,
    training: Training,
) -> Method:
    return Method(
        name="ptad",
        starts=MaskStarts(k=candidates),
        refine=MaskRefine(refine),
        compare=DepthComparison(loss, training),
        score=Peak(),
        calibrate=Conformal(),
    )


_PAPER, _FAST = ptad.paper(), ptad.fast()
# What OpenCV alone can tell of an outline, a program cannot.
_SEEN = dataclasses.replace(_FAST.network, numbers=0)
PAPER = _ptad(
    1,
    AdamScrew(steps=150, ssim_weight=0.0),
    _PAPER.loss,
    _PAPER.training,
)
FAST = _ptad(8, Lm(), dataclasses.replace(_FAST.loss, network=_SEEN), _FAST.training)
PRESETS = {"fast": FAST, "best": FAST, "paper": PAPER}
