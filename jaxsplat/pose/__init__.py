"""Poses of photographs: coarse starts from a gallery, refined through the renderer."""

from jaxsplat.pose.adam_screw import AdamScrewConfig, refine_adam_screw
from jaxsplat.pose.coarse import find_starts
from jaxsplat.pose.gallery import Gallery, build_gallery, gallery_poses, sphere_poses
from jaxsplat.pose.lm import LmConfig, refine_lm
from jaxsplat.pose.records import OUTCOME_TEXT, Outcome, PoseEstimate
from jaxsplat.pose.silhouettes import find_starts_by_silhouette
from jaxsplat.pose.stages import Stage, stages_for
from jaxsplat.pose.views import at_poses

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
