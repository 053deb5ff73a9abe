"""Anomaly maps and image scores of photographs, and what they mean."""

from jaxsplat.scores.calibrate import Conformal, GoodScores
from jaxsplat.scores.compare import PublishedDistance
from jaxsplat.scores.cosine import CosineDistance, PooledPeak
from jaxsplat.scores.expected import ExpectedDistance, ExpectedDistances
from jaxsplat.scores.parts import (
    Calibrate,
    Compare,
    ComparesByLevel,
    Score,
    Verdicts,
)
from jaxsplat.scores.reduce import Peak, TopShare

__all__ = [
    "Calibrate",
    "Compare",
    "ComparesByLevel",
    "Conformal",
    "CosineDistance",
    "ExpectedDistance",
    "ExpectedDistances",
    "GoodScores",
    "Peak",
    "PooledPeak",
    "PublishedDistance",
    "Score",
    "TopShare",
    "Verdicts",
]
