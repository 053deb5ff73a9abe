"""Poses of photographs: coarse starts from a gallery, refined through the renderer."""

from jaxsplat.core.cameras import at_poses
from jaxsplat.pose.estimate import OUTCOME_TEXT, Outcome, PoseEstimate
from jaxsplat.pose.refine.adam_screw import AdamScrewConfig, refine_adam_screw
from jaxsplat.pose.refine.lm import LmConfig, refine_lm
from jaxsplat.pose.refine.stages import Stage, stages_for
from jaxsplat.pose.starts.appearance import find_starts
from jaxsplat.pose.starts.gallery import (
    Gallery,
    build_gallery,
    gallery_poses,
    sphere_poses,
)
from jaxsplat.pose.starts.silhouettes import find_starts_by_silhouette

__all__ = [
    "OUTCOME_TEXT",
    "AdamScrewConfig",
    "Gallery",
    "LmConfig",
    "Outcome",
    "PoseEstimate",
    "Stage",
    "at_poses",
    "build_gallery",
    "find_starts",
    "find_starts_by_silhouette",
    "gallery_poses",
    "refine_adam_screw",
    "refine_lm",
    "sphere_poses",
    "stages_for",
]
