"""What every method does with a small object."""

import typing

import numpy as np
import pytest

from jaxsplat import methods, metrics, pose
from jaxsplat.methods import splatpose
from jaxsplat.methods.twin import Twin
from tests.helpers import toy_object
from tests.helpers.networks import SMALL, by_formula

METHODS = typing.get_args(methods.Method)


@pytest.fixture(scope="module")
def twin() -> Twin:
    views = toy_object.views(24, alpha=False)
    camera = views[0].camera
    assert camera is not None
    return methods.make_twin(
        toy_object.cloud(), views, camera, np.zeros(3), toy_object.WHITE
    )


@pytest.mark.parametrize("name", METHODS)
def test_a_good_copy_is_explained(
    name: methods.Method, twin: Twin, monkeypatch: pytest.MonkeyPatch
) -> None:
    quick = splatpose.SplatPoseConfig(solver=pose.AdamScrewConfig(steps=150))
    monkeypatch.setitem(splatpose.PRESETS, "fast", quick)
    method = methods.make_method(name, twin, by_formula(SMALL))
    views = toy_object.views(5, alpha=False)
    photos = np.stack([view.image for view in views])
    assert method.compile(photos[0]) > 0
    found = method.inspect(photos)
    assert found.renders.shape == photos.shape
    assert len(found.maps) == len(found.estimate.loss) == 5
    assert np.isfinite(found.maps).all()
    assert set(found.seconds) == {"coarse", "refine", "features"}
    true = np.stack(
        [view.camera.camera_from_world for view in views if view.camera is not None]
    )
    poses = found.estimate.camera_from_world
    angles = np.degrees(
        [metrics.rotation_error(np.asarray(a), b) for a, b in zip(poses, true)]
    )
    assert np.median(angles) < 1.5
    assert np.abs(found.renders - photos).mean() < 0.05
