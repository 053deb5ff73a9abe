"""Reads data sets: files of users in, checked records out."""

from jaxsplat.data.background import model_background
from jaxsplat.data.images import image_in, read_image, read_mask, resize_area
from jaxsplat.data.loading import (
    list_categories,
    load_object,
    resolve_categories,
    sample_dir,
)
from jaxsplat.data.parts import group_parts
from jaxsplat.data.silhouettes import differing, silhouette
from jaxsplat.data.true_poses import read_test_poses
from jaxsplat.data.views import GOOD, ObjectSet, View

__all__ = [
    "GOOD",
    "ObjectSet",
    "View",
    "differing",
    "group_parts",
    "image_in",
    "list_categories",
    "load_object",
    "model_background",
    "read_image",
    "read_mask",
    "read_test_poses",
    "resize_area",
    "resolve_categories",
    "sample_dir",
    "silhouette",
]
