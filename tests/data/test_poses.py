"""Conventions and checks of pose matrices."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from jaxsplat.core import cameras
from jaxsplat.data import poses
from jaxsplat.data.notes import Notes
from jaxsplat.errors import DataError
from tests.helpers import datasets

POSES = np.stack([datasets.blender_pose(i) for i in range(8)])


def test_blender_pose_equals_look_at() -> None:
    """A Blender camera looks along its -z, and its y is up in the image."""
    for pose in POSES:
        expected = cameras.look_at(pose[:3, 3], np.zeros(3), np.array([0.0, 0.0, 1.0]))
        np.testing.assert_allclose(poses.opencv_from_blender(pose), expected, atol=1e-6)


def test_point_in_front_and_above() -> None:
    """By hand: camera at z = 4 looking down the world's -z, its up along world y."""
    pose = np.eye(4)
    pose[2, 3] = 4.0
    camera_from_world = poses.opencv_from_blender(pose)
    point = camera_from_world @ np.array([1.0, 2.0, 1.0, 1.0])
    np.testing.assert_allclose(point, [1.0, -2.0, 3.0, 1.0])


@settings(max_examples=50, deadline=None)
@given(noise=hnp.arrays(np.float64, (3, 3), elements=st.floats(-1e-3, 1e-3)))
def test_drift_becomes_the_nearest_rotation(noise: np.ndarray) -> None:
    matrix = POSES[1].copy()
    matrix[:3, :3] += noise
    motion = poses.rigid_motion(matrix, "here", Notes())
    rotation = motion[:3, :3]
    np.testing.assert_allclose(rotation.T @ rotation, np.eye(3), atol=1e-12)
    assert np.linalg.det(rotation) > 0
    moved = np.linalg.norm(rotation - matrix[:3, :3])
    assert moved <= np.linalg.norm(noise) + 1e-12
    np.testing.assert_array_equal(motion[:3, 3], POSES[1, :3, 3])


@settings(max_examples=50, deadline=None)
@given(
    matrix=hnp.arrays(
        np.float64,
        st.tuples(st.integers(1, 5), st.integers(1, 5)),
        elements=st.floats(-1e300, 1e300) | st.sampled_from([0.0, 1.0, -1.0]),
    )
)
def test_any_matrix_is_a_motion_or_a_data_error(matrix: np.ndarray) -> None:
    try:
        motion = poses.rigid_motion(matrix, "here", Notes())
    except DataError as error:
        assert str(error).startswith("here: found")
    else:
        inverse = poses.opencv_from_blender(motion)
        assert np.isfinite(inverse.astype(np.float32)).all()


@pytest.mark.parametrize("scale", [1e-4, 0.25, 0.98, 1.02, 500.0])
def test_the_scale_of_a_rotation_is_divided_out(scale: float) -> None:
    matrix = POSES[2].copy()
    matrix[:3, :3] *= scale
    notes = Notes()
    np.testing.assert_allclose(
        poses.rigid_motion(matrix, "here", notes), POSES[2], atol=1e-12
    )
    assert notes.sentences() == (
        f"the rotation was scaled by {scale:.3g}, which is divided out of it: here",
    )


@pytest.mark.parametrize("scale", [0.0, -0.5, 1e-9, (1.0, 1.0, 2.0)])
def test_no_rotation_is_made_of_what_is_none(scale: float | tuple) -> None:
    matrix = POSES[2].copy()
    matrix[:3, :3] *= scale
    with pytest.raises(DataError, match="here: found"):
        poses.rigid_motion(matrix, "here", Notes())


def test_drift_is_counted() -> None:
    notes = Notes()
    for i in range(3):
        matrix = POSES[i].copy()
        matrix[:3, :3] *= 1.001
        poses.rigid_motion(matrix, f"frame {i}", notes)
    assert notes.sentences() == (
        "the rotation had drifted and was made orthonormal: frame 0 and 2 more",
    )


def test_orthonormal_motions_are_the_nearest_and_nan_stays() -> None:
    exact = np.stack([poses.opencv_from_blender(pose) for pose in POSES])
    rough = exact.astype(np.float32)
    rough[3, 0, 0] = np.nan
    found = poses.orthonormal(rough)
    assert found.dtype == np.float64
    np.testing.assert_array_equal(found[3], rough[3])
    whole = np.delete(found, 3, axis=0)
    np.testing.assert_allclose(whole, np.delete(exact, 3, axis=0), atol=1e-6)
    products = whole[:, :3, :3] @ whole[:, :3, :3].swapaxes(1, 2)
    np.testing.assert_allclose(products, np.tile(np.eye(3), (7, 1, 1)), atol=1e-14)
    np.testing.assert_array_equal(poses.orthonormal(rough[:0]), rough[:0])


def test_coordinates_of_maps_are_kept() -> None:
    matrix = POSES[0].copy()
    matrix[:3, 3] += (4.5e5, 5.4e6, 120.0)
    motion = poses.rigid_motion(matrix, "here", Notes())
    np.testing.assert_array_equal(motion[:3, 3], matrix[:3, 3])
