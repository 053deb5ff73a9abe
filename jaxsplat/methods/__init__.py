"""Whole detectors, each a choice of parts."""

from jaxsplat.methods.detector import Detector
from jaxsplat.methods.inspection import Inspection
from jaxsplat.methods.method import Method, Preset
from jaxsplat.methods.one_part import PartInspection
from jaxsplat.methods.registry import METHODS, find_method
from jaxsplat.methods.storage import storable

__all__ = [
    "METHODS",
    "Detector",
    "Inspection",
    "Method",
    "PartInspection",
    "Preset",
    "find_method",
    "storable",
]
