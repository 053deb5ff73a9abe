"""What it costs a photograph that no view of the fit is near."""

import numpy as np

from jaxsplat.core import cameras
from jaxsplat.scores import nearness

CENTER = np.array([0.1, -0.2, 0.3], np.float32)


def poses(degrees: list[float]) -> np.ndarray:
    """Returns cameras around a vertical axis, looking at the centre."""
    up = np.array([0.0, 0.0, 1.0], np.float32)
    found = []
    for turn in np.radians(degrees):
        away = np.array([np.cos(turn), np.sin(turn), 0.0], np.float32)
        camera = cameras.look_at(CENTER + 3 * away, CENTER, up)
        found.append(np.asarray(camera))
    return np.stack(found)


def test_scores_grow_by_what_unseen_views_had_more() -> None:
    seen, unseen = poses([0, 40, 80]), poses([10, 50, 90])
    # One of each scores high for reasons of its own.
    known = nearness.learn(
        CENTER,
        seen,
        np.array([1.0, 1.0, 9.0]),
        unseen,
        np.array([np.e, np.e, 50.0]),
    )
    np.testing.assert_allclose(known.farthest, np.radians(10), rtol=1e-4)
    found = known.factor(poses([0, 5, 30, 45, 130]))
    # Beyond what is known nothing more is expected.
    np.testing.assert_allclose(found, np.exp([0, 0.5, 1, 0.5, 1]), rtol=2e-3)


def test_unseen_views_that_score_lower_change_nothing() -> None:
    known = nearness.learn(
        CENTER, poses([0]), np.array([2.0]), poses([0, 20]), np.array([1.0, 1.0])
    )
    np.testing.assert_array_equal(known.factor(poses([0, 7, 20])), 1)


def test_what_is_usual_grows_without_end() -> None:
    known = nearness.usual(CENTER, poses([0, 90]))
    found = known.factor(poses([0, 30, 45, 80, 180]))
    angles = np.radians([0, 30, 45, 10, 90])
    np.testing.assert_allclose(found, np.exp(2 * angles), rtol=2e-3)
