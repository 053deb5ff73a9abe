"""PTAD's comparison on photographed objects: a photograph beside the twin's depth.

The network (section 3.3) needs pairs with and without defects. Here the good views are
both, by planted defects (`depth_planting.py`). That is ours; the paper trains on
photographs of defective objects.
"""

import dataclasses
import functools
from collections.abc import Sequence

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array, lax
from jaxtyping import Float, PRNGKeyArray

from jaxsplat import learning
from jaxsplat.core import precision
from jaxsplat.data.splits import evenly
from jaxsplat.data.views import View, over_background, posed_cameras
from jaxsplat.errors import ConfigError
from jaxsplat.features.mmpdn import MmpdnConfig
from jaxsplat.learning import Training
from jaxsplat.methods import depth_inputs, depth_planting, mmpdn_training
from jaxsplat.methods.mmpdn_training import MmpdnLoss
from jaxsplat.pose.estimate import PoseEstimate
from jaxsplat.rendering.twin import Twin
from jaxsplat.scores.finite import nan_unless_finite

# Good views that are learnt from, at most.
_MOST_VIEWS = 96


@jax.tree_util.register_dataclass
@dataclasses.dataclass(frozen=True)
class DepthDetector:
    """A trained network of one object.

    Attributes:
        params: of the network, by name.
    """

    params: dict[str, Float[Array, "..."]]


@dataclasses.dataclass(frozen=True)
class DepthComparison:
    """The comparison. `prepare` trains it.

    Maps are the loss of calling a place good: log(1 + exp(logit)). They are shifted so
    that the highest place has the image's logit, by which `Peak` is the paper's score.

    Attributes:
        loss: by which the network is trained, which takes as `further` maps none or
            the outlines' differences, too much and too little.
        training: how long and how fast.
        planted: planted defects beside each good view.
    """

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

    @property
    def detector(self) -> MmpdnConfig:
        """The network."""
        return self.loss.network

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
        chosen = evenly(views, _MOST_VIEWS)
        behind = np.asarray(twin.background)
        photographs = np.stack([over_background(view, behind) for view in chosen])
        poses = posed_cameras(chosen).camera_from_world
        twin, photographs, poses = precision.single((twin, photographs, poses))
        drawn = jax.random.split(planting, (len(chosen), self.planted))
        examples = depth_planting.examples(
            self.detector, twin, photographs, poses, drawn
        )
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
    seen = lax.map(
        lambda pose: depth_inputs.see(twin, twin.gaussians, pose, part.detector), poses
    )
    shown = jax.vmap(lambda image: depth_inputs.shown(image, twin, part.detector))(
        photographs
    )
    inputs = depth_inputs.inputs(part.detector, *shown, seen)
    told = learning.apply(part.detector, state.params, *inputs)
    highest = jnp.max(told.maps, axis=(1, 2))
    logits = told.maps + (told.logits - highest)[:, None, None]
    logits = jax.image.resize(logits, (count, height, width), "linear")
    return nan_unless_finite(jax.nn.softplus(logits), photographs)
