"""Anomaly maps and image scores of photographs, and what they mean."""

from jaxsplat.scores.calibrate import GoodScores, HighestGood
from jaxsplat.scores.compare import PublishedDistance
from jaxsplat.scores.parts import Calibrate, Compare, Score, Verdicts
from jaxsplat.scores.reduce import Peak

__all__ = [
    "Calibrate",
    "Compare",
    "GoodScores",
    "HighestGood",
    "Peak",
    "PublishedDistance",
    "Score",
    "Verdicts",
]
