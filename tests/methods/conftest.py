"""Methods with a network that compiles quickly, and an object that needs no fit."""

from collections.abc import Iterator

import pytest

from jaxsplat.data.views import ObjectSet
from tests.helpers import toy_detector


@pytest.fixture(scope="package", autouse=True)
def quick() -> Iterator[None]:
    """Gives every detector a small network, and every fit the toy's own cloud."""
    with toy_detector.quick():
        yield


@pytest.fixture(scope="package")
def objects() -> ObjectSet:
    """Returns the toy, photographed from 40 sides on white."""
    return toy_detector.objects()
