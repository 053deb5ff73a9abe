"""Whole detectors, each a choice of parts."""

from jaxsplat.methods.inspector import Inspected, Inspector
from jaxsplat.methods.registry import Method, Preset, make_method
from jaxsplat.methods.twin import Twin, make_twin, photograph, render_twin

__all__ = [
    "Inspected",
    "Inspector",
    "Method",
    "Preset",
    "Twin",
    "make_method",
    "make_twin",
    "photograph",
    "render_twin",
]
