"""Settings and states as JSON and arrays: nothing in a file is ever executed.

A value becomes a tree of JSON nodes in which records stand by their class's name and
arrays by a key of a safetensors file. Only classes that are known here, or were made
known with `storable`, come back from a file.
"""

import dataclasses
import pathlib
from collections.abc import Mapping
from typing import Any, TypeVar

import jax
import jax.numpy as jnp
import numpy as np
import safetensors
import safetensors.numpy

from jaxsplat import errors, pose, scores
from jaxsplat.core.cameras import Camera
from jaxsplat.data import atomic
from jaxsplat.data.lens import Lens
from jaxsplat.features.architecture import EfficientNetConfig
from jaxsplat.features.dinov2 import DinoV2Config
from jaxsplat.features.mmpdn import MmpdnConfig
from jaxsplat.features.network import FeatureNetwork
from jaxsplat.features.resnet import ResNetConfig
from jaxsplat.features.sam import SamConfig
from jaxsplat.learning import Cosine, Steps, Training
from jaxsplat.matchers import KeypointDetector, KeypointMatcher, Keypoints
from jaxsplat.matchers.aliked import AlikedConfig
from jaxsplat.matchers.disk import DiskConfig
from jaxsplat.matchers.lightglue import LightGlueConfig
from jaxsplat.matchers.loftr import LoftrConfig
from jaxsplat.matchers.loftr_matcher import LoftrMatcherConfig
from jaxsplat.matchers.xfeat import XFeatConfig
from jaxsplat.methods.depth_comparison import DepthComparison, DepthDetector
from jaxsplat.methods.method import Method
from jaxsplat.methods.mmpdn_training import MmpdnLoss
from jaxsplat.methods.programs import States
from jaxsplat.pose.alignment import Template
from jaxsplat.pose.regression.network import Irprn
from jaxsplat.pose.regression.perturbing import Perturbation
from jaxsplat.pose.regression.references import References
from jaxsplat.pose.regression.training import Regression
from jaxsplat.pose.starts.candidates import Candidates
from jaxsplat.pose.starts.matching import Search, Windows
from jaxsplat.pose.starts.regressed import Regressor
from jaxsplat.pose.starts.surface import Surface
from jaxsplat.scores.nearness import Nearness

Class = TypeVar("Class", bound=type)
Arrays = dict[str, np.ndarray]

_CLASSES: dict[str, type] = {}


def storable(kind: Class) -> Class:
    """Makes a dataclass known to `decode`; a decorator for parts and their states.

    Raises:
        ConfigError: another class of that name is known.
    """
    if not dataclasses.is_dataclass(kind):
        raise errors.ConfigError(f"{kind.__name__}: expected a dataclass")
    if _CLASSES.setdefault(kind.__name__, kind) is not kind:
        raise errors.ConfigError(f"{kind.__name__}: another class has this name")
    return kind


for _kind in (
    AlikedConfig,
    Camera,
    Candidates,
    Cosine,
    DepthComparison,
    DepthDetector,
    DinoV2Config,
    DiskConfig,
    EfficientNetConfig,
    FeatureNetwork,
    Irprn,
    KeypointDetector,
    KeypointMatcher,
    Keypoints,
    Lens,
    LightGlueConfig,
    LoftrConfig,
    LoftrMatcherConfig,
    Method,
    MmpdnConfig,
    MmpdnLoss,
    Nearness,
    Perturbation,
    References,
    Regression,
    Regressor,
    ResNetConfig,
    SamConfig,
    Search,
    States,
    Steps,
    Surface,
    Template,
    Training,
    Windows,
    XFeatConfig,
    pose.AdamScrew,
    pose.AdamView,
    pose.Gallery,
    pose.GalleryStarts,
    pose.Lm,
    pose.RegressedStarts,
    pose.MaskRefine,
    pose.MaskStarts,
    pose.MatchGallery,
    pose.MatchStarts,
    pose.ScrewState,
    pose.SilhouetteStarts,
    pose.Stage,
    pose.Unrefined,
    pose.ViewState,
    scores.ExpectedDistance,
    scores.ExpectedDistances,
    scores.GoodScores,
    scores.Conformal,
    scores.CosineDistance,
    scores.Peak,
    scores.PooledPeak,
    scores.PublishedDistance,
    scores.TopShare,
):
    storable(_kind)


def encode(value: Any, arrays: Arrays, path: str = "") -> Any:
    """Returns a value as JSON; its arrays are added to `arrays` by their path.

    Args:
        value: records, tuples, dictionaries, arrays, numbers, text, None, nested.
        arrays: takes the arrays.
        path: names the value.

    Raises:
        ConfigError: a record's class is not known, or a value of another kind.
    """
    if isinstance(value, jax.Array | np.ndarray):
        arrays[path] = np.asarray(value)
        return {"array": path}
    if value is None or isinstance(value, str | bool | int | float):
        return value
    if isinstance(value, tuple | list):
        nodes = [encode(v, arrays, _join(path, i)) for i, v in enumerate(value)]
        return {"tuple": nodes}
    if isinstance(value, Mapping):
        members = {k: encode(v, arrays, _join(path, k)) for k, v in value.items()}
        return {"dict": members}
    kind = type(value).__name__
    if not dataclasses.is_dataclass(value) or _CLASSES.get(kind) is not type(value):
        raise errors.ConfigError(
            f"{path}: a {kind} cannot be saved; make it known with "
            "`jaxsplat.methods.storable`"
        )
    members = {
        field.name: encode(getattr(value, field.name), arrays, _join(path, field.name))
        for field in dataclasses.fields(value)
    }
    return {"record": kind, "fields": members}


def decode(node: Any, arrays: Mapping[str, np.ndarray], where: str) -> Any:
    """Returns the value that `encode` was given, arrays as JAX arrays.

    Args:
        node: from `encode`.
        arrays: from the file.
        where: names the file in messages.

    Raises:
        DataError: a class is not known, its fields are others, or an array is missing.
    """
    if not isinstance(node, dict):
        return node
    if "array" in node:
        if node["array"] not in arrays:
            raise errors.DataError(f"{where}: the array {node['array']!r} is missing")
        return jnp.asarray(arrays[node["array"]])
    if "tuple" in node:
        return tuple(decode(item, arrays, where) for item in node["tuple"])
    if "dict" in node:
        return {k: decode(v, arrays, where) for k, v in node["dict"].items()}
    kind = _CLASSES.get(str(node.get("record")))
    if kind is None:
        raise errors.DataError(
            f"{where}: holds a {node.get('record')!r}, which is not known here; import "
            "what defines it first"
        )
    fields = {k: decode(v, arrays, where) for k, v in node["fields"].items()}
    try:
        return kind(**fields)
    except TypeError as error:
        raise errors.DataError(
            f"{where}: its {node['record']} has other fields than this version's "
            f"({error}); fit again"
        ) from error


def write_arrays(path: pathlib.Path, arrays: Mapping[str, np.ndarray]) -> None:
    """Writes arrays as safetensors, so that the file is whole or not there."""
    whole = {name: np.asarray(v, order="C") for name, v in arrays.items()}
    atomic.write_bytes(path, safetensors.numpy.save(whole))


def read_arrays(path: pathlib.Path) -> Arrays:
    """Returns the arrays of a safetensors file by name.

    Raises:
        DataError: the file is missing, cut or no such file.
    """
    try:
        return safetensors.numpy.load(path.read_bytes())
    except (OSError, safetensors.SafetensorError) as error:
        raise errors.DataError(f"{path}: cannot be read: {error}") from error


def _join(path: str, name: object) -> str:
    return f"{path}.{name}" if path else str(name)
