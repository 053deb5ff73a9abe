"""LoFTR: features of the cells of a grid, which are matched without finding keypoints.

Sun et al., "LoFTR: Detector-Free Local Feature Matching with Transformers" (CVPR 2021):
its local features (Sec. 3.1), which `loftr_matcher.py` matches. Attribute names are the
published PyTorch names. The finer maps, and the stage that reads them, are not built:
it moves matches within a cell and changes neither their number nor their confidence.
Weights are not bundled.
"""

import dataclasses

import jax.numpy as jnp
import numpy as np
from flax import nnx
from jax import Array, lax
from jaxtyping import Float

from jaxsplat.core import safe
from jaxsplat.features.architecture import Window
from jaxsplat.features.layers import BatchNorm, Conv, PointwiseConv
from jaxsplat.features.resnet import Block
from jaxsplat.matchers.config import DetectorConfig
from jaxsplat.matchers.records import Keypoints

CELL = 8  # pixels a side
_EPSILON = 1e-5  # of batch normalisation
# Of RGB in the gray image: OpenCV's, with which the weights were trained.
_GRAY = (0.299, 0.587, 0.114)


@dataclasses.dataclass(frozen=True, kw_only=True)
class LoftrConfig(DetectorConfig):
    """The network that is published, with all sets of weights.

    Attributes:
        width: channels of the stem.
        finer: channels of the layers at strides 2 and 4; the last one's, at stride 8,
            are the descriptor's.
    """

    channels: int = 256
    multiple: int = CELL
    width: int = 128
    finer: tuple[int, int] = (128, 196)


def _layer(inputs: int, outputs: int, stride: int) -> tuple[Block, Block]:
    return Block(inputs, outputs, stride), Block(outputs, outputs, 1)


class Backbone(nnx.Module):
    """The residual network down to stride 8, and the head of its pyramid there."""

    def __init__(self, config: LoftrConfig) -> None:
        fine, middle = config.finer
        self.conv1 = Conv(1, config.width, Window(7, 2, (3, 3)))
        self.bn1 = BatchNorm(config.width, _EPSILON)
        self.layer1 = nnx.List(_layer(config.width, fine, 1))
        self.layer2 = nnx.List(_layer(fine, middle, 2))
        self.layer3 = nnx.List(_layer(middle, config.channels, 2))
        self.layer3_outconv = PointwiseConv(config.channels, config.channels)

    def __call__(self, gray: Float[Array, "b h w 1"]) -> Float[Array, "b h2 w2 c"]:
        x = nnx.relu(self.bn1(self.conv1(gray)))
        for layer in (self.layer1, self.layer2, self.layer3):
            for block in layer:
                x = block(x)
        return self.layer3_outconv(x)


class Loftr(nnx.Module):
    """The network; called with RGB images it returns all their cells as keypoints."""

    def __init__(self, config: LoftrConfig) -> None:
        self.backbone = Backbone(config)
        self.config = config

    def __call__(self, images: Float[Array, "b h w 3"], count: int) -> Keypoints:
        """Returns the cells of images, row by row; all are real.

        A score is the length of the cell's feature: the descriptor, a unit vector, is
        the feature again times its score. A place is the pixel on which the windows of
        the convolutions are centred: the pixel of index 8 i for the cell of index i, in
        its upper left corner, which is the published place too.

        Args:
            images: RGB in [0, 1], sides multiples of `config.multiple`.
            count: of no effect.
        """
        del count
        gray = jnp.matmul(
            images, jnp.array(_GRAY, jnp.float32), precision=lax.Precision.HIGHEST
        )
        maps = self.backbone(gray[..., None])
        features = maps.reshape(len(maps), -1, self.config.channels)
        places = jnp.asarray(_places(*maps.shape[1:3]))
        return Keypoints(
            jnp.broadcast_to(places, (len(maps), *places.shape)),
            safe.normalize(features),
            safe.norm(features),
            jnp.ones(features.shape[:2], bool),
            images.shape[2],
            images.shape[1],
        )


def _places(rows: int, columns: int) -> Float[np.ndarray, "n 2"]:
    """Returns x and y of all cells."""
    y, x = np.indices((rows, columns)).reshape(2, -1)
    return (np.stack([x, y], axis=-1) * CELL + 0.5).astype(np.float32)
