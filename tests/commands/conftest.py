"""The toy object and a detector of it in a folder."""

import pathlib
from collections.abc import Iterator

import pytest

from jaxsplat.data.views import ObjectSet
from jaxsplat.fleet import memory
from tests.helpers import toy_detector


@pytest.fixture(scope="package", autouse=True)
def kept_programs() -> Iterator[None]:
    """Keeps the toy's programs between the tasks of a run.

    To trace them anew takes most of the time of a run of several seeds. That they are
    given back stands in `tests/fleet/test_running.py`.
    """
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(memory, "release", lambda: None)
        yield


@pytest.fixture(scope="session")
def toy() -> ObjectSet:
    """Returns the toy, photographed from 40 sides on white."""
    return toy_detector.objects()


@pytest.fixture(scope="session")
def detector_folder(tmp_path_factory: pytest.TempPathFactory) -> pathlib.Path:
    """Returns the folder of a detector of the toy."""
    return toy_detector.saved(tmp_path_factory)
