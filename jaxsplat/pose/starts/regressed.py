"""Coarse poses by regression: RPE-PAD's query-independent pose estimation.

Zhang et al., "RPE-PAD: Relative Pose Estimation for Pose-agnostic Anomaly Detection". A
network that was trained on renders of the object tells by how much a photograph's pose
differs from that of the views that look most like it. Nothing is optimised for a
photograph, and a whole batch is one program.
"""

import dataclasses
import functools
from collections.abc import Sequence

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array
from jaxtyping import Float, PRNGKeyArray

from jaxsplat import features, learning
from jaxsplat.core import cameras, precision, resampling
from jaxsplat.data.views import View, posed_cameras
from jaxsplat.errors import ConfigError
from jaxsplat.features.network import FeatureNetwork
from jaxsplat.features.registry import NETWORKS, NetworkName
from jaxsplat.pose import hypotheses
from jaxsplat.pose.estimate import CoarsePoses
from jaxsplat.pose.photographs import Photographs
from jaxsplat.pose.regression import references, relative, training
from jaxsplat.pose.regression.references import References
from jaxsplat.pose.regression.training import Regression
from jaxsplat.pose.starts import gallery
from jaxsplat.rendering import api as render_api
from jaxsplat.rendering.twin import Twin

_CAPACITY_SLACK = 1.25  # as of a twin's own lists


@jax.tree_util.register_dataclass
@dataclasses.dataclass(frozen=True)
class Regressor:
    """A trained regression of one object.

    Attributes:
        irprn: parameters of the network by name.
        network: the backbone.
        references: what photographs are compared with.
        capacity: of the renderer's lists at the size of the images, where the twin's is
            `planned` (static).
        planned: see `capacity` (static).
        width: of the images in pixels; `height` likewise (static).
        height: see `width` (static).
    """

    irprn: dict[str, Float[Array, "..."]]
    network: FeatureNetwork
    references: References
    capacity: int = dataclasses.field(metadata=dict(static=True))
    planned: int = dataclasses.field(metadata=dict(static=True))
    width: int = dataclasses.field(metadata=dict(static=True))
    height: int = dataclasses.field(metadata=dict(static=True))


@dataclasses.dataclass(frozen=True)
class RegressedStarts:
    """The finder. `prepare` trains it.

    Photographs must be framed as the training views and stand before the twin's
    background. Costs are 1 less the similarity of the codes; they are infinite for
    poses that only fill up, and for photographs that are not finite.

    Attributes:
        regression: the network and its pairs.
        training: of the network.
        k: poses of each photograph, from references of different sides.
        side: pixels of the images' longer side.
        rounds: how often the network is asked. Before it is asked again the twin is
            rendered from the pose so far; the paper asks once.
        network: the backbone's name.
        network_file: its weights; the bundled ones when None.
    """

    regression: Regression
    training: learning.Training
    k: int = 1
    side: int = 128
    rounds: int = 1
    network: NetworkName = "efficientnet_lite0"
    network_file: str | None = None

    def __post_init__(self) -> None:
        if self.k < 1:
            raise ConfigError(f"k: found {self.k}, expected 1 pose or more")
        if self.side < 16:
            raise ConfigError(f"side: found {self.side}, expected 16 pixels or more")
        if self.rounds < 1:
            raise ConfigError(f"rounds: found {self.rounds}, expected 1 or more")

    def prepare(
        self, twin: Twin, views: Sequence[View], key: PRNGKeyArray
    ) -> Regressor:
        """Trains the network on renders of the twin; see `parts.Starts`.

        Raises:
            ConfigError: the backbone has no map of the stride, or of other channels.
            DataError: the backbone's weights cannot be read.
        """
        return self.trained(twin, views, key)[0]

    def trained(
        self, twin: Twin, views: Sequence[View], key: PRNGKeyArray
    ) -> tuple[Regressor, learning.Trained]:
        """Returns what `prepare` does, and the training's history."""
        twin = precision.single(twin)
        settings, network = self.regression, self._backbone()
        drawing, beginning, learning_key = jax.random.split(key, 3)
        posed = np.asarray(posed_cameras(views).camera_from_world, np.float32)
        whole = gallery.gallery_poses(posed, np.asarray(twin.center))
        more = jnp.asarray(whole[len(posed) :] if settings.fresh else posed[:0])
        planned = twin.capacity
        twin = self._seen_small(twin, jnp.asarray(whole))
        seen = training.examples(settings, twin, network, views, more, drawing)
        found = learning.train(
            training.initial(settings, network, beginning),
            training.PairLoss(settings),
            seen,
            len(seen.poses),
            self.training,
            learning_key,
            checkpoint=learning.named("regression"),
        )
        network = training.with_params(network, found.params)
        images, poses = seen.images, seen.references.poses
        if not settings.fresh:
            # The paper's gallery is the training set and the novel set.
            novel = seen.poses[len(views) :]
            images = jnp.concatenate([images, references.renders(twin, novel)])
            poses = jnp.concatenate([poses, novel])
        known = training.encode(settings, twin, network, poses, images)
        regressor = Regressor(
            found.params["irprn"],
            network,
            known,
            twin.capacity,
            planned,
            twin.camera.width,
            twin.camera.height,
        )
        return regressor, found

    def __call__(
        self, twin: Twin, state: Regressor, photographs: Photographs
    ) -> CoarsePoses:
        """Returns coarse poses; see `parts.Starts`."""
        twin, photographs = precision.single((twin, photographs))
        return _find(self, twin, state, photographs)

    def _backbone(self) -> FeatureNetwork:
        stride = self.regression.stride
        taps = NETWORKS[self.network].config
        every = {tap.stride: tap.name for tap in taps.all_taps}
        if stride not in every:
            raise ConfigError(f"stride: found {stride}, expected one of {list(every)}")
        network = features.load_network(
            self.network, self.network_file, (every[stride],)
        )
        channels = {tap.stride: tap.channels for tap in network.config.taps}[stride]
        if channels != self.regression.irprn.channels:
            raise ConfigError(
                f"channels: found {self.regression.irprn.channels}, expected "
                f"{channels}, which the map of {self.network} has"
            )
        return network

    def _seen_small(self, twin: Twin, poses: Float[Array, "v 4 4"]) -> Twin:
        camera = cameras.limited(twin.camera, self.side)
        views = cameras.at_poses(camera, poses)
        capacity = render_api.plan(twin.gaussians, views, _CAPACITY_SLACK, in_octave=2)
        return dataclasses.replace(twin, camera=camera, capacity=capacity)


@functools.partial(jax.jit, static_argnames="part")
def _find(
    part: RegressedStarts, twin: Twin, state: Regressor, photographs: Photographs
) -> CoarsePoses:
    settings, known = part.regression, state.references
    camera = cameras.resized(twin.camera, state.width, state.height)
    # As much more as the twin's own lists have become since.
    capacity = state.capacity * twin.capacity // state.planned
    twin = dataclasses.replace(twin, camera=camera, capacity=capacity)
    images = resampling.area_resize(photographs.images, camera.height, camera.width)
    finite = jnp.all(jnp.isfinite(images), axis=(1, 2, 3))
    images = jnp.where(finite[:, None, None, None], images, twin.background)
    similar = references.similarities(images, twin.background, known.codes)

    def different(similar: Array) -> tuple[Array, Array]:
        return hypotheses.distinct(known.poses, 1 - similar, part.k)

    chosen, costs = jax.vmap(different)(similar)
    poses = known.poses[chosen].reshape(-1, 4, 4)
    firsts = known.maps[chosen.ravel()]
    seconds = references.maps_of(state.network, images, settings.stride)
    seconds = jnp.repeat(seconds, part.k, axis=0)

    def move(pose: Array, turn: Array, shift: Array) -> Array:
        kind = settings.translation
        return relative.moved(pose, turn, shift, twin.center, kind)

    for asked in range(part.rounds):
        if asked:
            drawn = references.renders(twin, poses)
            firsts = references.maps_of(state.network, drawn, settings.stride)
        turns, shifts = learning.apply(settings.irprn, state.irprn, firsts, seconds)
        poses = jax.vmap(move)(poses, turns[-1], shifts[-1])
    costs = jnp.where(finite[:, None], costs, jnp.inf)
    return CoarsePoses(poses.reshape(*chosen.shape, 4, 4), costs)
