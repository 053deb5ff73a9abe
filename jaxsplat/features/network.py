"""Named feature networks: load one, normalise images for it, extract its maps."""

import dataclasses
import pathlib

import jax
import jax.numpy as jnp
from jax import Array
from jaxtyping import Float

from jaxsplat import errors
from jaxsplat.core import precision
from jaxsplat.features import efficientnet, weights
from jaxsplat.features.architecture import EfficientNetConfig

# Each network gets the normalisation that it was trained with, since its first batch
# normalisation holds the statistics of exactly that. Lite0: (byte - 127) / 128. (The
# ImageNet statistics also work for it, a little worse.) B4: the ImageNet statistics, as
# in PAD's and SplatPose's published code.
CONFIGS = {
    "efficientnet_lite0": EfficientNetConfig(
        name="efficientnet_lite0",
        width=1.0,
        depth=1.0,
        squeeze_excite=False,
        activation="relu6",
        mean=(127 / 255,) * 3,
        std=(128 / 255,) * 3,
    ),
    "efficientnet_b4": EfficientNetConfig(
        name="efficientnet_b4",
        width=1.4,
        depth=1.8,
        squeeze_excite=True,
        activation="swish",
        mean=(0.485, 0.456, 0.406),
        std=(0.229, 0.224, 0.225),
        # PAD and SplatPose run the PyTorch port with its default, padding for B4's
        # native 380 pixels, on images of 224. It differs from padding for 224 at the
        # third stride-2 window: two pixels in front instead of one.
        padded_for=380,
    ),
}
_BUNDLED = {"efficientnet_lite0": "efficientnet_lite0_taps.safetensors"}
_TO_FETCH = {
    "efficientnet_b4": "efficientnet-b4-6ed6700e.pth of lukemelas/EfficientNet-PyTorch"
}


@jax.tree_util.register_dataclass
@dataclasses.dataclass(frozen=True)
class FeatureNetwork:
    """A network with its weights, ready to be an argument of a jitted function.

    Attributes:
        params: float32 parameters by published name; see
            `efficientnet.parameter_shapes`.
        config: what the parameters belong to (static).
    """

    params: dict[str, Float[Array, "..."]]
    config: EfficientNetConfig = dataclasses.field(metadata=dict(static=True))


def load_network(
    name: str = "efficientnet_lite0", path: str | None = None
) -> FeatureNetwork:
    """Returns a network with its weights. Never downloads.

    Args:
        name: "efficientnet_lite0", whose weights come with the package, or
            "efficientnet_b4".
        path: a safetensors file with exactly the network's tensors, as
            `python -m experiments.convert_weights` writes it; None for the bundled one.

    Raises:
        ConfigError: no network has this name.
        DataError: there are no weights, or they do not fit; names the first difference.
    """
    if name not in CONFIGS:
        raise errors.ConfigError(f"name: {name!r}, expected one of {sorted(CONFIGS)}")
    if path is None and name not in _BUNDLED:
        raise errors.DataError(
            f"{name}: its weights do not come with the package. Fetch "
            f"{_TO_FETCH[name]}, run `python -m experiments.convert_weights --network "
            f"{name} --source FILE.pth --output FILE.safetensors`, and pass that file "
            "as `path`"
        )
    file = pathlib.Path(path) if path is not None else weights.BUNDLED / _BUNDLED[name]
    data = weights.read_file(file)
    if path is None:
        weights.check_sha256(data, file)
    shapes = efficientnet.parameter_shapes(CONFIGS[name])
    tensors = weights.select(weights.parse(data, str(file)), shapes, str(file))
    params = weights.to_network_layout(tensors, shapes)
    return FeatureNetwork(jax.tree.map(jnp.asarray, params), CONFIGS[name])


def normalize(
    network: FeatureNetwork, images: Float[Array, "*b h w 3"]
) -> Float[Array, "*b h w 3"]:
    """Returns RGB images in [0, 1] in the scale that the network was trained with."""
    mean = jnp.array(network.config.mean, dtype=images.dtype)
    std = jnp.array(network.config.std, dtype=images.dtype)
    return (images - mean) / std


@jax.jit
def extract(
    network: FeatureNetwork, images: Float[Array, "b h w 3"]
) -> tuple[Float[Array, "b _ _ _"], ...]:
    """Returns the network's feature maps, finest first.

    Args:
        network: from `load_network`.
        images: RGB in [0, 1], [b, h, w, 3]. 16 pixels a side suffice.

    Returns:
        Maps [b, h2, w2, c] at the strides s = 2, 4, 8, 16, of about h / s by w / s
        pixels; `architecture.map_shapes` tells the exact sizes.

    Raises:
        ConfigError: the images are so small that a map would be empty.
    """
    return efficientnet.forward(
        network.config, network.params, normalize(network, precision.single(images))
    )
