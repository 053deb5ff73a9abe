"""Pose-agnostic anomaly detection with 3D Gaussian splatting in JAX."""

__version__ = "0.1.0"
