"""Methods with a network that compiles quickly, and an object that needs no fit."""

from collections.abc import Iterator

import numpy as np
import pytest

from jaxsplat import features, fitting
from jaxsplat.data.views import ObjectSet
from jaxsplat.fitting import FitResult
from tests.helpers import toy_object
from tests.helpers.networks import SMALL, by_formula


@pytest.fixture(scope="package", autouse=True)
def quick() -> Iterator[None]:
    """Gives every detector a small network, and every fit the toy's own cloud."""
    network = by_formula(SMALL)

    def fit(*_: object, **__: object) -> FitResult:
        return FitResult(toy_object.cloud(), np.zeros(3), 1.0, 2.0, 30.0)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(features, "load_network", lambda *_: network)
        patch.setattr(fitting, "fit", fit)
        yield


@pytest.fixture(scope="package")
def objects() -> ObjectSet:
    """Returns the toy, photographed from 40 sides on white."""
    views = toy_object.views(40, alpha=False)
    camera = views[0].camera
    assert camera is not None
    return ObjectSet("toy", "toy", views, (), camera, toy_object.WHITE)
