"""Whole detectors, each a choice of parts."""

from jaxsplat.methods.splatpose import Inspected, SplatPose, SplatPoseConfig
from jaxsplat.methods.twin import Twin, make_twin, photograph, render_twin

__all__ = [
    "Inspected",
    "SplatPose",
    "SplatPoseConfig",
    "Twin",
    "make_twin",
    "photograph",
    "render_twin",
]
