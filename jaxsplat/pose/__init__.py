"""Poses of photographs: coarse starts, refined through the renderer."""

from jaxsplat.pose.estimate import (
    OUTCOME_TEXT,
    TRUSTED,
    CoarsePoses,
    Outcome,
    PoseEstimate,
)
from jaxsplat.pose.expected import Expected, agreement, beside, expected_photographs
from jaxsplat.pose.parts import Refine, Starts
from jaxsplat.pose.photographs import Photographs, anywhere, on_plain
from jaxsplat.pose.refine.adam_screw import AdamScrew, ScrewState
from jaxsplat.pose.refine.lm import Lm
from jaxsplat.pose.refine.stages import Stage, stages_for
from jaxsplat.pose.starts.appearance import GalleryStarts
from jaxsplat.pose.starts.gallery import (
    Gallery,
    build_gallery,
    gallery_poses,
    sphere_poses,
)
from jaxsplat.pose.starts.matches import MatchGallery, MatchStarts
from jaxsplat.pose.starts.silhouettes import SilhouetteStarts

__all__ = [
    "OUTCOME_TEXT",
    "TRUSTED",
    "AdamScrew",
    "CoarsePoses",
    "Expected",
    "Gallery",
    "GalleryStarts",
    "Lm",
    "MatchGallery",
    "MatchStarts",
    "Outcome",
    "Photographs",
    "PoseEstimate",
    "Refine",
    "ScrewState",
    "SilhouetteStarts",
    "Stage",
    "Starts",
    "agreement",
    "anywhere",
    "beside",
    "build_gallery",
    "expected_photographs",
    "gallery_poses",
    "on_plain",
    "sphere_poses",
    "stages_for",
]
