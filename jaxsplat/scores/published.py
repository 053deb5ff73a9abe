"""The anomaly score of SplatPose's published code, in every detail.

Kruse et al., "SplatPose & Detect: Pose-Agnostic 3D Anomaly Detection" (2024); the score
is that of PAD (Zhou et al. 2023). A query is compared with the render of its
defect-free twin: squared differences of the normalised colours, plus those of four
feature maps, blurred. Exactly published with "efficientnet_b4"; other networks take its
place in the same formula, where their own normalisation also scales the colour term.

Two points are kept only because this is a named mode of a published baseline:

- The maps are scaled by minimum and maximum over *all test images of the class*. The
  score of an image so depends on the other test images (it is transductive), and it
  cannot be used on a single photograph. Within a class the scaling is increasing, so
  AUROC and AP are those of the raw maps.
- Images become bytes by truncation (`mul(255).byte()`), not by rounding. The published
  code does not clamp before that, so values above 1 wrap around to black; here images
  are clamped to [0, 1] first.

The shorter side becomes 224 pixels. PAD's images are square; any other keeps its shape
by the same rule, and the maps are as large as the resized image.
"""

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array
from jaxtyping import Float, Int

from jaxsplat import features
from jaxsplat.core.precision import single
from jaxsplat.scores import blur, resize
from jaxsplat.scores.finite import nan_unless_finite

SIZE = 224  # pixels of the shorter side, in the published code
BLUR_SIGMA = 4.0  # pixels, in the published code


def _to_bytes(images: Float[Array, "b h w 3"]) -> Int[Array, "b h w 3"]:
    return (jnp.clip(images, 0.0, 1.0) * 255).astype(jnp.int32)


def _resized(images: Float[Array, "b h w 3"]) -> Float[Array, "b h2 w2 3"]:
    height, width = images.shape[1:3]
    height, width = resize.short_side_to(height, width, SIZE)
    whole = resize.resize_bytes(_to_bytes(images), height, width)
    return whole.astype(images.dtype) / 255


def _squared_norm(a: Float[Array, "b h w c"]) -> Float[Array, "b h w"]:
    """Returns the squared norm over channels: their sum, not their mean."""
    return jnp.sum(a * a, axis=-1)


def level_names(network: features.FeatureNetwork) -> tuple[str, ...]:
    """Returns what the levels of `level_maps` are called."""
    return "color", *features.level_names(network)


@jax.jit
def raw_maps(
    network: features.FeatureNetwork,
    queries: Float[Array, "b h w 3"],
    renders: Float[Array, "b h w 3"],
) -> Float[Array, "b h2 w2"]:
    """Returns the blurred anomaly map of every query, before scaling over the set.

    Args:
        network: what the images are compared with.
        queries: photographs, RGB in [0, 1], [b, h, w, 3].
        renders: the defect-free twins, [b, h, w, 3].

    Returns:
        Maps [b, 224, 224], or with the longer side scaled likewise. The map of a pair
        that holds a number that is not finite is NaN throughout.

    Raises:
        ValueError: there is not one render for each query, of the same size.
    """
    first, *others = _distances(network, queries, renders)
    maps = blur.blur(sum(others, first), BLUR_SIGMA)
    return nan_unless_finite(maps, queries, renders)


def level_maps(
    network: features.FeatureNetwork,
    queries: Float[Array, "b h w 3"],
    renders: Float[Array, "b h w 3"],
) -> Float[Array, "b levels h2 w2"]:
    """Returns the blurred summands of `raw_maps`, which has the same arguments."""
    levels = jnp.stack(_distances(network, queries, renders), axis=1)
    return jax.vmap(lambda maps: blur.blur(maps, BLUR_SIGMA))(levels)


def _distances(
    network: features.FeatureNetwork,
    queries: Float[Array, "b h w 3"],
    renders: Float[Array, "b h w 3"],
) -> list[Float[Array, "b h2 w2"]]:
    if queries.shape != renders.shape:
        raise ValueError(f"queries {queries.shape} but renders {renders.shape}")
    queries, renders = single((queries, renders))
    count = queries.shape[0]
    both = jnp.concatenate([_resized(queries), _resized(renders)])
    colors = features.normalize(network, both)
    color = _squared_norm(colors[:count] - colors[count:])
    distances = [
        _squared_norm(level[:count] - level[count:])
        for level in features.extract(network, both)
    ]
    # Half-pixel centres, as PyTorch with align_corners=False.
    return [color, *(jax.image.resize(x, color.shape, "linear") for x in distances)]


def normalize_maps(maps: Float[np.ndarray, "n h w"]) -> Float[np.ndarray, "n h w"]:
    """Returns the maps scaled to [0, 1] by minimum and maximum over the whole set.

    Maps that are all alike become 0. A map with a number that is not finite takes no
    part in minimum and maximum, and becomes NaN.

    Args:
        maps: of all test images of a class, [n, h, w].
    """
    finite = np.isfinite(maps).all(axis=(1, 2))
    scaled = np.full_like(maps, np.nan)
    if finite.any():
        low, high = maps[finite].min(), maps[finite].max()
        span = high - low if high > low else 1
        scaled[finite] = (maps[finite] - low) / span
    return scaled


def image_scores(maps: Float[np.ndarray, "n h w"]) -> Float[np.ndarray, " n"]:
    """Returns the score of every image, the maximum of its map (NaN stays NaN)."""
    return maps.max(axis=(1, 2))
