"""Matching point sampling: pixels near what render and photograph both show count.

IGSPAD (section 3.2.3, equation 4): a defect has no counterpart in the render, so that
the pixels around matched points are those of the good part.
"""

import dataclasses

import jax
import jax.numpy as jnp
from jax import Array, lax
from jaxtyping import Bool, Float

from jaxsplat import matchers
from jaxsplat.core import cameras, resampling
from jaxsplat.matchers import KeypointDetector, KeypointMatcher, Keypoints
from jaxsplat.rendering import twin as twins
from jaxsplat.rendering.twin import Twin

# Longer side in pixels of the images that are matched; larger ones are shrunk to it.
_SIDE = 480


@jax.tree_util.register_dataclass
@dataclasses.dataclass(frozen=True)
class Sampler:
    """What finds the pixels that count.

    Attributes:
        twin: the object at the size at which images are matched.
        detector: of keypoints.
        matcher: of theirs.
        keypoints: number of each image (static).
    """

    twin: Twin
    detector: KeypointDetector
    matcher: KeypointMatcher
    keypoints: int = dataclasses.field(metadata=dict(static=True))

    def detect(self, images: Float[Array, "b h w 3"]) -> Keypoints:
        """Returns the keypoints of photographs."""
        camera = self.twin.camera
        small = resampling.area_resize(images, camera.height, camera.width)
        return matchers.detect(self.detector, small, self.keypoints)

    def weights(
        self,
        query: Keypoints,
        camera_from_world: Float[Array, "4 4"],
        radius: float,
        height: int,
        width: int,
    ) -> Float[Array, "h w"]:
        """Returns 1 where a matched point is near, else 0.

        Where nothing matches all pixels count: a search without any would end there.

        Args:
            query: the photograph's keypoints.
            camera_from_world: pose of the render.
            radius: within which a point is near, as a share of the longer side.
            height: of the weights, in pixels.
            width: likewise.
        """
        camera = cameras.with_pose(self.twin.camera, camera_from_world)
        render = twins.look(self.twin, camera, self.twin.background).color
        known = matchers.detect(self.detector, render[None], self.keypoints)
        found = matchers.match(
            self.matcher, query, jax.tree.map(lambda leaf: leaf[0], known)
        )
        scale = jnp.array([width, height], jnp.float32)
        scale /= jnp.array([query.width, query.height], jnp.float32)
        places = query.places * scale
        near = near_points(
            places, found.partner >= 0, radius * max(height, width), height, width
        )
        return jnp.where(jnp.any(near), near, True).astype(jnp.float32)


def make_sampler(
    twin: Twin, detector: KeypointDetector, matcher: KeypointMatcher, keypoints: int
) -> Sampler:
    """Returns the sampler for photographs of the twin's camera."""
    small = dataclasses.replace(twin, camera=cameras.limited(twin.camera, _SIDE))
    return Sampler(small, detector, matcher, keypoints)


def near_points(
    places: Float[Array, "n 2"],
    counts: Bool[Array, " n"],
    radius: float,
    height: int,
    width: int,
) -> Bool[Array, "h w"]:
    """Returns which pixels' centres are within a radius of any point.

    Args:
        places: column and row in pixels.
        counts: points that are looked at.
        radius: in pixels.
        height: of the image.
        width: likewise.
    """
    columns = resampling.pixel_centers(width)
    rows = resampling.pixel_centers(height)[:, None]

    def with_point(near: Array, point: tuple[Array, Array]) -> tuple[Array, None]:
        place, is_counted = point
        away = (columns - place[0]) ** 2 + (rows - place[1]) ** 2
        return near | (is_counted & (away <= radius**2)), None

    return lax.scan(with_point, jnp.zeros((height, width), bool), (places, counts))[0]
