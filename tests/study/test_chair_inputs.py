"""What PTAD's network is shown of photographs whose poses are known."""

import pathlib

import numpy as np

from jaxsplat.data import chairs as chairs_data
from jaxsplat.methods import ptad
from jaxsplat.report import Progress, files
from jaxsplat.study.chair_inputs import Preparing
from tests.helpers import chairs as made


def test_defects_are_planted_beside_normal_photographs_only(
    tmp_path: pathlib.Path,
) -> None:
    data = chairs_data.read_chairs(made.write_folder(tmp_path / "data", (20,)))
    cache = tmp_path / "poses.npz"
    pose = made.pose(20, 35, 2.8)
    files.write_arrays(cache, {query.image.name: pose for query in data.queries})
    prepare = Preparing(ptad.fast(), data, cache, Progress())
    train = data.of_split("train")
    broken = tuple(query for query in train if query.is_anomalous)
    assert len(broken) == 1 and len(train) == 2
    shown, planted = prepare(broken, planted=2)
    assert shown.labels.tolist() == [True] and planted is None
    shown, planted = prepare(train, planted=2)
    assert sorted(shown.labels) == [False, True] and planted is not None
    normal = {query.image for query in train if not query.is_anomalous}
    assert [query.image for query in planted.queries] == [*normal, *normal]
    assert np.isfinite(planted.inputs.references).all()
