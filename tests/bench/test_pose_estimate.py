"""The estimate of a GPU's time needs the detectors of an earlier run."""

import pathlib

import pytest

from experiments.bench import pose_estimate
from jaxsplat.errors import DataError


def test_without_a_fitted_object_it_says_which_command_leaves_one(
    tmp_path: pathlib.Path,
) -> None:
    config = pose_estimate.Config(run=str(tmp_path), size=16)
    with pytest.raises(DataError, match="run `python -m experiments.p"):
        pose_estimate.main(config)
    assert not list(tmp_path.iterdir())
