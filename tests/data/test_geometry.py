"""Sound cameras pass, wrong conventions are named, and thin captures are remarked."""

import re
from collections.abc import Callable

import numpy as np
import pytest

from jaxsplat.core import cameras
from jaxsplat.data import geometry, poses
from jaxsplat.data.notes import Notes
from jaxsplat.errors import DataError

FLIP = np.diag([1.0, -1.0, -1.0, 1.0])
UP = np.array([0.0, 0.0, 1.0])
FAR = np.array([4.5e5, 5.4e6, 300.0])
Matrices = np.ndarray  # world_from_camera with OpenGL axes, as files hold them


def check(matrices: Matrices) -> tuple[str, ...]:
    """Reads matrices as transforms.json's and returns the remarks."""
    notes = Notes()
    read = np.stack([poses.opencv_from_blender(matrix) for matrix in matrices])
    names = [f"{index}.png" for index in range(len(read))]
    geometry.check_cameras(read, names, "transforms.json", notes)
    return notes.sentences()


def looking(eyes: np.ndarray, targets: np.ndarray) -> Matrices:
    """Returns the matrices of cameras at eyes that look at targets, upright."""
    found = []
    for eye, target in zip(eyes, np.broadcast_to(targets, eyes.shape), strict=True):
        matrix = np.eye(4)
        # In float64: what `look_at` rounds is the translation alone.
        matrix[:3, :3] = poses.orthonormal(cameras.look_at(eye, target, UP))[:3, :3].T
        matrix[:3, 3] = eye
        found.append(matrix @ FLIP)
    return np.stack(found)


def orbit(
    count: int = 30,
    target: np.ndarray = np.zeros(3),
    jitter: float = 0.3,
    distance: float = 4.0,
) -> Matrices:
    """Returns cameras on the upper two thirds of a sphere, that aim a little beside."""
    k = np.arange(count) + 0.5
    z = 0.95 - 1.3 * k / count
    ring, angle = np.sqrt(1 - z * z), np.pi * (1 + 5**0.5) * k
    sides = np.stack([ring * np.cos(angle), ring * np.sin(angle), z], axis=1)
    aside = distance / 4 * np.random.default_rng(0).normal(size=(count, 3))
    return looking(target + distance * sides, target + jitter * aside)


def forward_facing(bend: float) -> Matrices:
    """Returns LLFF's kind: a plane of cameras that look ahead, inwards where bent."""
    rng = np.random.default_rng(1)
    eyes = np.c_[rng.uniform(-1, 1, 25), np.zeros(25), rng.uniform(-1, 1, 25)]
    targets = eyes * (1 - bend) + (0.0, 8.0, 0.0)
    return looking(eyes, targets + 0.05 * rng.normal(size=(25, 3)))


def in_a_room(outward: float) -> Matrices:
    """Returns cameras about the middle of a room, more or less at its walls."""
    rng = np.random.default_rng(2)
    eyes = rng.uniform(-1, 1, (60, 3)) * (2.0, 2.0, 0.3) + (0.0, 0.0, 1.6)
    way = rng.normal(size=(60, 3)) * (1.0, 1.0, 0.3)
    return looking(eyes, eyes + 3 * way + outward * (eyes - (0.0, 0.0, 1.6)))


SOUND = {
    "orbit": orbit(),
    "orbit of wide aim": orbit(jitter=0.8),
    "around another point": orbit(target=np.array([3.0, 20.0, -5.0])),
    "map": orbit(target=FAR),
    "small": orbit(distance=4 / 500),
    "first camera is the world": np.linalg.inv(orbit()[0]) @ orbit(),
}


@pytest.mark.parametrize("matrices", SOUND.values(), ids=SOUND)
def test_sound_cameras_pass_without_a_remark(matrices: Matrices) -> None:
    assert check(matrices) == ()


OTHER = {
    "forward": forward_facing(0.0),
    "forward inwards": forward_facing(0.5),
    "forward spreading out": forward_facing(-0.5),
    "forward spreading far": forward_facing(-3.0),
    "room": in_a_room(0.0),
    "room outwards": in_a_room(1.0),
    "map, forward": forward_facing(0.2) + np.pad(FAR[:, None], ((0, 1), (3, 0)))[None],
}


@pytest.mark.parametrize("matrices", OTHER.values(), ids=OTHER)
def test_cameras_that_do_not_look_at_one_point_are_no_error(matrices: Matrices) -> None:
    for remark in check(matrices):
        assert re.search("from their common centre|all sides|look at one point", remark)


def opencv_axes(matrices: Matrices) -> Matrices:
    return matrices @ FLIP


def inverse(matrices: Matrices) -> Matrices:
    return np.linalg.inv(matrices)


def opencv_inverse(matrices: Matrices) -> Matrices:
    return np.linalg.inv(matrices @ FLIP)


def turned(matrices: Matrices) -> Matrices:
    found = matrices.copy()
    found[:, :3, :3] = matrices[:, :3, :3].swapaxes(1, 2)
    return found


def opencv_turned(matrices: Matrices) -> Matrices:
    return turned(matrices @ FLIP)


def moved(matrices: Matrices) -> Matrices:
    found = matrices.copy()
    found[:, :3, 3] = np.linalg.inv(matrices)[:, :3, 3]
    return found


Change = Callable[[Matrices], Matrices]


@pytest.mark.parametrize(
    "matrices",
    [orbit(), orbit(jitter=0.0), orbit(8), orbit(target=np.array([3.0, 20.0, -5.0]))],
    ids=["orbit", "exact", "8 views", "elsewhere"],
)
@pytest.mark.parametrize(
    ("change", "message"),
    [
        (opencv_axes, "camera-to-world with OpenCV camera axes: multiply each"),
        (inverse, "world-to-camera with OpenGL camera axes: invert each matrix$"),
        (opencv_inverse, "world-to-camera with OpenCV camera axes: invert .* then"),
        (turned, "world-to-camera rotations beside the positions of cameras: tr"),
        (opencv_turned, "world-to-camera rotations beside the positions of cameras"),
    ],
)
def test_wrong_conventions_are_named(
    matrices: Matrices, change: Change, message: str
) -> None:
    with pytest.raises(DataError, match=f"transforms.json: .*{message}") as caught:
        check(change(matrices))
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("axes", [np.eye(4), FLIP], ids=["OpenGL", "OpenCV"])
def test_translations_in_the_place_of_positions_are_named(axes: Matrices) -> None:
    around = orbit(target=np.array([3.0, 20.0, -5.0])) @ axes
    with pytest.raises(DataError, match="beside world-to-camera translations: .* -R t"):
        check(moved(around))


def test_cameras_of_two_conventions_are_remarked() -> None:
    mixed = orbit()
    mixed[::2] = opencv_inverse(mixed[::2])
    (remark,) = check(mixed)
    assert re.match(r"only \d+% of the cameras look at one point; .* wrong", remark)


@pytest.mark.parametrize("noise", [1e-9, 1e-8])
def test_noise_does_not_move_cameras(noise: float) -> None:
    rng = np.random.default_rng(0)
    still = orbit()
    still[:, :3, 3] = np.array([1, 2, 3]) + noise * rng.normal(size=(len(still), 3))
    with pytest.raises(DataError, match="in one point"):
        check(still)


def test_one_pose_of_most_frames_is_refused() -> None:
    matrices = orbit()
    matrices[2:] = matrices[2]
    count = len(matrices) - 2
    with pytest.raises(DataError, match=f"same pose in {count} of .* first that of"):
        check(matrices)


def test_both_conventions_are_named_where_both_may_be() -> None:
    """In the axes of the first camera, the inverses of an orbit are an orbit too."""
    exact = orbit(jitter=0.0)
    anchored = np.linalg.inv(exact[0]) @ exact
    with pytest.raises(DataError, match="OpenCV.*multiply.* or it looks like world-to"):
        check(opencv_axes(anchored))


def test_what_the_message_says_mends_the_file() -> None:
    wrong = opencv_inverse(orbit())
    with pytest.raises(DataError, match="invert each matrix, then multiply"):
        check(wrong)
    assert check(np.linalg.inv(wrong) @ FLIP) == ()


@pytest.mark.parametrize("origin", [np.zeros(3), FAR], ids=["near", "map"])
def test_one_matrix_for_all_frames(origin: np.ndarray) -> None:
    with pytest.raises(DataError, match="the cameras do not move.*turntable"):
        check(np.stack([orbit(target=origin)[3]] * 20))


def test_the_objects_pose_on_a_turntable_is_world_to_camera() -> None:
    """A fixed camera; each matrix turns the object's axes about the table's."""
    camera_from_table = np.linalg.inv(orbit(jitter=0.0)[5])
    angles = np.linspace(0, 2 * np.pi, 24, endpoint=False)
    turns = np.stack([np.eye(4)] * 24)
    turns[:, 0, 0] = turns[:, 1, 1] = np.cos(angles)
    turns[:, 1, 0], turns[:, 0, 1] = np.sin(angles), -np.sin(angles)
    with pytest.raises(DataError, match="world-to-camera with OpenGL"):
        check(camera_from_table @ turns)


@pytest.mark.parametrize("eye", [(0.0, 0.0, 0.0), (2.0, 1.0, 1.6)])
def test_cameras_in_one_point(eye: tuple[float, float, float]) -> None:
    rng = np.random.default_rng(3)
    eyes = np.tile(np.array(eye), (20, 1))
    with pytest.raises(DataError, match="all 20 cameras in one point.*turntable"):
        check(looking(eyes, eyes + rng.normal(size=(20, 3))))


def test_a_pose_that_stands_twice() -> None:
    for scale in (1 / 500, 1.0, 1000.0):
        matrices = orbit()
        matrices[:, :3, 3] *= scale
        matrices[7] = matrices[4]
        assert check(matrices) == ("has the same pose as 4.png: 7.png",)


@pytest.mark.parametrize(
    ("matrices", "reason"),
    [
        (orbit(5), "5 views cannot show all sides .*12 or more"),
        (
            orbit(150)[orbit(150)[:, 2, 3] > 3.2],
            r"\d+% of the directions around it are farther than 45 degrees",
        ),
        (
            looking(np.c_[np.linspace(-1, 1, 30), np.full((30, 2), 3.0)], np.zeros(3)),
            "30 views .* in a line",
        ),
        (
            looking(
                np.random.default_rng(5).normal(size=(30, 3)) * 0.03 + (4.0, 0.0, 1.0),
                np.zeros(3),
            ),
            r"30 views .* within \d(\.\d)? degrees",
        ),
    ],
    ids=["few", "high", "line", "narrow"],
)
def test_sides_that_no_view_shows_are_remarked(matrices: Matrices, reason: str) -> None:
    (remark,) = check(matrices)
    assert "cannot show all sides of the object: " in remark
    assert re.search(reason, remark), remark


def test_rounded_map_coordinates_are_remarked_and_exact_ones_are_not() -> None:
    rounded = orbit(target=FAR)
    rounded[:, :3, 3] = rounded[:, :3, 3].astype(np.float32)
    remarks = check(rounded)
    assert any("rounded to float32" in remark for remark in remarks)
    near = orbit()
    near[:, :3, 3] = near[:, :3, 3].astype(np.float32)
    assert check(near) == ()
