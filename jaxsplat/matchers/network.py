"""Named detectors and matchers: load one, find keypoints, match them."""

import dataclasses
import functools
from typing import TypeVar

import jax
import jax.numpy as jnp
from jax import Array
from jaxtyping import Float

from jaxsplat import errors
from jaxsplat.core import precision
from jaxsplat.features import loading, structure
from jaxsplat.features.interpolation import resize_grid
from jaxsplat.matchers import registry
from jaxsplat.matchers.config import DetectorConfig, MatcherConfig, whole_side
from jaxsplat.matchers.records import Keypoints, Matches

Named = TypeVar("Named", bound=loading.Entry)


@jax.tree_util.register_dataclass
@dataclasses.dataclass(frozen=True)
class KeypointDetector:
    """A detector with its weights, ready to be an argument of a jitted function.

    Attributes:
        params: float32 parameters by published name.
        config: what the parameters belong to (static).
    """

    params: dict[str, Float[Array, "..."]]
    config: DetectorConfig = dataclasses.field(metadata=dict(static=True))


@jax.tree_util.register_dataclass
@dataclasses.dataclass(frozen=True)
class KeypointMatcher:
    """A matcher with its weights, ready to be an argument of a jitted function.

    Attributes:
        params: float32 parameters by published name.
        config: what the parameters belong to (static).
    """

    params: dict[str, Float[Array, "..."]]
    config: MatcherConfig = dataclasses.field(metadata=dict(static=True))


def load_detector(name: str = "xfeat", path: str | None = None) -> KeypointDetector:
    """Returns a detector with its weights. Never downloads.

    Args:
        name: one of `registry.DETECTORS`. The weights of "xfeat" come with the package.
        path: a safetensors file with exactly the network's tensors, as
            `python -m experiments.convert_weights` writes it; None for the bundled one.
            That of "loftr" has the matcher's too.

    Raises:
        ConfigError: no detector has this name.
        DataError: there are no weights, or they do not fit; names the first difference.
    """
    entry = _known(name, registry.DETECTORS)
    return KeypointDetector(_params(entry, path), entry.config)


def load_matcher(name: str = "lighterglue", path: str | None = None) -> KeypointMatcher:
    """Returns a matcher with its weights; arguments and errors as of `load_detector`.

    Args:
        name: one of `registry.MATCHERS`. Each matches the descriptors of one detector.
            The weights of "lighterglue", which matches XFeat's, come with the package.
        path: a safetensors file, or None for the bundled one.
    """
    entry = _known(name, registry.MATCHERS)
    return KeypointMatcher(_params(entry, path), entry.config)


def _known(name: str, entries: dict[str, Named]) -> Named:
    if name not in entries:
        raise errors.ConfigError(f"name: {name!r}, expected one of {sorted(entries)}")
    return entries[name]


def _params(entry: loading.Entry, path: str | None) -> dict[str, Array]:
    config, folder = entry.config, registry.BUNDLED
    model = registry.model_of(config)
    names = registry.file_shapes(config.name)
    return loading.load_params(entry, model, config, path, folder, names)


@functools.partial(jax.jit, static_argnames="count")
def detect(
    detector: KeypointDetector, images: Float[Array, "b h w 3"], count: int = 512
) -> Keypoints:
    """Returns the keypoints of images.

    Sides that are no multiples of `detector.config.multiple` are first shrunk to the
    next ones, or stretched where they are below it.

    Args:
        detector: from `load_detector`.
        images: RGB in [0, 1], [b, h, w, 3].
        count: how many keypoints of each. A detector without a choice, "loftr", returns
            all cells of its grid instead, row by row.
    """
    config, images = detector.config, precision.single(images)
    height, width = images.shape[1:3]
    rows, columns = (whole_side(side, config.multiple) for side in (height, width))
    whole = jax.vmap(lambda image: resize_grid(image, rows, columns, "linear"))(images)
    model = structure.with_params(registry.model_of(config), config, detector.params)
    found = model(whole, count)
    scale = jnp.array([width / columns, height / rows], jnp.float32)
    return dataclasses.replace(
        found, places=found.places * scale, width=width, height=height
    )


@jax.jit
def match(matcher: KeypointMatcher, first: Keypoints, second: Keypoints) -> Matches:
    """Returns which keypoints of two images, or of batches of pairs, show one point.

    Args:
        matcher: from `load_matcher`; of the descriptors that both have.
        first: keypoints of one image each.
        second: of the other image each; their number may be another.

    Raises:
        ConfigError: the descriptors are not those that the matcher was made for.
    """
    config = matcher.config
    for keypoints in (first, second):
        if keypoints.descriptors.shape[-1] != config.channels:
            raise errors.ConfigError(
                f"{config.name}: descriptors of {keypoints.descriptors.shape[-1]} "
                f"channels, expected {config.channels}"
            )
    model = structure.with_params(registry.model_of(config), config, matcher.params)
    found: Matches = model(*precision.single((first, second)))
    return found
