"""Digests know files by their content: what changed is seen, where it lies is not."""

import hashlib
import pathlib
import shutil

import numpy as np
import pytest

from jaxsplat import data
from jaxsplat.data.views import View
from tests.helpers import datasets, faults


def test_the_digest_of_a_view_is_that_of_its_file(mad: pathlib.Path) -> None:
    loaded = data.load_object(mad)
    for view in (*loaded.train, *loaded.test):
        content = (mad / view.name).read_bytes()
        assert view.digest == hashlib.sha256(content).hexdigest()
    assert View("made", np.zeros((2, 2, 3), np.float32)).digest == ""


def test_the_same_content_elsewhere_has_the_same_digest(
    mad: pathlib.Path, tmp_path: pathlib.Path
) -> None:
    first = data.load_object(mad).train_digest
    assert len(first) == 64
    copy = tmp_path / "other"
    shutil.copytree(mad, copy, copy_function=shutil.copyfile)
    assert data.load_object(copy).train_digest == first


SEEN = {
    "another photograph": faults.image("train/good/2.png", datasets.picture(9)),
    "the same pixels in another file": faults.image(
        "train/good/2.png", datasets.picture(2), compress_level=0
    ),
    "another pose": faults.frame(1, transform_matrix=datasets.blender_pose(9).tolist()),
    "another lens": faults.top(camera_angle_x=0.71),
    "another order": faults.edit(lambda content: content["frames"].reverse()),
}
UNSEEN = {
    "another query": faults.image("test/good/0.png", datasets.picture(9)),
    "no queries": faults.removed("test"),
    "another mask": faults.mask(np.full((12, 20), 255, np.uint8)),
    "an image without pose": faults.image("train/good/99.png", datasets.picture(1)),
}


@pytest.mark.parametrize("change", SEEN)
def test_what_the_training_views_come_from_is_seen(
    mad: pathlib.Path, change: str
) -> None:
    before = data.load_object(mad).train_digest
    SEEN[change](mad)
    assert data.load_object(mad).train_digest != before


@pytest.mark.parametrize("change", UNSEEN)
def test_what_they_do_not_come_from_is_not(mad: pathlib.Path, change: str) -> None:
    before = data.load_object(mad).train_digest
    UNSEEN[change](mad)
    assert data.load_object(mad).train_digest == before


def test_the_size_of_reading_is_seen(mad: pathlib.Path) -> None:
    full, small = data.load_object(mad), data.load_object(mad, size=10)
    assert full.train_digest != small.train_digest
    # Images are never enlarged: nothing was read otherwise.
    assert data.load_object(mad, size=99).train_digest == full.train_digest
