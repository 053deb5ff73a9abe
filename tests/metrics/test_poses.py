"""Pose errors against SciPy, jaxlie and by hand."""

import math

import jax.numpy as jnp
import jaxlie
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.spatial.transform import Rotation

from jaxsplat import errors, metrics

ORIGIN = np.zeros(3)


def pose(
    rotation: Rotation, center: tuple[float, float, float], dtype: type = np.float64
) -> np.ndarray:
    """Returns camera_from_world of a camera at `center`."""
    transform = np.eye(4)
    transform[:3, :3] = rotation.as_matrix()
    transform[:3, 3] = -transform[:3, :3] @ center
    return transform.astype(dtype)


@pytest.mark.parametrize(
    "angle", [0, 1e-7, 1e-4, 0.5, 2.0, 3.1, math.pi - 1e-5, math.pi]
)
def test_rotation_error_is_the_full_angle(angle: float) -> None:
    rng = np.random.default_rng(0)
    for _ in range(5):
        axis = rng.normal(size=3)
        start = Rotation.random(rng=rng)
        turn = Rotation.from_rotvec(angle * axis / np.linalg.norm(axis))
        a, b = pose(turn * start, (1, 2, 3)), pose(start, (3, 2, 1))
        assert metrics.rotation_error(a, b) == pytest.approx(angle, abs=1e-9)
        assert metrics.rotation_error(b, a) == pytest.approx(angle, abs=1e-9)
        a, b = a.astype(np.float32), b.astype(np.float32)
        assert metrics.rotation_error(a, b) == pytest.approx(angle, abs=1e-6)


def test_rotation_error_equals_equation_8_and_jaxlie() -> None:
    rng = np.random.default_rng(1)
    a, b = Rotation.random(2, rng=rng)
    found = metrics.rotation_error(pose(a, (0, 0, 0)), pose(b, (0, 0, 0)))
    equation = 2 * np.arccos(abs(a.as_quat() @ b.as_quat()))
    assert found == pytest.approx(equation, abs=1e-9)
    relative = jaxlie.SO3.from_matrix(jnp.asarray((a * b.inv()).as_matrix()))
    assert found == pytest.approx(float(jnp.linalg.norm(relative.log())), abs=1e-5)


def test_translation_error_is_between_camera_centers() -> None:
    rng = np.random.default_rng(2)
    a = pose(Rotation.random(rng=rng), (1, 2, 3))
    b = pose(Rotation.random(rng=rng), (1, 5, -1))
    assert metrics.translation_error(a, b) == pytest.approx(5)
    assert metrics.translation_error(a, a) == 0


def test_relative_translation_error_scales_with_the_distance() -> None:
    true = pose(Rotation.identity(), (0, 0, 5))
    estimated = pose(Rotation.identity(), (0, 0.1, 5))
    center = np.array([0.0, 0.0, 1.0])
    found = metrics.relative_translation_error(estimated, true, center)
    assert found == pytest.approx(0.1 / 4)
    with pytest.raises(errors.DataError, match="object's centre"):
        metrics.relative_translation_error(estimated, true, np.array([0.0, 0.0, 5.0]))


def turned(degrees: float, shift: float = 0.0) -> np.ndarray:
    rotation = Rotation.from_euler("z", degrees, degrees=True)
    return pose(rotation, (0.0, shift, 2.0))


def test_summary_by_hand() -> None:
    true = {name: turned(0) for name in "abcd"}
    estimated = {
        "a": turned(0.5, 0.01),
        "b": turned(0.9, 0.03),  # 1.5 % of the distance
        "c": turned(1.5, 0.0),
        "d": turned(0.1, 0.0),
        "other": turned(90),  # has no true pose
    }
    found = metrics.pose_summary(estimated, true, ORIGIN)
    assert found == pytest.approx(
        {
            "rotation_deg_median": 0.7,
            "rotation_deg_p95": 1.5,
            "translation_rel_median": 0.0025,
            "success_rate": 0.5,
        }
    )


def test_queries_without_an_estimate_count_as_failures() -> None:
    true = {str(k): turned(0) for k in range(20)}
    estimated = {str(k): turned(0.1 * (k + 1)) for k in range(18)}
    estimated["18"] = np.full((4, 4), np.nan)
    found = metrics.pose_summary(estimated, true, ORIGIN)
    assert found["success_rate"] == pytest.approx(9 / 20)
    assert found["rotation_deg_median"] == pytest.approx(1.05)
    assert found["rotation_deg_p95"] is None  # the 19th of 20 has no finite error
    complete = metrics.pose_summary({**estimated, "18": turned(3)}, true, ORIGIN)
    assert complete["rotation_deg_p95"] == pytest.approx(3)


def test_no_estimate_at_all() -> None:
    found = metrics.pose_summary({}, {"a": turned(0)}, ORIGIN)
    assert found == {
        "rotation_deg_median": None,
        "rotation_deg_p95": None,
        "translation_rel_median": None,
        "success_rate": 0.0,
    }


def test_no_true_pose_has_no_value() -> None:
    assert set(metrics.pose_summary({"a": turned(0)}, {}, ORIGIN).values()) == {None}


@settings(deadline=None, max_examples=50, derandomize=True)
@given(st.integers(0, 2**32 - 1))
def test_errors_do_not_depend_on_the_world_frame(seed: int) -> None:
    rng = np.random.default_rng(seed)
    a, b, world = (
        pose(Rotation.random(rng=rng), tuple(rng.normal(size=3))) for _ in range(3)
    )
    assert metrics.rotation_error(a @ world, b @ world) == pytest.approx(
        metrics.rotation_error(a, b), abs=1e-7
    )
    assert metrics.translation_error(a @ world, b @ world) == pytest.approx(
        metrics.translation_error(a, b)
    )
