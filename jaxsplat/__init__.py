"""Pose-agnostic anomaly detection with 3D Gaussian splatting in JAX."""

from jaxsplat.core.cameras import Camera
from jaxsplat.data import ObjectSet, View, load_object, sample_dir
from jaxsplat.errors import ConfigError, DataError, NumericsError

# The function takes the place of the package of the same name as an attribute; its
# modules are reached by `from jaxsplat.rendering import ...` as before.
from jaxsplat.rendering import Rendered, plan, render
from jaxsplat.scene.gaussians import Gaussians
from jaxsplat.scene.ply import read_ply, write_ply

__version__ = "0.1.0"

__all__ = [
    "Camera",
    "ConfigError",
    "DataError",
    "Gaussians",
    "NumericsError",
    "ObjectSet",
    "Rendered",
    "View",
    "load_object",
    "plan",
    "read_ply",
    "render",
    "sample_dir",
    "write_ply",
]
