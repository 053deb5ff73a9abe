"""Checks that cameras can show an object, before anything is computed from them.

What a file says is read as `camera_from_world` with OpenCV axes by then; a wrong
convention shows in that cameras do not look at one point, and would under another.
"""

import collections
import dataclasses
from collections.abc import Sequence

import numpy as np
from jaxtyping import Bool, Float

from jaxsplat.data import world
from jaxsplat.data.notes import Notes
from jaxsplat.errors import DataError

# OpenGL's camera looks along -z with y up, OpenCV's along +z with y down.
_FLIP = np.diag([1.0, -1.0, -1.0, 1.0])
# A camera looks at a point that it has within this cosine (25 degrees) of its axis.
_NEAR_AXIS = 0.9
# Cameras must agree in such a share before a convention is said to be wrong, be at
# least so many, and their axes so far from parallel (a fan of 80 degrees): the axes of
# captures that face one way may meet anywhere.
_AGREE, _ENOUGH, _WIDE = 0.8, 4, 0.15
# A camera nearer to a point, as a share of its coordinates, stands in it.
_IN_POINT = 1e-10
# Cameras that do not look at one point stand in one where they are nearer together than
# this, as a share of their coordinates; below one unit, in units: noise of the tools
# that wrote them.
_ONE_POINT = 1e-7
_SAME_ROTATION = 1e-6
# So large a share of the views at one pose is a mistake of the file, not a burst.
_MOST_SAME, _FEW_SAME = 0.5, 3
# Poses that differ by less, in inside units and in entries of the rotation, are one.
_SAME_POSE = 1e-6

# What shows all sides: so many views, directions around the object so near to one.
_FEW_VIEWS = 12
_COVERED = np.radians(45.0)
_NARROW_DEG = 5.0
_LINE = 0.02  # width of a row of cameras as a share of its length
_DIRECTIONS = 400
# Steps between numbers of a file as a share of the cameras' spread that poses show.
_COARSE = 1e-4


def check_cameras(
    cameras_from_world: Float[np.ndarray, "v 4 4"],
    names: Sequence[str],
    place: str,
    notes: Notes,
) -> None:
    """Checks the cameras of an object's training views.

    Args:
        cameras_from_world: rigid poses in the user's coordinates, as they were read,
            float64; one or more.
        names: of the views.
        place: the file that the poses come from, for messages.
        notes: takes remarks: poses that stand twice, sides that no view shows, axes
            that meet behind the cameras, positions that were rounded.

    Raises:
        DataError: all cameras stand in one point or do not move, matrices are inverted,
            or camera axes are those of another convention.
    """
    eyes, axes = world.eyes_and_axes(cameras_from_world)
    given = _Sight.of(cameras_from_world)
    if given.share_ahead < 0.5:
        _check_motion(cameras_from_world, eyes, place)
        _check_convention(cameras_from_world, given, place)
        _check_one_point(eyes, place)
    _check_same_poses(cameras_from_world, names, place, notes)
    away = given.share_away
    if away > 0.5:
        notes.add(
            f"{away:.0%} of the cameras look away from their common centre; the file "
            "may use OpenCV instead of Blender camera axes"
        )
    elif given.spread >= _WIDE and given.share_ahead < 0.5:
        notes.add(
            f"only {given.share_ahead:.0%} of the cameras look at one point; if all "
            "photographs show one object, their poses are wrong"
        )
    _note_rounding(eyes, notes)
    reason = _hidden_sides(cameras_from_world)
    if reason:
        notes.add(f"{len(eyes)} views cannot show all sides of the object: {reason}")


@dataclasses.dataclass(frozen=True)
class _Sight:
    """How cameras see the meeting point of their axes.

    Attributes:
        along: cosine of the angle between each axis and the direction to the point,
            0 where that is not defined, [v].
        spread: of the axes; see `world.spread_of_axes`.
    """

    along: Float[np.ndarray, " v"]
    spread: float

    @classmethod
    def of(cls, cameras_from_world: Float[np.ndarray, "v 4 4"]) -> "_Sight":
        eyes, axes = world.eyes_and_axes(cameras_from_world)
        point = world.meeting_point(eyes, axes)
        if point is None:
            return cls(np.zeros(len(eyes)), 0.0)
        offset = point - eyes
        distance = np.linalg.norm(offset, axis=1)
        # Cameras in the point itself see it nowhere; what rounding leaves is no side.
        far = distance > _IN_POINT * np.abs(eyes).max()
        along = np.einsum("vi,vi->v", axes, offset) / np.where(far, distance, 1.0)
        return cls(np.where(far, along, 0.0), world.spread_of_axes(axes))

    @property
    def share_ahead(self) -> float:
        """Share of the cameras that look at the point."""
        return float(np.mean(self.along > _NEAR_AXIS))

    @property
    def share_behind(self) -> float:
        """Share of the cameras that look straight away from it."""
        return float(np.mean(self.along < -_NEAR_AXIS))

    @property
    def share_away(self) -> float:
        """Share of the cameras that have it behind them, however far from the axis."""
        return float(np.mean(self.along < 0)) if self.spread > 1e-3 else 0.0

    def tells(self, share: float) -> bool:
        """Returns whether cameras agree, and so that it is no chance."""
        enough = len(self.along) >= _ENOUGH
        return enough and self.spread >= _WIDE and share >= _AGREE


def _check_motion(
    cameras_from_world: Float[np.ndarray, "v 4 4"],
    eyes: Float[np.ndarray, "v 3"],
    place: str,
) -> None:
    """Refuses frames that all have one and the same pose."""
    rotations = cameras_from_world[:, :3, :3]
    if len(eyes) > 1 and _stand_in_one_point(eyes):
        if np.abs(rotations - rotations[0]).max() <= _SAME_ROTATION:
            raise DataError(
                f"{place}: the cameras do not move: found one and the same matrix in "
                f"all {len(eyes)} frames, expected the pose of each photograph; on a "
                "turntable, poses are those of a camera that goes around the object"
            )


def _check_convention(
    cameras_from_world: Float[np.ndarray, "v 4 4"], given: _Sight, place: str
) -> None:
    """Refuses poses that would be sound under another convention."""
    # What was taken for camera-to-world, had it been the other way round.
    inverted = _Sight.of(np.linalg.inv(cameras_from_world) @ _FLIP)
    turned = _Sight.of(_with_turned_rotations(cameras_from_world))
    moved = _Sight.of(_with_moved_cameras(cameras_from_world))
    flip = "multiply each matrix from the right by diag(1, -1, -1, 1)"
    others = [
        ("camera-to-world with OpenCV camera axes", flip, given, given.share_behind),
        (
            "world-to-camera with OpenCV camera axes",
            f"invert each matrix, then {flip}",
            inverted,
            inverted.share_ahead,
        ),
        (
            "world-to-camera with OpenGL camera axes",
            "invert each matrix",
            inverted,
            inverted.share_behind,
        ),
    ]
    halves = [
        (
            "world-to-camera rotations beside the positions of cameras",
            "transpose each rotation and leave each position",
            turned,
            max(turned.share_ahead, turned.share_behind),
        ),
        (
            "camera-to-world rotations beside world-to-camera translations",
            "the position of a camera is -R t of rotation R and translation t",
            moved,
            max(moved.share_ahead, moved.share_behind),
        ),
    ]
    likely, mixed = (
        [
            f"looks like {name}: {mend}"
            for name, mend, sight, share in conventions
            if sight.tells(share)
        ]
        for conventions in (others, halves)
    )
    # Inverses of cameras around the origin may pass as half inverted, too.
    likely = likely or mixed
    if likely:
        raise DataError(
            f"{place}: found cameras that do not look at one point, expected "
            "camera-to-world matrices with OpenGL camera axes (x right, y up, z "
            f"backward); it {', or it '.join(likely)}"
        )


def _with_turned_rotations(
    cameras_from_world: Float[np.ndarray, "v 4 4"],
) -> Float[np.ndarray, "v 4 4"]:
    """Returns the cameras of a file whose rotations were the inverse ones."""
    eyes, _ = world.eyes_and_axes(cameras_from_world)
    flip = _FLIP[:3, :3]
    return _cameras(flip @ cameras_from_world[:, :3, :3].swapaxes(1, 2) @ flip, eyes)


def _with_moved_cameras(
    cameras_from_world: Float[np.ndarray, "v 4 4"],
) -> Float[np.ndarray, "v 4 4"]:
    """Returns the cameras of a file whose positions were translations."""
    written, _ = world.eyes_and_axes(cameras_from_world)
    rotations = cameras_from_world[:, :3, :3]
    in_file = rotations.swapaxes(1, 2) @ _FLIP[:3, :3]
    return _cameras(rotations, -np.einsum("vij,vj->vi", in_file, written))


def _cameras(
    rotations: Float[np.ndarray, "v 3 3"], eyes: Float[np.ndarray, "v 3"]
) -> Float[np.ndarray, "v 4 4"]:
    found = np.tile(np.eye(4), (len(eyes), 1, 1))
    found[:, :3, :3] = rotations
    found[:, :3, 3] = -np.einsum("vij,vj->vi", rotations, eyes)
    return found


def _check_one_point(eyes: Float[np.ndarray, "v 3"], place: str) -> None:
    """Refuses cameras that turn in their place: from there, nothing has a depth."""
    if len(eyes) > 1 and _stand_in_one_point(eyes):
        raise DataError(
            f"{place}: found all {len(eyes)} cameras in one point, expected cameras "
            "around an object; if the matrices are world-to-camera, invert them, and "
            "on a turntable give the poses of a camera that goes around the object"
        )


def _stand_in_one_point(eyes: Float[np.ndarray, "v 3"]) -> bool:
    apart = np.abs(eyes - eyes.mean(axis=0)).max()
    return bool(apart <= _ONE_POINT * max(1.0, np.abs(eyes).max()))


def _check_same_poses(
    cameras_from_world: Float[np.ndarray, "v 4 4"],
    names: Sequence[str],
    place: str,
    notes: Notes,
) -> None:
    """Notes views of one pose, and refuses them where they are most of all."""
    inside = world.World.from_views(cameras_from_world)
    first: dict[bytes, str] = {}
    counts: collections.Counter[bytes] = collections.Counter()
    for pose, name in zip(
        inside.camera_to_inside(cameras_from_world), names, strict=True
    ):
        # Adding zero makes -0.0 and 0.0 the same bytes.
        key = (np.round(pose / _SAME_POSE) + 0.0).tobytes()
        counts[key] += 1
        if first.setdefault(key, name) != name:
            notes.add(f"has the same pose as {first[key]}", name)
    ((key, count),) = counts.most_common(1)
    if count >= _FEW_SAME and count > _MOST_SAME * len(names):
        raise DataError(
            f"{place}: found one and the same pose in {count} of {len(names)} frames, "
            f"first that of {first[key]}, expected the pose of each photograph"
        )


def _note_rounding(eyes: Float[np.ndarray, "v 3"], notes: Notes) -> None:
    """Notes positions that float32 holds and poses need finer than that."""
    single = eyes.astype(np.float32)
    step = float(np.spacing(np.abs(single)).max())
    spread = float(np.linalg.norm(eyes - eyes.mean(axis=0), axis=1).max())
    is_rounded = np.abs(eyes - single).max() < 1e-3 * step
    if is_rounded and 0 < _COARSE * spread < step:
        notes.add(
            "the cameras' positions were rounded to float32 far from the origin, in "
            f"steps of up to {step / spread:.2%} of their spread; write them with all "
            "digits, or relative to the object"
        )


def _hidden_sides(cameras_from_world: Float[np.ndarray, "v 4 4"]) -> str:
    """Returns why the views cannot show all sides, "" where they may."""
    eyes, _ = world.eyes_and_axes(cameras_from_world)
    offset = eyes - world.looked_at(cameras_from_world)
    directions = offset / np.maximum(np.linalg.norm(offset, axis=1), 1e-300)[:, None]
    middle = directions.mean(axis=0)
    cosines = directions @ middle / max(float(np.linalg.norm(middle)), 1e-300)
    width = 2 * float(np.degrees(np.arccos(np.clip(cosines.min(), -1.0, 1.0))))
    if width < _NARROW_DEG:
        return f"seen from it, the cameras stand within {width:.2g} degrees"
    lengths = np.linalg.svd(eyes - eyes.mean(axis=0), compute_uv=False)
    if len(eyes) > 2 and lengths[1] < _LINE * lengths[0]:
        return "the cameras stand in a line"
    if len(eyes) < _FEW_VIEWS:
        return f"expected {_FEW_VIEWS} or more, better 30, from all around"
    hidden = float(np.mean(~_covered(directions)))
    if hidden > 0.5:
        return (
            f"{hidden:.0%} of the directions around it are farther than "
            f"{np.degrees(_COVERED):.0f} degrees from any camera"
        )
    return ""


def _covered(directions: Float[np.ndarray, "v 3"]) -> Bool[np.ndarray, " d"]:
    """Returns which directions all around have a camera near (Fibonacci lattice)."""
    index = np.arange(_DIRECTIONS) + 0.5
    z = 1 - 2 * index / _DIRECTIONS
    ring, angle = np.sqrt(1 - z * z), np.pi * (1 + 5**0.5) * index
    around = np.stack([ring * np.cos(angle), ring * np.sin(angle), z], axis=1)
    return (around @ directions.T).max(axis=1) > np.cos(_COVERED)
