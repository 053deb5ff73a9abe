"""Named feature networks: load one, normalise images for it, extract its maps."""

import dataclasses
from collections.abc import Sequence

import jax
import jax.numpy as jnp
from jax import Array
from jaxtyping import Float

from jaxsplat import errors
from jaxsplat.core import precision
from jaxsplat.features import loading, structure, weights
from jaxsplat.features.config import NetworkConfig
from jaxsplat.features.interpolation import resize_grid
from jaxsplat.features.registry import NETWORKS, model_of


@jax.tree_util.register_dataclass
@dataclasses.dataclass(frozen=True)
class FeatureNetwork:
    """A network with its weights, ready to be an argument of a jitted function.

    Attributes:
        params: float32 parameters by published name; see `structure.to_params`.
        config: what the parameters belong to (static).
    """

    params: dict[str, Float[Array, "..."]]
    config: NetworkConfig = dataclasses.field(metadata=dict(static=True))


def load_network(
    name: str = "efficientnet_lite0",
    path: str | None = None,
    taps: Sequence[str] | None = None,
) -> FeatureNetwork:
    """Returns a network with its weights. Never downloads.

    Args:
        name: one of `registry.NETWORKS`. The weights of "efficientnet_lite0" come with
            the package.
        path: a safetensors file with exactly the network's tensors, as
            `python -m experiments.convert_weights` writes it; None for the bundled one.
        taps: names of the maps that `extract` returns, of `config.all_taps`; None for
            the usual ones, () for all. They come in the network's order.

    Raises:
        ConfigError: no network has this name, or it has no map of a name in `taps`.
        DataError: there are no weights, or they do not fit; names the first difference.
    """
    if name not in NETWORKS:
        raise errors.ConfigError(f"name: {name!r}, expected one of {sorted(NETWORKS)}")
    entry = NETWORKS[name]
    config = entry.config
    if taps is not None:
        config = dataclasses.replace(config, tapped=tuple(taps))
    # A file has the tensors of all maps, of which those behind the last one are left.
    whole = dataclasses.replace(config, tapped=())
    model = model_of(config)
    names = structure.file_shapes(model, whole)
    params = loading.load_params(entry, model, config, path, weights.BUNDLED, names)
    return FeatureNetwork(params, config)


def normalize(
    network: FeatureNetwork, images: Float[Array, "*b h w 3"]
) -> Float[Array, "*b h w 3"]:
    """Returns RGB images in [0, 1] in the scale that the network was trained with."""
    mean = jnp.array(network.config.mean, dtype=images.dtype)
    std = jnp.array(network.config.std, dtype=images.dtype)
    return (images - mean) / std


def level_names(network: FeatureNetwork) -> tuple[str, ...]:
    """Returns what `extract`'s maps are called, with the pixels from cell to cell."""
    return tuple(f"{tap.name}_{tap.stride}px" for tap in network.config.taps)


@jax.jit
def extract(
    network: FeatureNetwork, images: Float[Array, "b h w 3"]
) -> tuple[Float[Array, "b _ _ _"], ...]:
    """Returns the network's feature maps, in the order of `network.config.taps`.

    Sides that are no multiples of `network.config.multiple` (14 for DINOv2, 16 for SAM,
    1 for the others) are first stretched to the next ones, so that the maps show the
    whole image.

    Args:
        network: from `load_network`.
        images: RGB in [0, 1], [b, h, w, 3]. 16 pixels a side suffice.

    Returns:
        Maps [b, h2, w2, c] of about h / s by w / s cells, where s is the tap's stride:
        2, 4, 8, 16 for EfficientNets, of which `architecture.map_shapes` tells the
        exact sizes; 4, 8, 16 for residual networks; 14 for each of DINOv2's; 16 for
        SAM's only one.

    Raises:
        ConfigError: the images are so small that a map would be empty.
    """
    config, images = network.config, precision.single(images)
    height, width = (
        -(-side // config.multiple) * config.multiple for side in images.shape[1:3]
    )
    whole = jax.vmap(lambda image: resize_grid(image, height, width, "linear"))(images)
    normalized = normalize(network, whole)
    model = structure.with_params(model_of(config), config, network.params)
    return tuple(model(normalized))
