"""Training PTAD's network, and asking it.

Photographs and references are turned over together, and a reference is moved by as much
as poses are wrong, so that such a shift means nothing.
"""

import dataclasses
import functools
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import optax
from jax import Array
from jaxtyping import Float, Int, PRNGKeyArray

from jaxsplat import learning
from jaxsplat.features.mmpdn import Detected, MmpdnConfig
from jaxsplat.learning import Params, Trained, Training
from jaxsplat.methods.outline_inputs import Inputs

_EPSILON = 1e-6
# Photographs of one call when the network is asked.
_GROUP = 16


class Told(NamedTuple):
    """What a network tells of n photographs, as in `Detected`.

    Attributes:
        logits: above 0 for anomalies, [n].
        boxes: as shares of the sides, [n, 4].
        maps: logits of every cell, [n, m, m].
    """

    logits: Float[np.ndarray, " n"]
    boxes: Float[np.ndarray, "n 4"]
    maps: Float[np.ndarray, "n m m"]


class Examples(NamedTuple):
    """What is learnt from, n rows.

    Attributes:
        photographs: as in `Inputs`, like the next three.
        references: see there.
        further: see there.
        numbers: see there.
        labels: 1 for anomalies, [n].
        boxes: of anomalies as shares of the sides, [n, 4].
        boxed: 1 where there is a box, [n].
        maps: share of each cell that is anomalous, [n, m, m].
    """

    photographs: Float[Array, "n s s 3"]
    references: Float[Array, "n s s 3"]
    further: Float[Array, "n m m f"]
    numbers: Float[Array, "n g"]
    labels: Float[Array, " n"]
    boxes: Float[Array, "n 4"]
    boxed: Float[Array, " n"]
    maps: Float[Array, "n m m"]


@dataclasses.dataclass(frozen=True)
class MmpdnLoss:
    """The loss: of label and box as in PTAD, weighed alike since the paper is silent.

    Attributes:
        network: whose loss it is.
        box: weight of the boxes' L1 and generalised IoU (Rezatofighi et al. 2019).
        map: weight of the maps' cross entropy; the paper has no maps' loss.
        shift: deviation of the reference's shift in pixels of the network's images.
        flips: whether half of the examples are turned over.
    """

    network: MmpdnConfig
    box: float = 1.0
    map: float = 0.0
    shift: float = 0.0
    flips: bool = False

    def __call__(
        self, params: Params, data: Examples, rows: Int[Array, " b"], key: PRNGKeyArray
    ) -> tuple[Float[Array, ""], dict[str, Float[Array, ""]]]:
        """Returns the loss of a batch; see `learning.Loss`."""
        batch = learning.take(data, rows)
        batch = jax.tree.map(lambda leaf: leaf.astype(jnp.float32), batch)
        first, second = jax.random.split(key)
        if self.flips:
            flipped = jax.random.bernoulli(first, 0.5, rows.shape)
            batch = jax.tree.map(
                functools.partial(_chosen, flipped), turned_over(batch), batch
            )
        if self.shift:
            batch = batch._replace(references=self._moved(batch.references, second))
        told: Detected = learning.apply(
            self.network,
            params,
            batch.photographs,
            batch.references,
            batch.further,
            batch.numbers,
        )
        label = jnp.mean(optax.sigmoid_binary_cross_entropy(told.logits, batch.labels))
        count = jnp.sum(batch.boxed) + _EPSILON
        l1 = jnp.sum(batch.boxed * jnp.sum(jnp.abs(told.boxes - batch.boxes), 1))
        giou = jnp.sum(batch.boxed * (1 - generalized_iou(told.boxes, batch.boxes)))
        cells = optax.sigmoid_binary_cross_entropy(told.maps, batch.maps)
        # An anomaly has few of the cells: its own count as much as all others.
        share = jnp.mean(batch.maps) + 1e-3
        weights = jnp.where(batch.maps > 0.1, 0.25 / share, 1.0)
        maps = jnp.mean(weights * cells)
        total = label + self.box * (l1 + giou) / count + self.map * maps
        return total, {"label": label, "giou": giou / count, "map": maps}

    def _moved(self, images: Array, key: PRNGKeyArray) -> Array:
        shifts = self.shift * jax.random.normal(key, (len(images), 2), jnp.float32)
        one = jnp.ones(2, jnp.float32)

        def move(image: Array, shift: Array) -> Array:
            return jax.image.scale_and_translate(
                image, image.shape, (0, 1), one, shift, method="linear"
            )

        return jax.vmap(move)(images, shifts)


def _chosen(these: Array, first: Array, second: Array) -> Array:
    return jnp.where(these.reshape(-1, *[1] * (first.ndim - 1)), first, second)


def turned_over(batch: Examples) -> Examples:
    """Returns examples with left and right exchanged."""
    left, top, right, bottom = jnp.moveaxis(batch.boxes, 1, 0)
    return batch._replace(
        photographs=batch.photographs[:, :, ::-1],
        references=batch.references[:, :, ::-1],
        further=batch.further[:, :, ::-1],
        boxes=jnp.stack([1 - right, top, 1 - left, bottom], axis=1),
        maps=batch.maps[:, :, ::-1],
    )


def box_iou(
    first: Float[Array, "n 4"], second: Float[Array, "n 4"]
) -> Float[Array, " n"]:
    """Returns the intersection over union of boxes (left, top, right, bottom)."""
    inter, union, _ = _areas(first, second)
    return inter / union


def generalized_iou(
    first: Float[Array, "n 4"], second: Float[Array, "n 4"]
) -> Float[Array, " n"]:
    """Returns the generalised IoU, -1 to 1 (Rezatofighi et al. 2019, algorithm 1)."""
    inter, union, hull = _areas(first, second)
    return inter / union - (hull - union) / hull


def _areas(first: Array, second: Array) -> tuple[Array, Array, Array]:
    def area(low: Array, high: Array) -> Array:
        return jnp.prod(jnp.maximum(high - low, 0.0), axis=1)

    low = jnp.maximum(first[:, :2], second[:, :2])
    inter = area(low, jnp.minimum(first[:, 2:], second[:, 2:]))
    own = area(first[:, :2], first[:, 2:]) + area(second[:, :2], second[:, 2:])
    low = jnp.minimum(first[:, :2], second[:, :2])
    hull = area(low, jnp.maximum(first[:, 2:], second[:, 2:]))
    return inter, own - inter + _EPSILON, hull + _EPSILON


def train(
    loss: MmpdnLoss,
    training: Training,
    examples: Examples,
    key: PRNGKeyArray,
    name: str = "mmpdn",
) -> Trained:
    """Returns the trained network; see `learning.train`.

    Args:
        loss: with the network.
        training: settings.
        examples: to learn from.
        key: of everything random.
        name: of its checkpoints, see `learning.keeping`.
    """
    start = learning.initial(loss.network, jax.random.fold_in(key, 0))
    count = len(examples.labels)
    examples = jax.tree.map(jnp.asarray, examples)  # once, not at every step
    drawn = jax.random.fold_in(key, 1)
    kept = learning.named(name)
    return learning.train(
        start, loss, examples, count, training, drawn, checkpoint=kept
    )


def ask(network: MmpdnConfig, params: Params, inputs: Inputs) -> Told:
    """Returns what a network tells of photographs."""
    told = []
    arrays = tuple(getattr(inputs, f.name) for f in dataclasses.fields(inputs))
    for first in range(0, len(inputs.numbers), _GROUP):
        group = [np.asarray(a[first : first + _GROUP], np.float32) for a in arrays]
        more = _GROUP - len(group[0])
        filled = [np.concatenate([a, a[:1].repeat(more, axis=0)]) for a in group]
        found = _ask(network, params, *filled)
        told.append([np.asarray(leaf)[: len(group[0])] for leaf in found])
    return Told(*(np.concatenate(arrays) for arrays in zip(*told)))


@functools.partial(jax.jit, static_argnames="network")
def _ask(network: MmpdnConfig, params: Params, *inputs: Array) -> Detected:
    return learning.apply(network, params, *inputs)
