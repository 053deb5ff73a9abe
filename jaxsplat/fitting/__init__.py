"""From posed images to a scene of Gaussians."""

from jaxsplat.fitting.config import (
    BEST,
    FAST,
    PAPER,
    PRESETS,
    DensityConfig,
    FitConfig,
    LearningRates,
    Stage,
    preset,
)
from jaxsplat.fitting.trainer import FitResult, fit
from jaxsplat.fitting.watching import FitProgress
from jaxsplat.learning.checkpoints import Checkpoint

__all__ = [
    "BEST",
    "FAST",
    "PAPER",
    "PRESETS",
    "Checkpoint",
    "DensityConfig",
    "FitConfig",
    "FitProgress",
    "FitResult",
    "LearningRates",
    "Stage",
    "fit",
    "preset",
]
