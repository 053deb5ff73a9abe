"""Pose-agnostic anomaly detection with 3D Gaussian splatting in JAX."""

from jaxsplat.core.cameras import Camera
from jaxsplat.data import ObjectSet, View, load_object, sample_dir
from jaxsplat.errors import ConfigError, DataError, NumericsError
from jaxsplat.fitting import fit
from jaxsplat.methods import Detector, Inspection, PartInspection
from jaxsplat.pose import Outcome
from jaxsplat.rendering import Rendered, Twin, make_twin, plan, render
from jaxsplat.scene.gaussians import Gaussians
from jaxsplat.scene.splats import read_splats, write_splats

__version__ = "0.2.0"

__all__ = [
    "Camera",
    "ConfigError",
    "DataError",
    "Detector",
    "Gaussians",
    "Inspection",
    "NumericsError",
    "ObjectSet",
    "Outcome",
    "PartInspection",
    "Rendered",
    "Twin",
    "View",
    "fit",
    "load_object",
    "make_twin",
    "plan",
    "read_splats",
    "render",
    "sample_dir",
    "write_splats",
]
