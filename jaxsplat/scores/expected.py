"""Feature distances in multiples of what is expected at each place of a good object.

A render differs from a good photograph where the fit is soft. Three things tell where
that is, and are added up: how much good views differ there, painted on the Gaussians;
how much the render changes there from cell to cell, since what changes much differs
much when it is a little aside; and how much good views differ in the mean. Where few of
the views that the fit saw look, it shows what these show and no others: there the paint
counts for more.
"""

import dataclasses
import functools
from collections.abc import Sequence

import jax
import jax.numpy as jnp
from jax import Array, lax
from jaxtyping import Float, PRNGKeyArray

from jaxsplat import features
from jaxsplat.core import cameras, precision, resampling
from jaxsplat.core.cameras import Camera
from jaxsplat.data.splits import evenly
from jaxsplat.data.views import View, posed_cameras
from jaxsplat.features import FeatureNetwork
from jaxsplat.pose.estimate import PoseEstimate
from jaxsplat.rendering.twin import Twin
from jaxsplat.scores import levels
from jaxsplat.scores.blur import blur
from jaxsplat.scores.detail import side_of
from jaxsplat.scores.finite import nan_unless_finite
from jaxsplat.scores.good_views import side_by_side, stacked
from jaxsplat.scores.guided import guided_filter
from jaxsplat.scores.painting import of_size, paint, painted, views_that_see

# Training views that are painted, at most.
_MOST_VIEWS = 48
# A Gaussian that is seen by fewer pixels has the mean.
_SEEN = 1.0
# Share of the views that see a Gaussian at which views that the fit did not see differ
# twice as much there as those that it saw.
_SELDOM = 0.125
# Of what is expected: added, so that no level tells of defects by being near 0.
_FLOOR = 0.05
# Standard deviation of the blur of single levels' maps, and of the window within which
# the joined map follows the colours, of the shorter side.
_BLUR, _WINDOW = 0.0075, 0.01
# It follows them where the logarithm of their distances varies by more than this; these
# are blurred by so many pixels, against noise.
_RIDGE, _SOFT = 1.0, 0.5
# Weights of variation and mean beside the paint's 1.
_VARIATION, _MEAN = 0.3, 0.3


@jax.tree_util.register_dataclass
@dataclasses.dataclass(frozen=True)
class ExpectedDistances:
    """How far a good object's photographs are from its renders.

    Attributes:
        network: that gives the features.
        usual: mean distance on the object, by level.
        outside: mean distance beside it.
        variation: mean variation of the renders on it, see `levels.Distances`.
        painted: distances of good views as every Gaussian saw them, and more where few
            views saw it.
        side: pixels of the shorter side at which images are compared (static).
    """

    network: FeatureNetwork
    usual: Float[Array, " levels"]
    outside: Float[Array, " levels"]
    variation: Float[Array, " levels"]
    painted: Float[Array, "n levels"]
    side: int = dataclasses.field(metadata=dict(static=True))


@dataclasses.dataclass(frozen=True)
class ExpectedDistance:
    """Squared feature distance, the least nearby, in multiples of what is expected.

    The levels are joined by their weighted geometric mean.

    Attributes:
        network: name of the feature network, see `features.load_network`.
        network_file: its weights; those that come with the package when None.
        side: pixels of the shorter side at which images are compared. When None those
            of the training views, up to 400, where the twin shows their detail, and 224
            where they are smaller or their detail is lost.
        radius: cells of each level on either side that are looked at.
    """

    network: str = "efficientnet_lite0"
    network_file: str | None = None
    side: int | None = None
    radius: int = 1

    def prepare(
        self,
        twin: Twin,
        views: Sequence[View],
        unseen: Sequence[View],
        key: PRNGKeyArray,
    ) -> ExpectedDistances:
        """Reads the network and paints good views; see `parts.Compare`."""
        del key
        network = features.load_network(self.network, self.network_file)
        chosen = evenly(views, _MOST_VIEWS)
        side = self.side or side_of(twin, unseen or views)
        state = self._painted(network, side, twin, *stacked(twin, chosen))
        seen = views_that_see(twin, precision.single(posed_cameras(views)))
        growth = _growth(jnp.maximum(seen, 1.0) / len(views))
        return dataclasses.replace(state, painted=state.painted * growth[:, None])

    def __call__(
        self,
        twin: Twin,
        state: ExpectedDistances,
        photographs: Float[Array, "b h w 3"],
        expected: Float[Array, "b h w 3"],
        estimate: PoseEstimate,
    ) -> Float[Array, "b map_h map_w"]:
        """Returns the maps; see `parts.Compare`."""
        found, told = self._beside_expected(
            twin, state, photographs, expected, estimate
        )
        joined = _joined(found, told, state.side)
        return nan_unless_finite(joined, photographs, expected)

    def level_names(self, state: ExpectedDistances) -> tuple[str, ...]:
        """Returns the network's levels and colours; see `parts.ComparesByLevel`."""
        return levels.names(state.network)

    def level_maps(
        self,
        twin: Twin,
        state: ExpectedDistances,
        photographs: Float[Array, "b h w 3"],
        expected: Float[Array, "b h w 3"],
        estimate: PoseEstimate,
    ) -> Float[Array, "b levels map_h map_w"]:
        """Returns what the geometric mean is of; see `parts.ComparesByLevel`."""
        found, told = self._beside_expected(
            twin, state, photographs, expected, estimate
        )
        ratios = jnp.moveaxis(_ratios(found.least, told), 0, 1)
        return jax.vmap(lambda maps: blur(maps, _BLUR * state.side))(ratios)

    def _beside_expected(
        self,
        twin: Twin,
        state: ExpectedDistances,
        photographs: Float[Array, "b h w 3"],
        expected: Float[Array, "b h w 3"],
        estimate: PoseEstimate,
    ) -> tuple[levels.Distances, Float[Array, "levels b map_h map_w"]]:
        """Returns the distances, and the least ones of a good object."""
        twin, photographs, expected = precision.single((twin, photographs, expected))
        poses = precision.single(estimate.camera_from_world)
        found = self._distances(state.network, photographs, expected, state.side)
        paint = lax.map(lambda pose: self._paint(twin, state, pose), poses)
        told = _expected(state, jnp.moveaxis(paint, 1, 0), found.variation)
        return found, told

    @functools.partial(jax.jit, static_argnames=("self", "side"))
    def _painted(
        self,
        network: FeatureNetwork,
        side: int,
        twin: Twin,
        views: Camera,
        photographs: Float[Array, "v h w 3"],
    ) -> ExpectedDistances:
        """Returns what posed good views tell, however few see a place."""

        def one(view: tuple[Camera, Array]) -> tuple[Array, ...]:
            camera, photograph = view
            found, covered = self._compared(network, side, twin, camera, photograph)
            small = of_size(camera, *covered.shape)
            images = jnp.moveaxis(found.least, 0, -1)
            images = resampling.area_resize(images, small.height, small.width)[0]
            return (
                *paint(twin, small, jnp.moveaxis(images, -1, 0)),
                jnp.sum(found.least[:, 0] * covered, axis=(1, 2)),
                jnp.sum(found.least[:, 0] * (1 - covered), axis=(1, 2)),
                jnp.sum(found.variation[:, 0] * covered, axis=(1, 2)),
                jnp.sum(covered),
                jnp.sum(1 - covered),
            )

        each = lax.map(one, (views, photographs))
        values, weight, on, beside, change, covered, free = (
            jnp.sum(x, axis=0) for x in each
        )
        least = levels.least_usual(len(on))
        usual = jnp.maximum(on / jnp.maximum(covered, 1.0), least)
        return ExpectedDistances(
            network,
            usual,
            beside / jnp.maximum(free, 1.0),
            jnp.maximum(change / jnp.maximum(covered, 1.0), least),
            (values + _SEEN * usual) / (weight + _SEEN)[:, None],
            side,
        )

    def _compared(
        self,
        network: FeatureNetwork,
        side: int,
        twin: Twin,
        camera: Camera,
        photograph: Float[Array, "h w 3"],
    ) -> tuple[levels.Distances, Float[Array, "h2 w2"]]:
        """Returns a good view's distances, and the object's coverage beside them."""
        seen, shown, alpha = side_by_side(twin, camera, photograph)
        found = self._distances(network, seen[None], shown[None], side)
        covered = jax.image.resize(alpha, found.least.shape[2:], "linear")
        return found, covered

    def _paint(
        self, twin: Twin, state: ExpectedDistances, pose: Float[Array, "4 4"]
    ) -> Float[Array, "levels h w"]:
        """Returns the paint as a pose shows it, at the size of the comparison."""
        size = levels.size_of(twin.camera.height, twin.camera.width, state.side)
        small = cameras.with_pose(of_size(twin.camera, *size), pose)
        seen = painted(twin, small, state.painted, state.outside)
        return jax.image.resize(seen, (len(seen), *size), "linear")

    def _distances(
        self,
        network: FeatureNetwork,
        seen: Float[Array, "b h w 3"],
        known: Float[Array, "b h w 3"],
        side: int,
    ) -> levels.Distances:
        return levels.distances(network, seen, known, side, self.radius)


def _growth(share: Float[Array, " n"]) -> Float[Array, " n"]:
    """Returns how many times farther from renders views are that the fit did not see.

    Args:
        share: of the views that the fit saw, those that see each Gaussian.
    """
    return 1 + (_SELDOM / share) ** 2


def _expected(
    state: ExpectedDistances,
    paint: Float[Array, "levels b h w"],
    variation: Float[Array, "levels b h w"],
) -> Float[Array, "levels b h w"]:
    """Returns the distances that a good object would have.

    Args:
        state: of the object.
        paint: as the photographs' poses show it.
        variation: of what they should show.
    """
    usual, changing = (x[:, None, None, None] for x in (state.usual, state.variation))
    total = paint + _VARIATION * (variation / changing) * usual + _MEAN * usual
    return jnp.maximum(total / (1 + _VARIATION + _MEAN), 1e-12)


def _joined(
    found: levels.Distances, told: Float[Array, "levels b h w"], side: int
) -> Float[Array, "b h w"]:
    """Returns the map of distances beside what is expected of them.

    Features see a defect from as far as their cells reach. Where it ends, the colours
    of single pixels tell, as far as they differ by more than is expected.
    """
    weights = levels.weights(len(found.least))[:, None, None, None]
    mean = jnp.sum(weights * jnp.log(_ratios(found.least, told)), axis=0)
    colors = jax.vmap(lambda maps: blur(maps, _SOFT))(found.colors)
    differing = jnp.log1p(colors / told[-len(colors) :])
    counted = weights[-len(colors) :]
    guide = jnp.sum(counted * differing, axis=0) / jnp.sum(counted)
    return jnp.exp(guided_filter(mean, guide, _WINDOW * side, _RIDGE))


def _ratios(
    found: Float[Array, "levels b h w"], told: Float[Array, "levels b h w"]
) -> Float[Array, "levels b h w"]:
    return found / told + _FLOOR
