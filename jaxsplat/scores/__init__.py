"""Anomaly maps and image scores from a query and the render of its twin."""

from jaxsplat.scores import splatpose

__all__ = ["splatpose"]
