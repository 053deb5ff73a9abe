"""How well detection and pose estimation do: exact metrics of images, pixels, poses."""

from jaxsplat.metrics.aupimo import aupimo, why_no_aupimo
from jaxsplat.metrics.aupro import area_under_pro, aupro, pro_curve
from jaxsplat.metrics.detection import (
    image_auroc,
    image_f1_max,
    pixel_ap,
    pixel_auroc,
    pixel_f1_max,
    roc_curve,
)
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
    "area_under_pro",
    "aupimo",
    "aupro",
    "image_auroc",
    "image_f1_max",
    "pixel_ap",
    "pixel_auroc",
    "pixel_f1_max",
    "pose_summary",
    "pro_curve",
    "psnr",
    "relative_translation_error",
    "roc_curve",
    "rotation_error",
    "translation_error",
    "why_no_aupimo",
    "why_undefined",
]
