"""The weights converter: it remakes the bundled file, and refuses what is unusable."""

import hashlib
import pathlib
import subprocess
import sys

import numpy as np
import pytest
import safetensors.numpy

from experiments import convert_weights
from jaxsplat import errors
from jaxsplat.features import registry, weights

NAME = "efficientnet_lite0"
BUNDLED = weights.BUNDLED / "efficientnet_lite0_taps.safetensors"


def test_bundled_file_is_made_from_a_complete_one(tmp_path: pathlib.Path) -> None:
    complete = safetensors.numpy.load_file(str(BUNDLED))
    complete["_fc.bias"] = np.zeros(1000, np.float32)
    complete["_bn0.num_batches_tracked"] = np.array(7, np.int64)
    source, output = tmp_path / "full.safetensors", tmp_path / "taps.safetensors"
    safetensors.numpy.save_file(complete, str(source))
    digest = convert_weights.convert(NAME, source, output)
    assert output.read_bytes() == BUNDLED.read_bytes()
    assert digest == registry.NETWORKS[NAME].sha256
    assert sorted(tmp_path.iterdir()) == [source, output]


def test_unusable_source_leaves_no_output(tmp_path: pathlib.Path) -> None:
    source, output = tmp_path / "cut.safetensors", tmp_path / "out.safetensors"
    source.write_bytes(BUNDLED.read_bytes()[:-4])
    with pytest.raises(errors.DataError, match="not a complete safetensors file"):
        convert_weights.convert(NAME, source, output)
    assert not output.exists()


def test_damaged_download_is_told_from_its_name(tmp_path: pathlib.Path) -> None:
    source = tmp_path / "efficientnet-b4-6ed6700e.pth"
    source.write_bytes(b"half a file")
    with pytest.raises(errors.DataError, match="says 6ed6700e; the download is dam"):
        convert_weights.convert("efficientnet_b4", source, tmp_path / "out")


def test_without_torch_the_command_is_named(
    tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "torch", None)
    data = b"anything"
    digest = hashlib.sha256(data).hexdigest()[:8]
    source = tmp_path / f"efficientnet-b4-{digest}.pth"
    source.write_bytes(data)
    with pytest.raises(errors.DataError, match="needs torch: `pip install torch`"):
        convert_weights.convert("efficientnet_b4", source, tmp_path / "out")


def test_command_line_reports_in_one_line(tmp_path: pathlib.Path) -> None:
    command = [sys.executable, "-m", "experiments.convert_weights", f"--network={NAME}"]
    command += [f"--source={tmp_path / 'none'}", f"--output={tmp_path / 'out'}"]
    root = pathlib.Path(__file__).parents[2]
    result = subprocess.run(command, cwd=root, capture_output=True, text=True)
    assert result.returncode == 1
    assert result.stdout == ""
    assert result.stderr.startswith("error: ")
    assert len(result.stderr.splitlines()) == 1
