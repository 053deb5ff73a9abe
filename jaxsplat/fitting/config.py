"""Settings of a fit and the presets that have names."""

import dataclasses
import math
from typing import Literal

from jaxsplat.core import sizes
from jaxsplat.errors import ConfigError
from jaxsplat.scene.gaussians import SIZES_IN_OCTAVE

Density = Literal["original", "mcmc", "fixed"]
Start = Literal["hull", "random"]
Unit = Literal["extent", "pixel"]


@dataclasses.dataclass(frozen=True)
class Stage:
    """Consecutive steps at one image size.

    Attributes:
        scale: image size as a share of the training images' size, in (0, 1].
        steps: optimiser steps.
    """

    scale: float
    steps: int


@dataclasses.dataclass(frozen=True)
class LearningRates:
    """Adam's step sizes (Kerbl et al. 2023, section 7.1 and published code).

    Attributes:
        means: first rate of the centres, in `unit`.
        means_last: last rate; between them it falls exponentially.
        colors: rate of the colour. Kerbl's 2.5e-3 is for the degree-0 coefficient,
            which is the colour divided by .2821.
        sh_rest: rate of the coefficients of higher degree.
        opacities: rate of the opacity logits.
        scales: rate of the log scales.
        quats: rate of the quaternions.
        last_share: share of their rates that the others have in the end. One view in
            every step is a noisy gradient, which a small rate averages.
        falls_after: share of the steps after which they fall, exponentially.
        memory: of the mean of squared gradients, Adam's beta2.
        unit: of the rates of the centres: the scene's "extent", which is Kerbl's, or
            a "pixel" of the photographs at the object. How far the cameras stand apart
            says nothing about how far a centre has to go.
    """

    means: float = 1.6e-4
    means_last: float = 1.6e-6
    colors: float = 2.5e-3 * 0.28209479177387814
    sh_rest: float = 2.5e-3 / 20
    opacities: float = 0.05
    scales: float = 0.005
    quats: float = 0.001
    last_share: float = 1.0
    falls_after: float = 0.0
    memory: float = 0.999
    unit: Unit = "extent"

    def __post_init__(self) -> None:
        rates = {k: v for k, v in dataclasses.asdict(self).items() if k != "unit"}
        for name, rate in rates.items():
            # Rates that fall exponentially cannot be 0.
            falling = ("means", "means_last", "last_share")
            least = 0.0 if name not in falling else 1e-30
            if not (math.isfinite(rate) and rate >= least):
                raise ConfigError(
                    f"learning rate of {name} {rate}: expected a finite number, "
                    f"{'positive' if least else '0 or more'}"
                )
        for name in ("falls_after", "memory"):
            if not rates[name] < 1:
                raise ConfigError(f"{name} {rates[name]}: expected below 1")


@dataclasses.dataclass(frozen=True)
class DensityConfig:
    """When and how the number of Gaussians changes.

    Kerbl et al. 2023 (section 5.2 and published code) for `original`; Kheradmand et al.
    2024 (3DGS as Markov chain Monte Carlo) for `mcmc`.
    """

    kind: Density = "original"
    first: int = 500  # changes come after this step; on white, a reset at it
    last: int = 15000  # and before this one
    every: int = 100
    gradient: float = 2e-4  # mean image-plane gradient (NDC) that calls for more
    percent_dense: float = 0.01  # share of the extent that parts clone from split
    reset_every: int = 3000  # opacity reset, `original` only
    min_opacity: float = 0.005
    max_radius_px: float = 20.0  # larger on screen: pruned, after the first reset
    noise: float = 5e5  # `mcmc`: exploration noise times the rate of the centres
    growth: float = 1.05  # `mcmc`: new count over old at each change, up to capacity
    opacity_weight: float = 0.01  # `mcmc`: pull towards transparent
    scale_weight: float = 0.01  # `mcmc`: pull towards small

    def __post_init__(self) -> None:
        for name in ("every", "reset_every"):
            if getattr(self, name) < 1:
                raise ConfigError(f"{name} {getattr(self, name)}: expected 1 or more")
        if not 0 < self.min_opacity < 1:
            raise ConfigError(f"min_opacity {self.min_opacity}: expected in (0, 1)")
        if not self.growth >= 1:
            raise ConfigError(f"growth {self.growth}: expected 1 or more")


@dataclasses.dataclass(frozen=True)
class FitConfig:
    """All settings of a fit.

    Attributes:
        stages: image sizes and steps, coarse to fine.
        start: "hull" (falls back to random where views have no silhouette) or "random".
        count: Gaussians at the start.
        capacity: rows of the record, the most Gaussians there can be.
        start_opacity: opacity of every Gaussian at the start.
        sh_degree: degree of view-dependent colour.
        ssim_weight: share of D-SSIM in the loss (Kerbl's lambda).
        residual_scale: colour difference about which the rest of the loss passes from
            squares to absolute values; 0 for Kerbl's, absolute everywhere.
        coverage_weight: weight of coverage that is not the photographs', against
            floaters and holes in the background's colour.
        keep_to_outlines: take away what lies beside the silhouettes, before every stage
            and in the end.
        random_background: train on random backgrounds where the views have alpha.
        patience: share of all steps for which the error on views that the fit does not
            see may stand still in the last stage before the fit ends; 0 for ever.
        exposure: bring photographs that have alpha to one exposure, at the start of
            every stage but the first; see `exposures`.
        rates: learning rates.
        density: density control.
    """

    stages: tuple[Stage, ...]
    start: Start = "hull"
    count: int = 100_000
    capacity: int = 400_000
    start_opacity: float = 0.1
    sh_degree: int = 0
    ssim_weight: float = 0.2
    residual_scale: float = 0.0
    coverage_weight: float = 0.0
    keep_to_outlines: bool = True
    random_background: bool = False
    exposure: bool = False
    patience: float = 0.0
    rates: LearningRates = LearningRates()
    density: DensityConfig = DensityConfig()

    def __post_init__(self) -> None:
        if not self.stages or any(stage.steps < 0 for stage in self.stages):
            raise ConfigError("stages: expected at least one, with 0 or more steps")
        if any(not 0 < stage.scale <= 1 for stage in self.stages):
            raise ConfigError("stages: expected every scale in (0, 1]")
        if not 0 < self.count <= self.capacity:
            raise ConfigError(
                f"count {self.count}: expected 1 to the capacity {self.capacity}"
            )
        if not 0 < self.start_opacity < 1:
            raise ConfigError(f"start_opacity {self.start_opacity}: expected in (0, 1)")
        if not 0 <= self.ssim_weight <= 1:
            raise ConfigError(f"ssim_weight {self.ssim_weight}: expected in [0, 1]")
        for name in ("residual_scale", "coverage_weight", "patience"):
            value = getattr(self, name)
            if not (math.isfinite(value) and value >= 0):
                raise ConfigError(f"{name} {value}: expected 0 or more")
        if self.sh_degree not in range(4):
            raise ConfigError(f"sh_degree {self.sh_degree}: expected 0 to 3")

    @property
    def steps(self) -> int:
        """Steps over all stages."""
        return sum(stage.steps for stage in self.stages)


# SplatPose's recipe: Kerbl's defaults at SH degree 0 on white, 100 000 random points.
PAPER = FitConfig(stages=(Stage(1.0, 30_000),), start="random")

FAST = FitConfig(
    stages=(Stage(0.25, 200), Stage(0.5, 500), Stage(1.0, 800)),
    count=8_000,
    capacity=8_000,
    start_opacity=0.7,
    sh_degree=3,
    ssim_weight=0.0,
    residual_scale=0.1,
    coverage_weight=0.1,
    exposure=True,
    patience=0.15,
    rates=LearningRates(
        means=0.6,
        means_last=0.024,
        colors=1e-2,
        sh_rest=5e-3,
        opacities=0.1,
        scales=0.03,
        quats=0.004,
        last_share=0.1,
        falls_after=0.4,
        memory=0.99,
        unit="pixel",
    ),
    density=DensityConfig(kind="fixed"),
)

BEST = dataclasses.replace(
    FAST, stages=(Stage(0.25, 200), Stage(0.5, 600), Stage(1.0, 2200))
)

PRESETS: dict[str, FitConfig] = {"paper": PAPER, "fast": FAST, "best": BEST}

# A Gaussian for each square of so many pixels a side of the object's surface: what
# detail a fit shows grows with the object's pixels, and so does the time.
_SPACING = {"fast": 3.4, "best": 2.5}
_FEWEST, _MOST = 1024, {"fast": 32_768, "best": 65_536}


# Views for which the rate of colours of higher degree was chosen. The fewer there are,
# the more often a fit looks at each, and learns what it alone shows.
_USUAL_VIEWS = 190


def preset(name: str, covered: float, views: int) -> FitConfig:
    """Returns the settings of a name, made to suit the object.

    Args:
        name: one of `PRESETS`.
        covered: pixels of a training image that the object covers, in the mean. A
            convex object's surface is four times that (Cauchy).
        views: training images that are fitted.

    Raises:
        ConfigError: there is no preset of that name.
    """
    if name not in PRESETS:
        raise ConfigError(f"preset {name!r}: expected one of {', '.join(PRESETS)}")
    if name == "paper":
        return PAPER
    wanted = 4 * covered / _SPACING[name] ** 2
    count = sizes.nearest(wanted, SIZES_IN_OCTAVE)
    count = min(max(count, _FEWEST), _MOST[name])
    config = PRESETS[name]
    slower = config.rates.sh_rest * min(1.0, views / _USUAL_VIEWS)
    rates = dataclasses.replace(config.rates, sh_rest=slower)
    return dataclasses.replace(config, count=count, capacity=count, rates=rates)
