"""A good object of the MAD layout, to load or to break."""

import pathlib

import pytest

from tests.helpers import datasets


@pytest.fixture
def mad(tmp_path: pathlib.Path) -> pathlib.Path:
    """Returns the folder of a good object in MAD-Sim's layout."""
    return datasets.write_mad(tmp_path / "01Brick")
