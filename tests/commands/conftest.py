"""The toy object and a detector of it in a folder."""

import pathlib
from collections.abc import Iterator

import jax
import pytest

from jaxsplat.data.views import ObjectSet
from jaxsplat.methods import Detector
from tests.helpers import toy_detector


@pytest.fixture(scope="package", autouse=True)
def one_device() -> Iterator[None]:
    """Gives commands one device: each further one compiles its own programs."""
    with jax.default_device(jax.devices()[0]):
        yield


@pytest.fixture(scope="session")
def toy() -> ObjectSet:
    """Returns the toy, photographed from 40 sides on white."""
    return toy_detector.objects()


@pytest.fixture(scope="session")
def detector_folder(
    toy: ObjectSet, tmp_path_factory: pytest.TempPathFactory
) -> pathlib.Path:
    """Returns the folder of a detector of the toy."""
    folder = tmp_path_factory.mktemp("detector") / "toy"
    with toy_detector.quick(), jax.default_device(jax.devices()[0]):
        Detector.fit(toy, toy_detector.QUICK, seed=3).save(folder)
    return folder
