"""How well detection and pose estimation do: exact metrics of images, pixels, poses."""

from jaxsplat.metrics.aupro import aupro
from jaxsplat.metrics.detection import image_auroc, pixel_ap, pixel_auroc
from jaxsplat.metrics.images import psnr
from jaxsplat.metrics.poses import (
    SUCCESS_ROTATION_DEG,
    SUCCESS_TRANSLATION,
    pose_summary,
    relative_translation_error,
    rotation_error,
    translation_error,
)
from jaxsplat.metrics.ranking import why_undefined

__all__ = [
    "SUCCESS_ROTATION_DEG",
    "SUCCESS_TRANSLATION",
    "aupro",
    "image_auroc",
    "pixel_ap",
    "pixel_auroc",
    "pose_summary",
    "psnr",
    "relative_translation_error",
    "rotation_error",
    "translation_error",
    "why_undefined",
]
