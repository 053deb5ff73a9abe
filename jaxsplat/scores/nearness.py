"""What it costs a photograph that no view which the fit saw is near.

Between the views that a fit saw its renders are less exact, the more so the farther
away. Good views that it did not see tell by how much, and are themselves farther from
the others than photographs will be: they leave gaps where they were taken. So scores
are told in multiples of what they grow by with the angle to the nearest view that the
fit saw. Where such views are too few to tell, it is what other objects have.
"""

import dataclasses

import jax.numpy as jnp
import numpy as np
from jax import Array
from jaxtyping import Float

_LEAST_ANGLE = 1e-3  # radians
# Growth of the logarithm, per radian: half of what good photographs of objects with few
# views have, since defects' scores grow less (docs/architecture.md).
_USUAL_GROWTH = 2.0


@dataclasses.dataclass(frozen=True)
class Nearness:
    """How scores of good views grow with the angle to the nearest view of the fit.

    Attributes:
        directions: unit vectors from the object's centre to the views that the fit saw,
            [v, 3].
        center: of the object, [3].
        growth: of the logarithm of a score, per radian, 0 or more.
        farthest: angle in radians up to which that is known.
    """

    directions: Float[Array, "v 3"]
    center: Float[Array, "3"]
    growth: float
    farthest: float

    def factor(self, poses: Float[np.ndarray, "b 4 4"]) -> Float[np.ndarray, " b"]:
        """Returns how many times higher good photographs score than views of the fit.

        Args:
            poses: of the photographs (camera_from_world), [b, 4, 4].
        """
        directions, center = np.asarray(self.directions), np.asarray(self.center)
        angles = _angles(directions, center, poses)
        return np.exp(self.growth * np.minimum(angles, self.farthest))


def learn(
    center: Float[np.ndarray, "3"],
    seen: Float[np.ndarray, "v 4 4"],
    seen_scores: Float[np.ndarray, " m"],
    unseen: Float[np.ndarray, "k 4 4"],
    unseen_scores: Float[np.ndarray, " k"],
) -> Nearness:
    """Returns what good views tell.

    Medians are compared, since single views have their own reasons to score high.

    Args:
        center: of the object, [3].
        seen: poses of all views that the fit saw (camera_from_world), [v, 4, 4].
        seen_scores: of some of them, above 0, [m].
        unseen: poses of views that it did not see, [k, 4, 4].
        unseen_scores: of these, above 0, [k].
    """
    directions = _directions(center, seen)
    angles = _angles(directions, center, unseen)
    more = np.median(np.log(unseen_scores)) - np.median(np.log(seen_scores))
    typical = max(float(np.median(angles)), _LEAST_ANGLE)
    growth = max(float(more), 0.0) / typical
    return _to_nearest(center, directions, growth, float(np.max(angles)))


def usual(center: Float[np.ndarray, "3"], seen: Float[np.ndarray, "v 4 4"]) -> Nearness:
    """Returns what holds for most objects, where too few good views tell.

    Args:
        center: of the object, [3].
        seen: poses of all views that the fit saw (camera_from_world), [v, 4, 4].
    """
    return _to_nearest(center, _directions(center, seen), _USUAL_GROWTH, np.pi)


def _to_nearest(
    center: Float[np.ndarray, "3"],
    directions: Float[np.ndarray, "v 3"],
    growth: float,
    farthest: float,
) -> Nearness:
    """Returns the record of a growth with the angle to the nearest view of the fit."""
    return Nearness(
        jnp.asarray(directions, jnp.float32),
        jnp.asarray(center, jnp.float32),
        growth,
        farthest,
    )


def _angles(
    directions: Float[np.ndarray, "v 3"],
    center: Float[np.ndarray, "3"],
    poses: Float[np.ndarray, "b 4 4"],
) -> Float[np.ndarray, " b"]:
    """Returns the angle of each camera to the nearest of the directions, in radians."""
    cosines = _directions(center, poses) @ directions.T
    return np.arccos(np.clip(cosines.max(axis=1), -1.0, 1.0))


def _directions(
    center: Float[np.ndarray, "3"], poses: Float[np.ndarray, "b 4 4"]
) -> Float[np.ndarray, "b 3"]:
    """Returns unit vectors from the centre to cameras."""
    eyes = -np.einsum("bji,bj->bi", poses[:, :3, :3], poses[:, :3, 3])
    offset = eyes - center
    lengths = np.linalg.norm(offset, axis=1, keepdims=True)
    return offset / np.maximum(lengths, 1e-12)
