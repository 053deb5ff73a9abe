"""Exports, read back by others: trimesh, NumPy, OpenCV."""

import json
import pathlib

import cv2
import numpy as np
import pytest
import trimesh

from jaxsplat.commands import export
from jaxsplat.errors import ConfigError
from tests.helpers import shown, toy_object


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> pathlib.Path:
    return shown.write_run(tmp_path_factory.mktemp("export"), shown.views())


def table(path: pathlib.Path) -> np.ndarray:
    """Returns the vertex table of a PLY file as trimesh reads it."""
    return trimesh.load(path).metadata["_ply_raw"]["vertex"]["data"]


def test_others_read_what_is_exported(
    run: pathlib.Path, tmp_path: pathlib.Path, capsys: pytest.CaptureFixture[str]
) -> None:
    config = export.Config(str(run), out=str(tmp_path), frames=4, side=32)
    assert export.main(config) == 0
    files = capsys.readouterr().out.split()
    assert sorted(pathlib.Path(file).name for file in files) == [
        *("anomaly.ply", "anomaly.splat", "scene.ply", "scene.splat", "turntable.mp4")
    ]
    rows = len(toy_object.cloud().live)
    scene, colored = table(tmp_path / "scene.ply"), table(tmp_path / "anomaly.ply")
    assert len(scene) == len(colored) == rows
    for place in ("x", "y", "z"):
        np.testing.assert_array_equal(scene[place], colored[place])
    anomaly = scene["anomaly"]
    np.testing.assert_array_equal(anomaly, colored["anomaly"])
    assert anomaly.min() >= 0 and 3 < anomaly.max() <= 6.01
    # What is hot is red in the copy, and what is cold as grey as it was dark.
    red, blue = (0.5 + 0.28209479 * colored[f"f_dc_{k}"] for k in (0, 2))
    assert (red > blue + 0.2)[anomaly > 3].all()
    assert np.abs(red - blue)[anomaly == 0].max(initial=0) < 0.01
    splats = np.fromfile(tmp_path / "anomaly.splat", np.uint8).reshape(rows, 32)
    np.testing.assert_array_equal(splats[:, :4].copy().view("<f4")[:, 0], colored["x"])
    np.testing.assert_allclose(splats[:, 24], 255 * np.clip(red, 0, 1), atol=1)
    video = cv2.VideoCapture(str(tmp_path / "turntable.mp4"))
    # Browsers play this one.
    assert b"vp09" in (tmp_path / "turntable.mp4").read_bytes()
    frames = [frame for is_there, frame in iter(video.read, (False, None)) if is_there]
    assert len(frames) == 4 and frames[0].shape == (32, 32, 3)
    assert frames[0].max() > 240 and frames[0].min() < 120
    assert np.abs(frames[0].astype(int) - frames[2]).max() > 20
    record = json.loads((tmp_path / "export.json").read_text())
    assert record["threshold"] == pytest.approx(shown.THRESHOLD)
    assert len(record["photographs"]) == 2 and record["world"]["scale"] == 1.0


def test_one_query_and_no_video(run: pathlib.Path, tmp_path: pathlib.Path) -> None:
    config = export.Config(str(run), out=str(tmp_path), frames=0, query="train/0.png")
    assert export.main(config) == 0
    assert table(tmp_path / "scene.ply")["anomaly"].max() < 0.6
    assert not (tmp_path / "turntable.mp4").exists()
    with pytest.raises(ConfigError, match="found 'x', expected a photograph, as train"):
        export.main(export.Config(str(run), out=str(tmp_path), query="x"))
