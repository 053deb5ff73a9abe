"""PTAD's comparison on photographed objects: a photograph beside the twin's depth.

The network (section 3.3) needs pairs with and without defects. Here the good views are
both: compared with the depth of the twin they show it good; compared with the depth of
a twin of which a piece is missing or elsewhere, planted, they show a defect. That is
ours; the paper trains on photographs of defective objects.
"""

import dataclasses
import functools
from collections.abc import Sequence
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array, lax
from jaxtyping import Float, Key, PRNGKeyArray

from jaxsplat import learning
from jaxsplat.core import cameras, precision, resampling
from jaxsplat.data.views import View, over_background, posed_cameras
from jaxsplat.errors import ConfigError
from jaxsplat.features.mmpdn import MmpdnConfig
from jaxsplat.learning import Training
from jaxsplat.methods import mmpdn_training
from jaxsplat.methods.mmpdn_training import Examples, MmpdnLoss
from jaxsplat.pose import on_masks
from jaxsplat.pose.estimate import PoseEstimate
from jaxsplat.rendering.twin import Twin, look
from jaxsplat.scene.gaussians import Gaussians

# Good views that are learnt from, at most.
_MOST_VIEWS = 96
# Radius of a planted defect and length of its shift, as shares of the object's radius.
_SIZES, _SHIFTS = (0.05, 0.25), (0.1, 0.4)
# Depths that differ by this share of the object's radius are of another surface.
_DEPTH_STEP = 0.03
# A planted defect that changes a smaller share of the image cannot be told from what
# poses are wrong by.
_LEAST_SHARE = 5e-4
_SHOWN = 0.02  # coverage from which a pixel has a depth
_FARTHEST = 0.2  # how the farthest pixel of an object is shown; the nearest is 1
_GONE = -20.0  # opacity before the logistic function of what is missing


@jax.tree_util.register_dataclass
@dataclasses.dataclass(frozen=True)
class DepthDetector:
    """A trained network of one object.

    Attributes:
        params: of the network, by name.
    """

    params: dict[str, Float[Array, "..."]]


class _Seen(NamedTuple):
    """An object from a pose, at the network's size."""

    coverage: Float[Array, "s s"]
    depth: Float[Array, "s s"]  # scene units, 0 beside the object


@dataclasses.dataclass(frozen=True)
class DepthComparison:
    """The comparison. `prepare` trains it.

    Maps are the loss of calling a place good: log(1 + exp(logit)). They are shifted so
    that the highest place has the image's logit, by which `Peak` is the paper's score.

    Attributes:
        detector: the network; as `further` maps it takes none or the outlines'
            differences, too much and too little.
        loss: by which it is trained.
        training: how long and how fast.
        planted: planted defects beside each good view.
    """

    detector: MmpdnConfig
    loss: MmpdnLoss
    training: Training
    planted: int = 2

    def __post_init__(self) -> None:
        if self.detector.further not in (0, 2) or self.detector.numbers:
            raise ConfigError(
                f"further {self.detector.further}, numbers {self.detector.numbers}: "
                "expected 0 or 2 further maps and no numbers"
            )
        if self.planted < 1:
            raise ConfigError(f"planted: found {self.planted}, expected 1 or more")

    def prepare(
        self,
        twin: Twin,
        views: Sequence[View],
        unseen: Sequence[View],
        key: PRNGKeyArray,
    ) -> DepthDetector:
        """Trains the network on the good views; see `parts.Compare`."""
        del unseen
        planting, training = jax.random.split(key)
        chosen = views[:: -(-len(views) // _MOST_VIEWS)]
        behind = np.asarray(twin.background)
        photographs = np.stack([over_background(view, behind) for view in chosen])
        poses = posed_cameras(chosen).camera_from_world
        twin, photographs, poses = precision.single((twin, photographs, poses))
        drawn = jax.random.split(planting, (len(chosen), self.planted))
        examples = _examples(self, twin, photographs, poses, drawn)
        found = mmpdn_training.train(self.loss, self.training, examples, training)
        return DepthDetector(found.params)

    def __call__(
        self,
        twin: Twin,
        state: DepthDetector,
        photographs: Float[Array, "b h w 3"],
        expected: Float[Array, "b h w 3"],
        estimate: PoseEstimate,
    ) -> Float[Array, "b map_h map_w"]:
        """Returns the maps; see `parts.Compare`."""
        del expected
        twin, photographs, poses = precision.single(
            (twin, photographs, estimate.camera_from_world)
        )
        return _maps(self, twin, state, photographs, poses)


@functools.partial(jax.jit, static_argnames="part")
def _maps(
    part: DepthComparison,
    twin: Twin,
    state: DepthDetector,
    photographs: Float[Array, "b h w 3"],
    poses: Float[Array, "b 4 4"],
) -> Float[Array, "b h w"]:
    count, height, width = photographs.shape[:3]
    seen = lax.map(lambda pose: _see(twin, twin.gaussians, pose, part), poses)
    shown = jax.vmap(lambda image: _shown(image, twin, part))(photographs)
    inputs = _inputs(part, *shown, seen)
    told = learning.apply(part.detector, state.params, *inputs)
    highest = jnp.max(told.maps, axis=(1, 2))
    logits = told.maps + (told.logits - highest)[:, None, None]
    logits = jax.image.resize(logits, (count, height, width), "linear")
    finite = jnp.all(jnp.isfinite(photographs), axis=(1, 2, 3))
    return jnp.where(finite[:, None, None], jax.nn.softplus(logits), jnp.nan)


@functools.partial(jax.jit, static_argnames="part")
def _examples(
    part: DepthComparison,
    twin: Twin,
    photographs: Float[Array, "v h w 3"],
    poses: Float[Array, "v 4 4"],
    keys: Key[Array, "v p"],
) -> Examples:
    """Returns good views beside the twin, then beside twins with planted defects.

    Args:
        part: the settings.
        twin: the object.
        photographs: good views.
        poses: of them.
        keys: of every planted defect, [v, planted].
    """
    radius = _radius(twin)

    def one(view: tuple[Array, Array, Array]) -> tuple[Array, Array, _Seen, Array]:
        photograph, pose, drawn = view
        good = _see(twin, twin.gaussians, pose, part)

        def planted(key: Array) -> tuple[_Seen, Array]:
            seen = _see(twin, _planted(twin, radius, key), pose, part)
            both = (good.coverage > 0.5) & (seen.coverage > 0.5)
            moved = both & (jnp.abs(good.depth - seen.depth) > _DEPTH_STEP * radius)
            return seen, moved | (jnp.abs(good.coverage - seen.coverage) > 0.5)

        changed, marks = lax.map(planted, drawn)
        every = jax.tree.map(lambda a, b: jnp.concatenate([a[None], b]), good, changed)
        marks = jnp.concatenate([jnp.zeros_like(marks[:1]), marks])
        return *_shown(photograph, twin, part), every, marks

    images, masks, seen, marks = lax.map(one, (photographs, poses, keys))
    several = part.planted + 1

    def flat(leaf: Array) -> Array:
        return leaf.reshape(-1, *leaf.shape[2:])

    seen, marks = jax.tree.map(flat, (seen, marks))
    images, masks = (jnp.repeat(leaf, several, axis=0) for leaf in (images, masks))
    labels = jnp.mean(marks, axis=(1, 2)) >= _LEAST_SHARE
    marks = marks & labels[:, None, None]
    cells = part.detector.cells
    shares = marks.reshape(len(marks), cells, marks.shape[1] // cells, cells, -1)
    return Examples(
        *_inputs(part, images, masks, seen),
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


def _see(
    twin: Twin, cloud: Gaussians, pose: Float[Array, "4 4"], part: DepthComparison
) -> _Seen:
    """Returns a cloud in the twin's place, at the network's size."""
    side = part.detector.side
    camera = cameras.with_pose(cameras.limited(twin.camera, side), pose)
    drawn = look(dataclasses.replace(twin, gaussians=cloud), camera)
    there = drawn.alpha > _SHOWN
    depth = jnp.where(there, drawn.depth / jnp.maximum(drawn.alpha, _SHOWN), 0.0)
    return _Seen(_square(drawn.alpha, side), _square(depth, side))


def _shown(
    image: Float[Array, "h w 3"], twin: Twin, part: DepthComparison
) -> tuple[Float[Array, "s s 3"], Float[Array, "s s"]]:
    """Returns a photograph and the object's mask in it, at the network's size."""
    side = part.detector.side
    small = cameras.limited(twin.camera, side)
    there = on_masks.mask(image, twin.background).astype(jnp.float32)[..., None]
    both = jnp.concatenate([image, there], axis=-1)[None]
    both = resampling.area_resize(both, small.height, small.width)[0]
    return _square(both[..., :3], side), _square(both[..., 3], side)


def _square(image: Float[Array, "h w *c"], side: int) -> Float[Array, "s s *c"]:
    return jax.image.resize(image, (side, side, *image.shape[2:]), "linear")


def _inputs(
    part: DepthComparison,
    images: Float[Array, "b s s 3"],
    masks: Float[Array, "b s s"],
    seen: _Seen,
) -> tuple[Array, Array, Array, Array]:
    """Returns what the network takes, see `features.mmpdn.Mmpdn`."""
    count, cells = len(images), part.detector.cells
    there = seen.coverage > 0.5
    far = jnp.where(there, seen.depth, jnp.nan)
    low, high = (
        jnp.nan_to_num(edge(far, axis=(1, 2), keepdims=True))
        for edge in (jnp.nanmin, jnp.nanmax)
    )
    near = 1 - (1 - _FARTHEST) * (seen.depth - low) / jnp.maximum(high - low, 1e-3)
    depth = jnp.where(there, near, 0.0)[..., None].repeat(3, axis=-1)
    further = jnp.zeros((count, cells, cells, 0), jnp.float32)
    if part.detector.further:
        change = masks - seen.coverage
        both = jnp.stack([_opened(change), _opened(-change)], axis=-1)
        step = both.shape[1] // cells
        further = both.reshape(count, cells, step, cells, step, 2).max(axis=(2, 4))
    return images, depth, further, jnp.zeros((count, 0), jnp.float32)


def _opened(maps: Float[Array, "b s s"]) -> Float[Array, "b s s"]:
    """Returns the positive part without what is thinner than three pixels."""
    window, strides = (1, 3, 3), (1, 1, 1)
    least = lax.reduce_window(
        jnp.maximum(maps, 0.0), jnp.inf, lax.min, window, strides, "SAME"
    )
    return lax.reduce_window(least, -jnp.inf, lax.max, window, strides, "SAME")


def _box(mark: Array) -> Float[Array, "4"]:
    """Returns left, top, right, bottom of a mask as shares of the sides."""
    side = mark.shape[0]

    def ends(there: Array) -> tuple[Array, Array]:
        return jnp.argmax(there) / side, 1 - jnp.argmax(there[::-1]) / side

    left, right = ends(jnp.any(mark, axis=0))
    top, bottom = ends(jnp.any(mark, axis=1))
    return jnp.stack([left, top, right, bottom]).astype(jnp.float32)
