"""Poses of photographs: coarse starts from a gallery, refined through the renderer."""

from jaxsplat.pose.adam_screw import AdamScrewConfig, refine_adam_screw
from jaxsplat.pose.lm import LmConfig, Stage, refine_lm
from jaxsplat.pose.gallery import Gallery, build_gallery, join, nearest
from jaxsplat.pose.records import OUTCOME_TEXT, Outcome, PoseEstimate
from jaxsplat.pose.synthesis import sphere_poses, synthesise_views
from jaxsplat.pose.views import at_poses

__all__ = [
    "OUTCOME_TEXT",
    "AdamScrewConfig",
    "LmConfig",
    "Stage",
    "refine_lm",
    "Gallery",
    "Outcome",
    "PoseEstimate",
    "at_poses",
    "build_gallery",
    "join",
    "nearest",
    "refine_adam_screw",
    "sphere_poses",
    "synthesise_views",
]
