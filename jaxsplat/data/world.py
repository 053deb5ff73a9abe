"""Where a scene stands in its user's coordinates, and how large it is there.

Files are in metres, kilometres or units of their own, about an origin that may be on
another continent. Inside the package the looked-at point is the origin and the cameras
stand about `DISTANCE` from it, so that float32 is fine enough and constants in scene
units mean the same for every object. The way in and out is in float64.
"""

import dataclasses

import numpy as np
from jaxtyping import Float

# Of the cameras from the origin inside, in the median: that of NeRF-synthetic and
# MAD-Sim, whose published settings are in their units.
DISTANCE = 4.0
# Mean square sine of the axes' angles below which they count as parallel: float32 and a
# hand-held row of cameras that are all set straight leave less.
_PARALLEL = 1e-6
# Where axes meet nowhere ahead, the object is taken to be this many times farther away
# than the cameras are from their middle.
_AHEAD = 4.0


@dataclasses.dataclass(frozen=True, eq=False)
class World:
    """A similarity: `inside = (user - center) * scale`.

    Axes are the same in both, so rotations are too. A camera's own axes scale with the
    world: where `[R | t]` is `camera_from_world`,
    `t_inside = (t_user + R center) * scale` and `t_user = t_inside / scale - R center`.
    An image is the same, since depths and offsets scale alike.

    Attributes:
        center: the point in the user's coordinates that is the origin inside, [3]
            float64.
        scale: inside units in one of the user's.
    """

    center: Float[np.ndarray, "3"] = dataclasses.field(
        default_factory=lambda: np.zeros(3)
    )
    scale: float = 1.0

    @classmethod
    def from_views(cls, cameras_from_world: Float[np.ndarray, "v 4 4"]) -> "World":
        """Returns the world about the point that cameras look at.

        Their median distance from it becomes `DISTANCE`. Cameras that all stand in that
        point tell no scale; it is then 1.

        Args:
            cameras_from_world: rigid poses in the user's coordinates, float64; one or
                more.
        """
        eyes, _ = eyes_and_axes(cameras_from_world)
        center = looked_at(cameras_from_world)
        distance = float(np.median(np.linalg.norm(eyes - center, axis=1)))
        return cls(center, DISTANCE / distance if distance > 0 else 1.0)

    def camera_to_inside(
        self, camera_from_world: Float[np.ndarray, "*b 4 4"]
    ) -> Float[np.ndarray, "*b 4 4"]:
        """Returns rigid poses of the user's world inside, float64."""
        pose = np.array(camera_from_world, np.float64)
        pose[..., :3, 3] += pose[..., :3, :3] @ self.center
        pose[..., :3, 3] *= self.scale
        return pose

    def camera_to_user(
        self, camera_from_world: Float[np.ndarray, "*b 4 4"]
    ) -> Float[np.ndarray, "*b 4 4"]:
        """Returns rigid poses from inside in the user's world, float64.

        Far from the user's origin, rotations must be orthonormal in float64
        (`poses.orthonormal`): what they lack comes out multiplied by `center`.
        """
        pose = np.array(camera_from_world, np.float64)
        pose[..., :3, 3] /= self.scale
        pose[..., :3, 3] -= pose[..., :3, :3] @ self.center
        return pose

    def points_to_inside(
        self, points: Float[np.ndarray, "*b 3"]
    ) -> Float[np.ndarray, "*b 3"]:
        """Returns points of the user's world inside, float64."""
        return (np.asarray(points, np.float64) - self.center) * self.scale

    def points_to_user(
        self, points: Float[np.ndarray, "*b 3"]
    ) -> Float[np.ndarray, "*b 3"]:
        """Returns points from inside in the user's world, float64."""
        return np.asarray(points, np.float64) / self.scale + self.center

    def covariance_to_user(
        self, covariance: Float[np.ndarray, "*b 6 6"]
    ) -> Float[np.ndarray, "*b 6 6"]:
        """Returns covariances of poses in the user's units, float64.

        Args:
            covariance: of a shift in inside units (first three) and a turn in radians
                about a point that goes with the scene.
        """
        units = np.repeat([1 / self.scale, 1.0], 3)
        return np.asarray(covariance, np.float64) * units[:, None] * units


def eyes_and_axes(
    cameras_from_world: Float[np.ndarray, "v 4 4"],
) -> tuple[Float[np.ndarray, "v 3"], Float[np.ndarray, "v 3"]]:
    """Returns where cameras stand, and the unit vectors that they look along."""
    rotations = np.asarray(cameras_from_world, np.float64)[:, :3, :3]
    shifts = np.asarray(cameras_from_world, np.float64)[:, :3, 3]
    return -np.einsum("vji,vj->vi", rotations, shifts), rotations[:, 2]


def spread_of_axes(axes: Float[np.ndarray, "v 3"]) -> float:
    """Returns the mean square sine of the axes' angles to their main direction.

    0 for parallel lines, whichever way along them cameras look, 2/3 for lines all
    around.
    """
    return float(1 - np.linalg.eigvalsh(axes.T @ axes / len(axes))[-1])


def meeting_point(
    eyes: Float[np.ndarray, "v 3"], axes: Float[np.ndarray, "v 3"]
) -> Float[np.ndarray, "3"] | None:
    """Returns the point nearest to all optical axes, None where they are parallel.

    Nearest in least squares; the point is the same whichever way cameras look along
    their axes.
    """
    if spread_of_axes(axes) < _PARALLEL:
        return None
    middle = eyes.mean(axis=0)
    across = np.eye(3) - axes[:, :, None] * axes[:, None, :]
    # About the middle, so that no digits are lost far from the origin.
    offset = np.einsum("vij,vj->i", across, eyes - middle)
    return middle + np.linalg.solve(across.sum(axis=0), offset)


def looked_at(
    cameras_from_world: Float[np.ndarray, "v 4 4"],
) -> Float[np.ndarray, "3"]:
    """Returns the point that cameras look at: the meeting point of their axes.

    Where axes are parallel, or meet behind most cameras, it is a point ahead of their
    middle, four times as far away as they are from that.
    """
    eyes, axes = eyes_and_axes(cameras_from_world)
    point = meeting_point(eyes, axes)
    if point is not None:
        depths = np.einsum("vi,vi->v", axes, point - eyes)
        if np.mean(depths > 0) >= 0.5:
            return point
    middle = eyes.mean(axis=0)
    apart = float(np.median(np.linalg.norm(eyes - middle, axis=1)))
    return middle + _AHEAD * apart * axes.mean(axis=0)
