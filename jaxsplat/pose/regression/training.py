"""How the network of relative poses is trained on renders of one object.

A step renders its own views, finds the references of each as a detector does, takes the
backbone's maps of all and compares the network's poses with the true ones: one XLA
program. The paper renders to disk before.
"""

import dataclasses
from collections.abc import Sequence
from typing import Any

import jax
import jax.numpy as jnp
from jax import Array, lax
from jaxtyping import Float, Int, PRNGKeyArray

from jaxsplat import learning
from jaxsplat.data.views import View, posed_cameras
from jaxsplat.features.network import FeatureNetwork
from jaxsplat.pose.regression import losses, perturbing, references, relative
from jaxsplat.pose.regression.losses import Weights
from jaxsplat.pose.regression.network import Irprn
from jaxsplat.pose.regression.perturbing import Perturbation
from jaxsplat.pose.regression.references import References
from jaxsplat.pose.regression.relative import Translation
from jaxsplat.rendering.twin import Twin

Params = dict[str, Any]


@dataclasses.dataclass(frozen=True)
class Regression:
    """What is learnt, and from which pairs; the defaults are the paper's.

    Attributes:
        irprn: the network.
        stride: of the backbone's map that it takes.
        noise: of the views that are synthesised.
        fresh: whether they are drawn anew in every epoch. The paper's are fixed, and
            later stand among the references themselves.
        pairs: K, references of each view in training, the most similar ones.
        near: where it is given, each view has one reference more: a render from beside
            it, by noise so many times as large. The network then knows small
            differences too, and can be asked again.
        translation: what the network tells of it.
        finetuned: whether the backbone is trained too.
    """

    irprn: Irprn
    stride: int = 32
    noise: Perturbation = Perturbation()
    fresh: bool = False
    pairs: int = 3
    near: float | None = None
    translation: Translation = "rigid"
    finetuned: bool = True


@jax.tree_util.register_dataclass
@dataclasses.dataclass(frozen=True)
class Examples:
    """What a training sees.

    Attributes:
        twin: with the camera of the images.
        network: the backbone.
        photographs: the training views, [v, h, w, 3].
        poses: of the photographs, and then of what is rendered or where it is drawn
            beside, [n, 4, 4].
        images: of the references, of which photographs are the first, [r, h, w, 3].
        references: these, encoded.
    """

    twin: Twin
    network: FeatureNetwork
    photographs: Float[Array, "v h w 3"]
    poses: Float[Array, "n 4 4"]
    images: Float[Array, "r h w 3"]
    references: References


def initial(settings: Regression, network: FeatureNetwork, key: PRNGKeyArray) -> Params:
    """Returns what is learnt, before it is."""
    params: Params = {
        "irprn": learning.initial(settings.irprn, key),
        "weights": Weights(
            jnp.float32(losses.START_ROTATION), jnp.float32(losses.START_TRANSLATION)
        ),
    }
    if settings.finetuned:
        params["backbone"] = network.params
    return params


def examples(
    settings: Regression,
    twin: Twin,
    network: FeatureNetwork,
    views: Sequence[View],
    more: Float[Array, "m 4 4"],
    key: PRNGKeyArray,
) -> Examples:
    """Returns the photographs, the references and the poses beside them.

    Args:
        settings: of the training.
        twin: the object, with the camera of the images.
        network: the backbone.
        views: posed photographs of the good object.
        more: poses of references that no photograph shows.
        key: of the poses that stay the same.
    """
    posed = jnp.asarray(posed_cameras(views).camera_from_world, jnp.float32)
    taken = references.photographs(views, twin.background, twin.camera)
    images, known = taken, posed
    if len(more):
        images = jnp.concatenate([taken, references.renders(twin, more)])
        known = jnp.concatenate([posed, more])
    beside = jnp.repeat(known, settings.noise.views, axis=0)
    if not settings.fresh:
        beside = _beside(beside, twin, settings.noise, key)
    return Examples(
        twin,
        network,
        taken,
        jnp.concatenate([posed, beside]),
        images,
        encode(settings, twin, network, known, images),
    )


def encode(
    settings: Regression,
    twin: Twin,
    network: FeatureNetwork,
    poses: Float[Array, "r 4 4"],
    images: Float[Array, "r h w 3"],
) -> References:
    """Returns references of known poses."""
    return References(
        poses,
        references.encoded(images, twin.background),
        references.maps_of(network, images, settings.stride),
    )


def with_params(network: FeatureNetwork, params: Params) -> FeatureNetwork:
    """Returns the backbone as it was trained; statistics are never trained."""
    if "backbone" not in params:
        return network
    return dataclasses.replace(
        network,
        params={
            name: lax.stop_gradient(value) if ".running_" in name else value
            for name, value in params["backbone"].items()
        },
    )


def _beside(
    poses: Float[Array, "n 4 4"], twin: Twin, noise: Perturbation, key: PRNGKeyArray
) -> Float[Array, "n 4 4"]:
    def one(pose: Array, key: PRNGKeyArray) -> Array:
        return perturbing.perturbed(pose, twin.center, noise, key)

    return jax.vmap(one)(poses, jax.random.split(key, len(poses)))


@dataclasses.dataclass(frozen=True)
class PairLoss:
    """The loss of a batch of views and their references (equation 8)."""

    settings: Regression

    def __call__(
        self, params: Params, data: Examples, rows: Int[Array, " b"], key: PRNGKeyArray
    ) -> tuple[Float[Array, ""], dict[str, Float[Array, ""]]]:
        """Returns the mean loss and last errors; see `learning.Loss`."""
        settings, twin = self.settings, data.twin
        network = with_params(data.network, params)
        drawing, near_key = jax.random.split(key)
        poses = data.poses[rows]
        taken = rows < len(data.photographs)
        if settings.fresh:
            beside = _beside(poses, twin, settings.noise, drawing)
            poses = jnp.where(taken[:, None, None], poses, beside)
        seen = data.photographs[jnp.where(taken, rows, 0)]
        images = jnp.where(
            taken[:, None, None, None], seen, references.renders(twin, poses)
        )
        known = data.references
        similar = references.similarities(images, twin.background, known.codes)
        # A photograph is not its own reference.
        itself = rows[:, None] == jnp.arange(len(known.poses), dtype=jnp.int32)
        similar = jnp.where(itself & taken[:, None], -jnp.inf, similar)
        _, best = lax.top_k(similar, settings.pairs)
        starts = known.poses[best]
        weights = losses.pair_weights(settings.pairs)
        if settings.finetuned:
            flat = data.images[best].reshape(-1, *images.shape[1:])
            firsts = references.maps_of(network, flat, settings.stride)
            firsts = firsts.reshape(*best.shape, *firsts.shape[1:])
        else:
            firsts = known.maps[best]
        if settings.near is not None:
            noise = dataclasses.replace(
                settings.noise,
                rotation=settings.near * settings.noise.rotation,
                translation=settings.near * settings.noise.translation,
            )
            near = _beside(poses, twin, noise, near_key)
            closest = references.maps_of(
                network, references.renders(twin, near), settings.stride
            )
            starts = jnp.concatenate([starts, near[:, None]], axis=1)
            firsts = jnp.concatenate([firsts, closest[:, None]], axis=1)
            weights = jnp.concatenate([weights, jnp.ones(1, jnp.float32)])
        seconds = references.maps_of(network, images, settings.stride)
        found, targets = self._answers(params, twin, starts, firsts, poses, seconds)
        errors = losses.errors(*found, *targets)
        layers = losses.balanced(errors, params["weights"])
        loss = jnp.mean(losses.of_layers(layers) @ weights)
        watched = {
            # A quaternion's distance is half an angle.
            "degrees": jnp.rad2deg(2 * jnp.mean(errors.rotation[-1, :, 0])),
            "shift": jnp.mean(errors.translation[-1, :, 0]),
        }
        return loss, watched

    def _answers(
        self,
        params: Params,
        twin: Twin,
        starts: Float[Array, "b k 4 4"],
        firsts: Float[Array, "b k h w c"],
        poses: Float[Array, "b 4 4"],
        seconds: Float[Array, "b h w c"],
    ) -> tuple[tuple[Array, Array], tuple[Array, Array]]:
        """Returns the network's and the true relative poses of all pairs, [n, b, k]."""
        count, pairs = starts.shape[:2]
        repeated = jnp.repeat(seconds, pairs, axis=0)
        flat = firsts.reshape(-1, *firsts.shape[2:])
        found = learning.apply(self.settings.irprn, params["irprn"], flat, repeated)

        def true(start: Array, pose: Array) -> tuple[Array, Array]:
            kind = self.settings.translation
            return relative.relative(start, pose, twin.center, kind)

        targets = jax.vmap(jax.vmap(true, (0, None)))(starts, poses)
        turns, shifts = (
            answer.reshape(-1, count, pairs, answer.shape[-1]) for answer in found
        )
        return (turns, shifts), targets
