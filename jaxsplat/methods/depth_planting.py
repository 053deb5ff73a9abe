"""Good views as examples of good and of defective objects: planted defects.

A good view beside a twin of which a piece is missing or elsewhere shows what the twin
lacks, and lacks what it shows.
"""

import dataclasses
import functools

import jax
import jax.numpy as jnp
from jax import Array, lax
from jaxtyping import Float, Key, PRNGKeyArray

from jaxsplat.features.mmpdn import MmpdnConfig
from jaxsplat.methods import depth_inputs
from jaxsplat.methods.depth_inputs import Seen
from jaxsplat.methods.mmpdn_training import Examples
from jaxsplat.rendering.twin import Twin
from jaxsplat.scene.gaussians import Gaussians

# Radius of a planted defect and length of its shift, as shares of the object's radius.
_SIZES, _SHIFTS = (0.05, 0.25), (0.1, 0.4)
# Depths that differ by this share of the object's radius are of another surface.
_DEPTH_STEP = 0.03
# A planted defect that changes a smaller share of the image cannot be told from what
# poses are wrong by.
_LEAST_SHARE = 5e-4
_GONE = -20.0  # opacity before the logistic function of what is missing


@functools.partial(jax.jit, static_argnames="config")
def examples(
    config: MmpdnConfig,
    twin: Twin,
    photographs: Float[Array, "v h w 3"],
    poses: Float[Array, "v 4 4"],
    keys: Key[Array, "v p"],
) -> Examples:
    """Returns good views beside the twin, then beside twins with planted defects.

    Args:
        config: of the network.
        twin: the object.
        photographs: good views.
        poses: of them.
        keys: of every planted defect, [v, planted].
    """
    radius = _radius(twin)

    def one(view: tuple[Array, Array, Array]) -> tuple[Array, Array, Seen, Array]:
        photograph, pose, drawn = view
        good = depth_inputs.see(twin, twin.gaussians, pose, config)

        def planted(key: Array) -> tuple[Seen, Array]:
            seen = depth_inputs.see(twin, _planted(twin, radius, key), pose, config)
            both = (good.coverage > 0.5) & (seen.coverage > 0.5)
            moved = both & (jnp.abs(good.depth - seen.depth) > _DEPTH_STEP * radius)
            return seen, moved | (jnp.abs(good.coverage - seen.coverage) > 0.5)

        changed, marks = lax.map(planted, drawn)
        every = jax.tree.map(lambda a, b: jnp.concatenate([a[None], b]), good, changed)
        marks = jnp.concatenate([jnp.zeros_like(marks[:1]), marks])
        return *depth_inputs.shown(photograph, twin, config), every, marks

    images, masks, seen, marks = lax.map(one, (photographs, poses, keys))
    several = keys.shape[1] + 1

    def flat(leaf: Array) -> Array:
        return leaf.reshape(-1, *leaf.shape[2:])

    seen, marks = jax.tree.map(flat, (seen, marks))
    images, masks = (jnp.repeat(leaf, several, axis=0) for leaf in (images, masks))
    labels = jnp.mean(marks, axis=(1, 2)) >= _LEAST_SHARE
    marks = marks & labels[:, None, None]
    cells = config.cells
    shares = marks.reshape(len(marks), cells, marks.shape[1] // cells, cells, -1)
    return Examples(
        *depth_inputs.inputs(config, images, masks, seen),
        labels.astype(jnp.float32),
        jax.vmap(_box)(marks),
        labels.astype(jnp.float32),
        jnp.mean(shares.astype(jnp.float32), axis=(2, 4)),
    )


def _radius(twin: Twin) -> Float[Array, ""]:
    """Returns how far most of the object reaches from its centre."""
    live = twin.gaussians.live
    away = jnp.linalg.norm(twin.gaussians.means - twin.center, axis=1)
    return jnp.nanquantile(jnp.where(live, away, jnp.nan), 0.95)


def _planted(twin: Twin, radius: Float[Array, ""], key: PRNGKeyArray) -> Gaussians:
    """Returns the object with a piece of it missing, or elsewhere."""
    where, size, kind, far, way = jax.random.split(key, 5)
    cloud = twin.gaussians
    chosen = jax.random.categorical(where, jnp.where(cloud.live, 0.0, -jnp.inf))
    away = jnp.linalg.norm(cloud.means - cloud.means[chosen], axis=1)
    reach = radius * jax.random.uniform(size, (), jnp.float32, *_SIZES)
    piece = away < reach
    shift = radius * jax.random.uniform(far, (), jnp.float32, *_SHIFTS)
    direction = jax.random.normal(way, (3,), jnp.float32)
    shift = shift * direction / jnp.linalg.norm(direction)
    missing = jax.random.bernoulli(kind)
    return dataclasses.replace(
        cloud,
        means=cloud.means + jnp.where(piece & ~missing, 1.0, 0.0)[:, None] * shift,
        opacity_logits=jnp.where(piece & missing, _GONE, cloud.opacity_logits),
    )


def _box(mark: Array) -> Float[Array, "4"]:
    """Returns left, top, right, bottom of a mask as shares of the sides."""
    side = mark.shape[0]

    def ends(there: Array) -> tuple[Array, Array]:
        return jnp.argmax(there) / side, 1 - jnp.argmax(there[::-1]) / side

    left, right = ends(jnp.any(mark, axis=0))
    top, bottom = ends(jnp.any(mark, axis=1))
    return jnp.stack([left, top, right, bottom]).astype(jnp.float32)
