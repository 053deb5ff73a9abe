"""README's first code, as it is written, on the bundled sample at a small size."""

import contextlib
import io
import json
import pathlib
import re
import shutil
import time
from typing import Any

import cv2
import numpy as np
import pytest

import jaxsplat
from jaxsplat import fitting
from tests.helpers.small_fit import SIDE, SMALL_FIT

README = pathlib.Path(__file__).parents[1] / "README.md"


def small_sample(target: pathlib.Path) -> None:
    """Writes the sample with smaller images; its lens is an angle, so poses stay."""
    source = jaxsplat.sample_dir() / "01Penguin"
    for path in source.rglob("*"):
        copy = target / path.relative_to(source)
        copy.parent.mkdir(parents=True, exist_ok=True)
        if path.suffix == ".png":
            image = cv2.imread(str(path), cv2.IMREAD_UNCHANGED)
            small = cv2.resize(image, (SIDE, SIDE), interpolation=cv2.INTER_AREA)
            cv2.imwrite(str(copy), small)
        elif path.is_file():
            shutil.copyfile(path, copy)
    lens = json.loads((target / "transforms.json").read_text())
    (target / "transforms.json").write_text(json.dumps(lens | {"w": SIDE, "h": SIDE}))


@pytest.fixture(scope="module")
def called(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """Returns the variables that README's first code leaves."""
    folder = tmp_path_factory.mktemp("call")
    small_sample(folder / "my_part")
    code = re.search(r"```python\n(.*?)```", README.read_text(), re.DOTALL)
    assert code is not None and code.group(1).startswith("import jaxsplat\n")
    kinds = ("good/000", "good/003", "Burrs/000", "Stains/001", "Missing/000")
    photos = [folder / "my_part" / "test" / f"{kind}.png" for kind in kinds]
    left: dict[str, Any] = {"photos": photos}
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        patch.setattr(fitting, "preset", lambda *_: SMALL_FIT)
        printed = io.StringIO()
        with contextlib.redirect_stdout(printed):
            exec(compile(code.group(1), "README.md", "exec"), left)
    assert len(printed.getvalue().splitlines()) >= len(photos)
    return left | {"folder": folder}


def test_the_call_finds_poses_scores_and_maps(called: dict[str, Any]) -> None:
    found = called["detector"].inspect(called["photos"])
    truth = json.loads((called["folder"] / "my_part" / "test_poses.json").read_text())
    assert len(truth["frames"]) >= len(found)
    for one in found:
        assert np.isfinite(one.score) and one.defective is not None
        assert one.outcome in (jaxsplat.Outcome.CONVERGED, jaxsplat.Outcome.MAX_STEPS)
        assert one.render.shape == (SIDE, SIDE, 3) and one.anomaly_map.ndim == 2
    last = called["found"]
    assert last.seconds > 0 and last.score == found[-1].score


def test_the_first_verdict_of_a_loaded_detector_comes_soon(
    called: dict[str, Any],
) -> None:
    begin = time.process_time()
    detector = jaxsplat.Detector.load(called["folder"] / "my_part.detector")
    found = detector.inspect(called["photos"][:1])[0]
    assert found.score == called["detector"].inspect(called["photos"][:1])[0].score
    # Nothing is compiled again: that alone would take ten times as long.
    assert time.process_time() - begin < 3
