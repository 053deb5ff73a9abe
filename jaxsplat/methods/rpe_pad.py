"""RPE-PAD (Zhang et al.): a network tells the pose, and nothing is refined.

Differences of `paper` from the published system, all named: the most similar views are
found by the gallery's codes instead of LoFTR's matches, and images are compared by
EfficientNet-Lite0 unless a file with EfficientNet-B4 is given. Its backbone, ResNet-50,
needs a file (`starts.network_file`). `fast` is ours for two cores: a frozen
EfficientNet-Lite0, correlations of its maps, views drawn anew in every epoch, and a
second look at the twin rendered from the first answer. See docs/papers.md.
"""

from jaxsplat.learning import Cosine, Steps, Training
from jaxsplat.methods.method import Method
from jaxsplat.pose.refine.unrefined import Unrefined
from jaxsplat.pose.regression.network import Irprn
from jaxsplat.pose.regression.perturbing import Perturbation
from jaxsplat.pose.regression.training import Regression
from jaxsplat.pose.starts.regressed import RegressedStarts
from jaxsplat.scores import Conformal, Peak, PublishedDistance


def _rpe_pad(starts: RegressedStarts) -> Method:
    return Method(
        name="rpe_pad",
        starts=starts,
        refine=Unrefined(),
        compare=PublishedDistance(),
        score=Peak(),
        calibrate=Conformal(),
        batch=8,
        scaled_over_test_set=True,
    )


PAPER = _rpe_pad(
    RegressedStarts(
        Regression(Irprn(channels=2048)),
        Training(epochs=35, batch=32, rate=Steps(((0, 1e-3), (20, 1e-4)))),
        # The paper does not say at which size; ResNet-50's own.
        side=224,
        network="resnet50",
    )
)
FAST = _rpe_pad(
    RegressedStarts(
        Regression(
            Irprn(24, width=64, hidden=128, compared="correlated", grid=4),
            stride=4,
            # References are some 8 degrees from a photograph.
            noise=Perturbation(views=1, rotation=0.08, translation=0.05),
            fresh=True,
            near=0.3,
            translation="centered",
            finetuned=False,
        ),
        Training(epochs=20, batch=16, rate=Cosine(2e-3), weight_decay=1e-4, clip=1.0),
        rounds=2,
    )
)
PRESETS = {"fast": FAST, "best": FAST, "paper": PAPER}
