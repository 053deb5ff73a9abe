"""The toy object and a detector of it in a folder."""

import pathlib

import pytest

from jaxsplat.data.views import ObjectSet
from tests.helpers import toy_detector


@pytest.fixture(scope="session")
def toy() -> ObjectSet:
    """Returns the toy, photographed from 40 sides on white."""
    return toy_detector.objects()


@pytest.fixture(scope="session")
def detector_folder(tmp_path_factory: pytest.TempPathFactory) -> pathlib.Path:
    """Returns the folder of a detector of the toy."""
    return toy_detector.saved(tmp_path_factory)
