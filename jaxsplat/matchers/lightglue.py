"""LightGlue: a transformer that tells which keypoints of two images belong together.

Lindenberger et al., "LightGlue: Local Feature Matching at Light Speed" (ICCV 2023); in
XFeat's narrow version, LighterGlue, too. Attribute names are the published PyTorch
names. Layers are neither left early nor fed fewer points on the way (Sec. 3.3), so that
all shapes are known; keypoints that are not real are hidden from the others instead.
"""

import dataclasses

import jax
import jax.numpy as jnp
from flax import nnx
from jax import Array, lax
from jaxtyping import Bool, Float

from jaxsplat.features.transformer import LayerNorm, Linear, attend
from jaxsplat.matchers.assignment import HIDDEN, dual_softmax, mutual
from jaxsplat.matchers.config import MatcherConfig
from jaxsplat.matchers.parts import Numbered, gelu
from jaxsplat.matchers.records import Keypoints, Matches

_EPSILON = 1e-5  # of all layer normalisations


@dataclasses.dataclass(frozen=True, kw_only=True)
class LightGlueConfig(MatcherConfig):
    """One member of the family.

    Attributes:
        width: channels of a token.
        depth: number of layers.
        heads: of each attention.
        threshold: of a match's score, below which it is none.
    """

    width: int = 256
    depth: int = 9
    heads: int = 4
    threshold: float = 0.1


class Frequencies(nnx.Module):
    """Directions and frequencies along which angles grow."""

    def __init__(self, count: int) -> None:
        self.weight = nnx.Param(jnp.zeros((count, 2)))

    def __call__(self, places: Float[Array, "*b n 2"]) -> Float[Array, "*b n a"]:
        return jnp.matmul(places, self.weight[...].T, precision=lax.Precision.HIGHEST)


class Fourier(nnx.Module):
    """Angles of the rotary encoding: linear functions of a place, learnt (Eq. 4)."""

    def __init__(self, config: LightGlueConfig) -> None:
        self.Wr = Frequencies(config.width // config.heads // 2)

    def __call__(self, places: Float[Array, "*b n 2"]) -> Float[Array, "*b 1 n a"]:
        return self.Wr(places)[..., None, :, :]


def rotate(
    x: Float[Array, "*b h n d"], angles: Float[Array, "*b 1 n a"]
) -> Float[Array, "*b h n d"]:
    """Returns neighbouring channels turned, two by two, by the angles (Eq. 3)."""
    pairs = x.reshape(*x.shape[:-1], -1, 2)
    cosine, sine = jnp.cos(angles), jnp.sin(angles)
    first, second = pairs[..., 0], pairs[..., 1]
    turned = first * cosine - second * sine, second * cosine + first * sine
    return jnp.stack(turned, axis=-1).reshape(x.shape)


class Update(nnx.Module):
    """What a message changes in a token: two linear maps, with GELU between (Eq. 1)."""

    def __init__(self, width: int) -> None:
        self.ffn = Numbered(
            Linear(2 * width, 2 * width),
            LayerNorm(2 * width, _EPSILON),
            gelu(),
            Linear(2 * width, width),
        )

    def updated(
        self, x: Float[Array, "*b n c"], message: Float[Array, "*b n c"]
    ) -> Float[Array, "*b n c"]:
        """Returns the tokens after their messages."""
        return x + self.ffn(jnp.concatenate([x, message], axis=-1))


class SelfAttention(Update):
    """Attention of an image's keypoints to each other, where they are counting."""

    def __init__(self, config: LightGlueConfig) -> None:
        super().__init__(config.width)
        self.Wqkv = Linear(config.width, 3 * config.width)
        self.out_proj = Linear(config.width, config.width)
        self.heads = config.heads

    def __call__(
        self,
        x: Float[Array, "*b n c"],
        angles: Float[Array, "*b 1 n a"],
        hidden: Float[Array, "*b 1 1 n"],
    ) -> Float[Array, "*b n c"]:
        split = self.Wqkv(x).reshape(*x.shape[:-1], self.heads, -1, 3)
        queries, keys, values = jnp.moveaxis(split.swapaxes(-4, -3), -1, 0)
        mixed = attend(rotate(queries, angles), rotate(keys, angles), values, hidden)
        return self.updated(x, self.out_proj(_joined(mixed)))


class CrossAttention(Update):
    """Attention of each image's keypoints to the other's; keys are queries (Eq. 5)."""

    def __init__(self, config: LightGlueConfig) -> None:
        super().__init__(config.width)
        self.to_qk = Linear(config.width, config.width)
        self.to_v = Linear(config.width, config.width)
        self.to_out = Linear(config.width, config.width)
        self.heads = config.heads

    def __call__(
        self,
        first: Float[Array, "*b n c"],
        second: Float[Array, "*b m c"],
        hidden_first: Float[Array, "*b 1 1 n"],
        hidden_second: Float[Array, "*b 1 1 m"],
    ) -> tuple[Float[Array, "*b n c"], Float[Array, "*b m c"]]:
        keys, values = (
            [_split(linear(x), self.heads) for x in (first, second)]
            for linear in (self.to_qk, self.to_v)
        )
        to_first = attend(keys[0], keys[1], values[1], hidden_second)
        to_second = attend(keys[1], keys[0], values[0], hidden_first)
        return (
            self.updated(first, self.to_out(_joined(to_first))),
            self.updated(second, self.to_out(_joined(to_second))),
        )


def _split(x: Float[Array, "*b n c"], heads: int) -> Float[Array, "*b h n d"]:
    return x.reshape(*x.shape[:-1], heads, -1).swapaxes(-3, -2)


def _joined(x: Float[Array, "*b h n d"]) -> Float[Array, "*b n c"]:
    x = x.swapaxes(-3, -2)
    return x.reshape(*x.shape[:-2], -1)


class Layer(nnx.Module):
    """Attention within each image, then between both."""

    def __init__(self, config: LightGlueConfig) -> None:
        self.self_attn = SelfAttention(config)
        self.cross_attn = CrossAttention(config)


class Assignment(nnx.Module):
    """How likely two keypoints are each other's, and have any partner (Eqs. 6 to 8)."""

    def __init__(self, width: int) -> None:
        self.final_proj = Linear(width, width)
        self.matchability = Linear(width, 1)

    def __call__(
        self,
        first: Float[Array, "*b n c"],
        second: Float[Array, "*b m c"],
        real: Bool[Array, "*b n m"],
    ) -> Float[Array, "*b n m"]:
        """Returns logarithms; those of pairs that are not real are hidden."""
        scale = first.shape[-1] ** -0.5
        similarity = jnp.einsum(
            "...nc,...mc->...nm",
            self.final_proj(first) * scale,
            self.final_proj(second),
            precision=lax.Precision.HIGHEST,
        )
        of_first = jax.nn.log_sigmoid(self.matchability(first))
        of_second = jax.nn.log_sigmoid(self.matchability(second))
        both = dual_softmax(similarity, real)
        return both + of_first + jnp.swapaxes(of_second, -1, -2)


class LightGlue(nnx.Module):
    """The transformer; called with the keypoints of two images it matches them."""

    def __init__(self, config: LightGlueConfig) -> None:
        if config.channels != config.width:
            self.input_proj = Linear(config.channels, config.width)
        self.posenc = Fourier(config)
        self.transformers = nnx.List(Layer(config) for _ in range(config.depth))
        # Those of the layers before tell who may leave early.
        before = [None] * (config.depth - 1)
        self.log_assignment = Numbered(*before, Assignment(config.width))
        self.config = config

    def __call__(self, first: Keypoints, second: Keypoints) -> Matches:
        """Returns the partners of the first images' keypoints."""
        return mutual(self.logarithms(first, second), self.config.threshold)

    def logarithms(self, first: Keypoints, second: Keypoints) -> Float[Array, "*b n m"]:
        """Returns the logarithm of every two keypoints' score."""
        (x, angles_x, hidden_x), (y, angles_y, hidden_y) = (
            self._entered(keypoints) for keypoints in (first, second)
        )
        for layer in self.transformers:
            x = layer.self_attn(x, angles_x, hidden_x)
            y = layer.self_attn(y, angles_y, hidden_y)
            x, y = layer.cross_attn(x, y, hidden_x, hidden_y)
        real = first.real[..., :, None] & second.real[..., None, :]
        last = getattr(self.log_assignment, str(self.config.depth - 1))
        return last(x, y, real)

    def _entered(self, keypoints: Keypoints) -> tuple[Array, Array, Array]:
        """Returns tokens, their angles, and what hides those that are not real."""
        x = keypoints.descriptors
        if self.config.channels != self.config.width:
            x = self.input_proj(x)
        # As the weights were trained: pixels' centres are whole numbers, and half of
        # the longer side is 1.
        size = jnp.array([keypoints.width, keypoints.height], jnp.float32)
        places = (keypoints.places - 0.5 - size / 2) / (jnp.max(size) / 2)
        hidden = jnp.where(keypoints.real, jnp.float32(0), jnp.float32(HIDDEN))
        return x, self.posenc(places), hidden[..., None, None, :]
