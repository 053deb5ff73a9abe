"""Images are compared as large as the twin shows more."""

import dataclasses

import numpy as np

from jaxsplat.core import cameras
from jaxsplat.data.views import View
from jaxsplat.rendering import render
from jaxsplat.scores import detail
from jaxsplat.scores.good_views import stacked
from tests.helpers import toy_object

VIEWS = toy_object.views(6)


def test_images_are_compared_at_the_size_that_the_twin_shows() -> None:
    views = [_enlarged(view, 8) for view in VIEWS]
    sharp = toy_object.twin(views)
    soft = dataclasses.replace(
        sharp,
        gaussians=dataclasses.replace(
            sharp.gaussians, log_scales=sharp.gaussians.log_scales + 0.7
        ),
    )
    shown = [
        float(detail.detail_shown(one, *stacked(one, views[:2])))
        for one in (sharp, soft)
    ]
    assert shown[0] > 0.99 and shown[1] < detail._DETAIL_SHOWN
    assert [detail.side_of(one, views) for one in (sharp, soft)] == [256, 224]
    # Smaller photographs have no such detail, larger ones more than is needed.
    assert detail.side_of(toy_object.twin(VIEWS), VIEWS) == 224
    large = [_enlarged(view, 13) for view in VIEWS[:2]]
    assert detail.side_of(toy_object.twin(large), large) == 400


def _enlarged(view: View, times: int) -> View:
    """Returns the photograph as a camera of more pixels takes it."""
    assert view.camera is not None
    side = times * toy_object.SIDE
    camera = cameras.resized(view.camera, side, side)
    drawn = render(toy_object.cloud(), camera, backend="xla")
    color, alpha = (np.clip(np.asarray(x), 0, 1) for x in (drawn.color, drawn.alpha))
    return dataclasses.replace(view, image=color, alpha=alpha, camera=camera)
