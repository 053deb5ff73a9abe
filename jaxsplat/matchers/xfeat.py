"""XFeat: keypoints and descriptors of a small convolutional network.

Potje et al., "XFeat: Accelerated Features for Lightweight Image Matching" (CVPR 2024).
Attribute names are the published PyTorch names. The part that refines matches of
coarse cells is not built.
"""

import dataclasses

import jax
import jax.numpy as jnp
import numpy as np
from flax import nnx
from jax import Array, lax
from jaxtyping import Float

from jaxsplat.core import safe
from jaxsplat.features.architecture import Window
from jaxsplat.features.interpolation import resize_grid
from jaxsplat.features.layers import BatchNorm, Conv, PointwiseConv
from jaxsplat.matchers import peaks
from jaxsplat.matchers.config import DetectorConfig
from jaxsplat.matchers.parts import AveragePool, Numbered, relu
from jaxsplat.matchers.records import Keypoints

_EPSILON = 1e-5  # of all normalisations
_CELL = 8  # pixels a side, of which at most one is a keypoint
_CHANNELS = 64


@dataclasses.dataclass(frozen=True, kw_only=True)
class XFeatConfig(DetectorConfig):
    """The one network that is published.

    Attributes:
        threshold: probability of being a keypoint that a pixel must exceed.
        window: side in pixels of the neighbourhood whose highest pixel is taken.
    """

    channels: int = _CHANNELS
    multiple: int = 32
    threshold: float = 0.05
    window: int = 5


class Layer(nnx.Module):
    """A convolution, normalised and rectified."""

    def __init__(
        self, inputs: int, outputs: int, side: int = 3, stride: int = 1
    ) -> None:
        window = Window(side, stride, (side // 2, side // 2))
        conv = PointwiseConv(inputs, outputs) if side == 1 else None
        self.layer = Numbered(
            conv or Conv(inputs, outputs, window),
            BatchNorm(outputs, _EPSILON, affine=False),
            relu(),
        )

    def __call__(self, x: Float[Array, "b h w c"]) -> Float[Array, "b h2 w2 c2"]:
        return self.layer(x)


class XFeat(nnx.Module):
    """The network; called with RGB images it returns their keypoints."""

    def __init__(self, config: XFeatConfig) -> None:
        c = config.channels
        self.skip1 = Numbered(AveragePool(4), PointwiseConv(1, 24, use_bias=True))
        self.block1 = Numbered(
            Layer(1, 4), Layer(4, 8, stride=2), Layer(8, 8), Layer(8, 24, stride=2)
        )
        self.block2 = Numbered(Layer(24, 24), Layer(24, 24))
        self.block3 = Numbered(Layer(24, c, stride=2), Layer(c, c), Layer(c, c, 1))
        self.block4 = Numbered(Layer(c, c, stride=2), Layer(c, c), Layer(c, c))
        self.block5 = Numbered(
            Layer(c, 128, stride=2),
            Layer(128, 128),
            Layer(128, 128),
            Layer(128, c, 1),
        )
        self.block_fusion = Numbered(
            Layer(c, c), Layer(c, c), PointwiseConv(c, c, use_bias=True)
        )
        self.heatmap_head = Numbered(
            Layer(c, c, 1), Layer(c, c, 1), PointwiseConv(c, 1, use_bias=True)
        )
        self.keypoint_head = Numbered(
            Layer(_CELL**2, c, 1),
            Layer(c, c, 1),
            Layer(c, c, 1),
            PointwiseConv(c, _CELL**2 + 1, use_bias=True),
        )
        self.config = config

    def __call__(self, images: Float[Array, "b h w 3"], count: int) -> Keypoints:
        """Returns the best keypoints of images.

        Args:
            images: RGB in any scale, sides multiples of `config.multiple`.
            count: how many keypoints of each.
        """
        descriptors, heat, reliability = self.maps(images)
        height, width = heat.shape[1:]
        found = peaks.peaks(heat, self.config.window) & (heat > self.config.threshold)
        scores = heat * _at_pixels(reliability[..., 0])
        pixels, scores = peaks.best(jnp.where(found, scores, -1.0), count)
        real = scores > 0
        places = pixels.astype(jnp.float32)
        cells = _in_cells(places, width, height)
        read = jax.vmap(lambda grid, at: peaks.read(grid, at, "cubic"))
        return Keypoints(
            places + 0.5,
            safe.normalize(read(safe.normalize(descriptors), cells)),
            jnp.where(real, scores, 0.0),
            real,
            width,
            height,
        )

    def maps(
        self, images: Float[Array, "b h w 3"]
    ) -> tuple[
        Float[Array, "b h2 w2 c"], Float[Array, "b h w"], Float[Array, "b h2 w2 1"]
    ]:
        """Returns cells' descriptors, pixels' and cells' probability as keypoints."""
        gray = jnp.mean(images, axis=-1, keepdims=True)
        gray = gray - jnp.mean(gray, axis=(1, 2), keepdims=True)
        variance = jnp.mean(gray * gray, axis=(1, 2), keepdims=True)
        gray = gray * lax.rsqrt(variance + _EPSILON)
        fine = self.block3(self.block2(self.block1(gray) + self.skip1(gray)))
        middle = self.block4(fine)
        coarse = self.block5(middle)
        height, width = fine.shape[1:3]

        def stretched(x: Float[Array, "b h w c"]) -> Float[Array, "b h2 w2 c"]:
            return jax.vmap(lambda one: resize_grid(one, height, width, "linear"))(x)

        joined = fine + stretched(middle) + stretched(coarse)
        descriptors = self.block_fusion(joined)
        reliability = nnx.sigmoid(self.heatmap_head(descriptors))
        logits = self.keypoint_head(_cells(gray))
        # The last is the probability that no pixel of the cell is a keypoint.
        of_pixels = jax.nn.softmax(logits, axis=-1)[..., :-1]
        return descriptors, _pixels(of_pixels), reliability


def _cells(gray: Float[Array, "b h w 1"]) -> Float[Array, "b h2 w2 p"]:
    """Returns the pixels of each cell as channels, row by row."""
    count, height, width, _ = gray.shape
    rows, columns = height // _CELL, width // _CELL
    split = gray.reshape(count, rows, _CELL, columns, _CELL)
    return split.swapaxes(2, 3).reshape(count, rows, columns, -1)


def _pixels(cells: Float[Array, "b h2 w2 p"]) -> Float[Array, "b h w"]:
    """Returns the opposite of `_cells`."""
    count, rows, columns, _ = cells.shape
    split = cells.reshape(count, rows, columns, _CELL, _CELL).swapaxes(2, 3)
    return split.reshape(count, rows * _CELL, columns * _CELL)


def _in_cells(
    places: Float[Array, "*n 2"], width: int, height: int
) -> Float[Array, "*n 2"]:
    """Returns where in the maps of cells pixels are read, as the weights were trained.

    The first pixel's centre is on the first cell's edge, and the last one's on the last
    cell's.
    """
    last = jnp.array([width - 1, height - 1], jnp.float32)
    cells = jnp.array([width // _CELL, height // _CELL], jnp.float32)
    return places / last * cells - 0.5


def _at_pixels(cells: Float[Array, "b h2 w2"]) -> Float[Array, "b h w"]:
    """Returns maps of cells, read linearly at all pixels; 0 beyond the cells."""
    rows, columns = (_reading(side) for side in cells.shape[1:])
    return jnp.einsum(
        "yh,bhw,xw->byx", rows, cells, columns, precision=lax.Precision.HIGHEST
    )


def _reading(cells: int) -> Float[np.ndarray, "pixels cells"]:
    """Returns the weights of the cells at each pixel along an axis; see `_in_cells`."""
    pixels = np.arange(cells * _CELL)
    places = pixels / (len(pixels) - 1) * cells - 0.5
    distance = np.abs(places[:, None] - np.arange(cells))
    return np.maximum(1 - distance, 0).astype(np.float32)
