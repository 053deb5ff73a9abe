"""Distances of photographs and what they should show."""

import dataclasses
from collections.abc import Sequence

from jax import Array
from jaxtyping import Float, PRNGKeyArray

from jaxsplat import features
from jaxsplat.data.views import View
from jaxsplat.features import FeatureNetwork
from jaxsplat.pose.estimate import PoseEstimate
from jaxsplat.rendering.twin import Twin
from jaxsplat.scores import published


@dataclasses.dataclass(frozen=True)
class ByNetwork:
    """What comparisons have in common whose state is a network.

    Attributes:
        network: name of the feature network, see `features.load_network`.
        network_file: its weights; those that come with the package when None.
    """

    network: str = "efficientnet_lite0"
    network_file: str | None = None

    def prepare(
        self,
        twin: Twin,
        views: Sequence[View],
        unseen: Sequence[View],
        key: PRNGKeyArray,
    ) -> FeatureNetwork:
        """Reads the network's weights; see `parts.Compare`."""
        del twin, views, unseen, key
        return features.load_network(self.network, self.network_file)


@dataclasses.dataclass(frozen=True)
class PublishedDistance(ByNetwork):
    """SplatPose's distance, `published.raw_maps`."""

    def __call__(
        self,
        twin: Twin,
        state: FeatureNetwork,
        photographs: Float[Array, "b h w 3"],
        expected: Float[Array, "b h w 3"],
        estimate: PoseEstimate,
    ) -> Float[Array, "b map_h map_w"]:
        """Returns the maps; see `parts.Compare`."""
        del twin, estimate
        return published.raw_maps(state, photographs, expected)

    def level_names(self, state: FeatureNetwork) -> tuple[str, ...]:
        """Returns the names of its summands; see `parts.ComparesByLevel`."""
        return published.level_names(state)

    def level_maps(
        self,
        twin: Twin,
        state: FeatureNetwork,
        photographs: Float[Array, "b h w 3"],
        expected: Float[Array, "b h w 3"],
        estimate: PoseEstimate,
    ) -> Float[Array, "b levels map_h map_w"]:
        """Returns the summands; see `parts.ComparesByLevel`."""
        del twin, estimate
        return published.level_maps(state, photographs, expected)
