"""Poses of photographs: coarse starts, refined through the renderer."""

from jaxsplat.pose.estimate import (
    OUTCOME_TEXT,
    TRUSTED,
    CoarsePoses,
    Outcome,
    PoseEstimate,
)
from jaxsplat.pose.expected import Expected, agreement, beside, expected_photographs
from jaxsplat.pose.on_masks import MaskRefine, MaskStarts
from jaxsplat.pose.parts import Refine, Starts
from jaxsplat.pose.photographs import Photographs, anywhere, on_plain
from jaxsplat.pose.refine.adam_screw import AdamScrew, ScrewState
from jaxsplat.pose.refine.adam_view import AdamView, ViewState
from jaxsplat.pose.refine.lm import Lm
from jaxsplat.pose.refine.stages import Stage, patient_stages, stages_for
from jaxsplat.pose.refine.unrefined import Unrefined
from jaxsplat.pose.starts.appearance import GalleryStarts
from jaxsplat.pose.starts.gallery import (
    Gallery,
    build_gallery,
    gallery_poses,
    sphere_poses,
)
from jaxsplat.pose.starts.matches import MatchGallery, MatchStarts
from jaxsplat.pose.starts.regressed import RegressedStarts
from jaxsplat.pose.starts.silhouettes import SilhouetteStarts

__all__ = [
    "OUTCOME_TEXT",
    "TRUSTED",
    "AdamScrew",
    "AdamView",
    "CoarsePoses",
    "Expected",
    "Gallery",
    "GalleryStarts",
    "Lm",
    "MaskRefine",
    "MaskStarts",
    "MatchGallery",
    "MatchStarts",
    "Outcome",
    "Photographs",
    "PoseEstimate",
    "Refine",
    "RegressedStarts",
    "ScrewState",
    "SilhouetteStarts",
    "Stage",
    "Starts",
    "Unrefined",
    "ViewState",
    "agreement",
    "anywhere",
    "beside",
    "build_gallery",
    "expected_photographs",
    "gallery_poses",
    "on_plain",
    "patient_stages",
    "sphere_poses",
    "stages_for",
]
