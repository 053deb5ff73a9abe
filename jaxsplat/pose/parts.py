"""What every coarse finder and every solver is: settings, a state, and a pure call.

Parts are frozen dataclasses of settings. `prepare` is called once for an object, on the
host; its state is a pytree of arrays, saved and loaded with the detector. The call is
pure: XLA compiles it, with the part itself as a static argument; it takes no clock,
file or number back from the device.
"""

from collections.abc import Sequence
from typing import Any, Protocol, runtime_checkable

from jax import Array
from jaxtyping import Float, PRNGKeyArray

from jaxsplat.data.views import View
from jaxsplat.pose.estimate import CoarsePoses, PoseEstimate
from jaxsplat.pose.photographs import Photographs
from jaxsplat.rendering.twin import Twin


@runtime_checkable
class Starts(Protocol):
    """A way to find coarse poses."""

    def prepare(self, twin: Twin, views: Sequence[View], key: PRNGKeyArray) -> Any:
        """Returns the state for one object.

        Args:
            twin: the fitted object.
            views: the posed views that it was fitted to.
            key: of what is random.
        """

    def __call__(self, twin: Twin, state: Any, photographs: Photographs) -> CoarsePoses:
        """Returns coarse poses of photographs.

        Args:
            twin: the object; its camera is that of the photographs.
            state: from `prepare`.
            photographs: b photographs, RGB in [0, 1].
        """


@runtime_checkable
class Refine(Protocol):
    """A pose solver."""

    def prepare(self, twin: Twin, views: Sequence[View], key: PRNGKeyArray) -> Any:
        """Returns the state for one object; arguments as in `Starts`."""

    def __call__(
        self,
        twin: Twin,
        state: Any,
        photographs: Photographs,
        starts: Float[Array, "b k 4 4"],
    ) -> PoseEstimate:
        """Returns the refined pose of each photograph.

        Args:
            twin: the object; its camera is that of the photographs.
            state: from `prepare`.
            photographs: b photographs, RGB in [0, 1].
            starts: `camera_from_world` of k coarse poses each, [b, k, 4, 4].
        """
