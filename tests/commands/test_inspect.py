"""The inspection as a command: lines, pictures, exit codes, and folders served."""

import json
import os
import pathlib
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from PIL import Image

from jaxsplat.commands import endings, flags, inspect, watching
from jaxsplat.data.views import ObjectSet
from jaxsplat.errors import ConfigError, DataError
from jaxsplat.methods import Detector
from jaxsplat.report import findings
from jaxsplat.report.journal import Journal
from jaxsplat.scene.gaussians import count
from jaxsplat.scene.splats import read_splats
from jaxsplat.serving.service import Limits
from tests.helpers.asking import Asked
from tests.helpers.toy_detector import pixels, save

ROOT = pathlib.Path(__file__).parents[2]
GOOD, MARRED = 5, 9


def ran(
    detector: pathlib.Path,
    images: list[pathlib.Path],
    capsys: pytest.CaptureFixture[str],
    **settings: Any,
) -> tuple[int, list[dict[str, Any]], str]:
    """Returns exit code, parsed lines and stderr of an inspection."""
    names = tuple(map(str, images))
    code = inspect.main(inspect.Config(str(detector), names, **settings))
    out, err = capsys.readouterr()
    return code, [json.loads(line, parse_constant=_refuse) for line in _lines(out)], err


def drawn(path: pathlib.Path) -> np.ndarray:
    """Returns the pixels of a picture as integers."""
    with Image.open(path) as picture:
        return np.asarray(picture, int)


def _lines(text: str) -> list[str]:
    return [line for line in text.split("\n") if line]


def _refuse(constant: str) -> None:
    raise AssertionError(f"{constant} is not JSON")


@pytest.fixture
def photos(toy: ObjectSet, tmp_path: pathlib.Path) -> dict[str, pathlib.Path]:
    """Returns a good, a defective, an empty and a broken photograph by these words."""
    folder = tmp_path / "my photos"
    found = {
        "good": save(folder / "gut ß 1.png", pixels(toy, GOOD)),
        "marred": save(folder / "bad,2.PNG", pixels(toy, MARRED, marred=True)),
        "empty": save(folder / "empty 3.png", np.full((32, 32, 3), 255, np.uint8)),
    }
    found["broken"] = folder / "zz.png"
    found["broken"].write_bytes(found["good"].read_bytes()[:200])
    save(folder / "inner" / "unseen.png", pixels(toy, GOOD))
    (folder / "notes.txt").write_text("no photograph")
    return found


def test_each_photograph_is_a_line_and_a_folder_is_searched(
    detector_folder: pathlib.Path,
    photos: dict[str, pathlib.Path],
    capsys: pytest.CaptureFixture[str],
) -> None:
    folder = photos["good"].parent
    code, lines, err = ran(detector_folder, [folder], capsys)
    assert code == endings.DEFECT_FOUND and err == ""
    by_file = {line["file"]: line for line in lines}
    assert set(by_file) == {str(path) for path in photos.values()}
    expected = {"good": "good", "marred": "defective", "empty": None, "broken": None}
    for word, verdict in expected.items():
        line = by_file[str(photos[word])]
        assert list(line) == [
            "file",
            "verdict",
            "score",
            "p_value",
            "outcome",
            "reason",
            "hidden",
            "camera_from_world",
            "seconds",
        ]
        assert line["verdict"] == verdict
        assert bool(line["reason"]) == (verdict is None)
        assert (line["p_value"] is None) == (verdict is None)
    found = Detector.load(detector_folder).inspect([photos["good"]])[0]
    line = by_file[str(photos["good"])]
    assert line["score"] == found.score and line["p_value"] == found.p_value
    assert line["camera_from_world"] == found.camera_from_world.tolist()
    assert line["outcome"] == found.outcome.name.lower()
    broken = by_file[str(photos["broken"])]
    assert broken["outcome"] == "unreadable" and "is cut off" in broken["reason"]
    assert broken["score"] is None and broken["camera_from_world"] is None
    assert by_file[str(photos["empty"])]["outcome"] == "out_of_view"


@pytest.mark.parametrize(
    ("words", "code"),
    [
        (["good"], 0),
        (["good", "broken"], endings.NOT_JUDGED),
        (["empty", "good"], endings.NOT_JUDGED),
        (["marred"], endings.DEFECT_FOUND),
        (["broken", "marred", "good"], endings.DEFECT_FOUND),
    ],
)
def test_the_exit_code_is_of_all(
    words: list[str],
    code: int,
    detector_folder: pathlib.Path,
    photos: dict[str, pathlib.Path],
    capsys: pytest.CaptureFixture[str],
) -> None:
    images = [photos[word] for word in words]
    found, lines, _ = ran(detector_folder, images, capsys)
    assert found == code
    assert [line["file"] for line in lines] == [str(path) for path in images]


def test_pictures_have_safe_names_of_their_own(
    toy: ObjectSet,
    detector_folder: pathlib.Path,
    photos: dict[str, pathlib.Path],
    tmp_path: pathlib.Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    twin = save(tmp_path / "other" / photos["good"].name, pixels(toy, GOOD))
    out = tmp_path / "found"
    images = [photos["good"].parent, twin]
    _, lines, _ = ran(detector_folder, images, capsys, out=str(out))
    text = (out / "results.jsonl").read_text()
    assert [json.loads(line) for line in _lines(text)] == lines
    written = [line["heat_map"] for line in lines if line["heat_map"]]
    written += [line["render"] for line in lines if line["render"]]
    assert len(set(written)) == len(written) == 2 * 4
    for name in written:
        assert name.isascii() and " " not in name
        assert drawn(out / name).shape == (32, 32, 3)
    by_file = {line["file"]: line for line in lines}
    assert by_file[str(photos["broken"])]["render"] is None
    found = Detector.load(detector_folder).inspect([twin])[0]
    render = drawn(out / by_file[str(twin)]["render"])
    assert found.render is not None
    assert np.abs(render - 255 * np.clip(found.render, 0, 1)).max() < 0.51
    # Hot where the bar is: the heat map of the defect has more colour than the good.
    hot = [
        np.ptp(drawn(out / by_file[str(p)]["heat_map"]), axis=2)
        for p in (photos["marred"], photos["good"])
    ]
    assert hot[0].max() > hot[1].max()

    # A second run begins its lines anew.
    _, again, _ = ran(detector_folder, [twin], capsys, out=str(out))
    assert len(_lines((out / "results.jsonl").read_text())) == len(again) == 1


@pytest.mark.parametrize(
    ("words", "code", "verdict"),
    [
        (["good", "broken"], 0, "good"),
        (["empty", "marred", "good"], endings.DEFECT_FOUND, "defective"),
        (["empty", "broken"], endings.NOT_JUDGED, None),
    ],
)
def test_a_part_is_a_line_and_a_scene(
    words: list[str],
    code: int,
    verdict: str | None,
    detector_folder: pathlib.Path,
    photos: dict[str, pathlib.Path],
    tmp_path: pathlib.Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    images, out = [photos[word] for word in words], tmp_path / "found"
    found, lines, _ = ran(detector_folder, images, capsys, part=True, out=str(out))
    assert found == code
    assert [line["file"] for line in lines[:-1]] == [str(path) for path in images]
    told = lines[-1]["part"]
    scores = [line["score"] for line in lines[:-1] if line["verdict"] is not None]
    assert told["score"] == max(scores, default=None)
    assert told["judged"] == len(scores) and told["photographs"] == len(words)
    assert told["verdict"] == verdict and bool(told["reason"]) == (verdict is None)
    assert told["scene"] == "anomaly.ply"
    scene = Detector.load(detector_folder).twin.gaussians
    assert len(read_splats(out / "anomaly.ply").means) == count(scene)
    assert b"property float anomaly\n" in (out / "anomaly.ply").read_bytes()


def test_what_is_not_there_is_one_line(
    detector_folder: pathlib.Path,
    tmp_path: pathlib.Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    (tmp_path / "empty" / "inner").mkdir(parents=True)
    with pytest.raises(DataError, match="holds no photograph .* are not searched"):
        ran(detector_folder, [tmp_path / "empty"], capsys)
    with pytest.raises(DataError, match="none.png: does not exist"):
        ran(detector_folder, [tmp_path / "none.png"], capsys)
    with pytest.raises(DataError, match="is no folder, which --watch expects"):
        ran(detector_folder, [tmp_path / "none"], capsys, watch=True)
    with pytest.raises(ConfigError, match="images: expected photographs"):
        inspect.Config("d", ())
    with pytest.raises(ConfigError, match="part: .* drop --watch"):
        inspect.Config("d", ("folder",), part=True, watch=True)
    with pytest.raises(ConfigError, match="serve: expected photographs by HTTP"):
        inspect.Config("d", ("folder",), serve=True)
    with pytest.raises(SystemExit) as ended:
        flags.run(inspect.main, inspect.Config, ["inspect", "--help"])
    assert ended.value.code == 0
    help_text = capsys.readouterr().out
    assert "4 a defect was found, 5 something could not be judged" in help_text


def test_files_whose_names_are_no_text_are_json_all_the_same(
    tmp_path: pathlib.Path,
) -> None:
    path = pathlib.Path(os.fsdecode(bytes(tmp_path) + b"/\xff.png"))
    assert findings.printable(path).endswith("/\\xff.png")
    assert findings.picture_name(path).isascii()


def test_a_photograph_by_http_has_the_row_that_its_path_has(
    detector_folder: pathlib.Path,
    photos: dict[str, pathlib.Path],
    tmp_path: pathlib.Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    images = [photos["marred"], photos["empty"]]
    _, lines, _ = ran(detector_folder, images, capsys)
    journal = Journal(tmp_path / "out", append=True)
    detector = Detector.load(detector_folder)
    asked = Asked(detector, journal, limits=Limits(10**6, 5.0, (32, 32)))
    asked.worker.warm()
    with asked.working():
        for path, line in zip(images, lines, strict=True):
            found = asked.answer(content=path.read_bytes()).json()
            shared = line.keys() & found.keys() - {"seconds"}
            assert len(shared) == 7
            assert {key: found[key] for key in shared} == {k: line[k] for k in shared}
        broken = asked.answer(content=photos["broken"].read_bytes())
    assert broken.status_code == 422 and "is cut off" in broken.json()["error"]
    assert len([*journal.rows()]) == 2
    journal.close()


Step = Callable[[], object]


def served(
    steps: list[Step],
    detector: pathlib.Path,
    folder: pathlib.Path,
    capsys: pytest.CaptureFixture[str],
    **settings: Any,
) -> tuple[int, list[dict[str, Any]], str]:
    """Returns what `ran` does of a served folder, with a step after each look."""
    left = iter(steps)

    def sleep(stop: watching.Stop, seconds: float) -> None:
        assert seconds == 1.0
        step = next(left, None)
        if step is None:
            stop.is_asked = True
        else:
            step()

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(watching.Stop, "sleep", sleep)
        return ran(detector, [folder], capsys, watch=True, **settings)


def nothing() -> None:
    """Lets one look pass."""


def test_a_served_folder(
    toy: ObjectSet,
    detector_folder: pathlib.Path,
    tmp_path: pathlib.Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    folder, out = tmp_path / "line 1", tmp_path / "out"
    first = save(folder / "a.png", pixels(toy, GOOD))
    whole = first.read_bytes()
    late = folder / "b ü.png"
    steps: list[Step] = [
        # A file that grows between looks is not looked at, one that rests for a
        # moment half-written is not told.
        lambda: (folder / "half.png.tmp").write_bytes(whole),
        lambda: late.write_bytes(whole[:100]),
        lambda: late.write_bytes(whole[:200]),
        nothing,
        nothing,
        lambda: late.write_bytes(whole),
        nothing,
        # Replaced under the same name, before it was cleared away.
        lambda: save(first, pixels(toy, MARRED, marred=True)),
        nothing,
        nothing,
        lambda: first.unlink(),
        nothing,
    ]
    code, lines, err = served(steps, detector_folder, folder, capsys, out=str(out))
    told_of = [(pathlib.Path(line["file"]).name, line["verdict"]) for line in lines]
    assert told_of == [("a.png", "good"), ("b ü.png", "good"), ("a.png", "defective")]
    assert code == endings.DEFECT_FOUND
    assert err == (
        f"watching {folder}\nstopped; the same command goes on after the rows in "
        f"{out}\n"
    )
    # What it was killed at while it wrote is not there; the rest is, and is not judged
    # again, unless by another detector.
    with (out / "results.jsonl").open("a") as file:
        file.write('{"file": "cut')
    save(folder / "c.png", pixels(toy, GOOD))
    code, again, _ = served(
        [nothing] * 2, detector_folder, folder, capsys, out=str(out)
    )
    assert code == 0
    assert [pathlib.Path(line["file"]).name for line in again] == ["c.png"]
    text = (out / "results.jsonl").read_text()
    assert [json.loads(line) for line in _lines(text)] == lines + again
    other = shutil.copytree(detector_folder, tmp_path / "other")
    record = (other / "detector.json").read_text()
    (other / "detector.json").write_text(record + "\n")
    _, third, _ = served([nothing] * 2, other, folder, capsys, out=str(out))
    names = sorted(pathlib.Path(line["file"]).name for line in third)
    assert names == ["b ü.png", "c.png"]


def test_all_good_is_never_said_of_what_was_not_judged(
    toy: ObjectSet,
    detector_folder: pathlib.Path,
    tmp_path: pathlib.Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    path = save(tmp_path / "line" / "a.png", pixels(toy, GOOD))
    whole = path.read_bytes()
    good: list[Step] = [nothing] * 2
    code, lines, err = served([], detector_folder, path.parent, capsys)
    assert (code, lines) == (endings.NOT_JUDGED, [])
    assert "a.png: was not inspected before the end" in err
    code, lines, err = served([path.unlink], detector_folder, path.parent, capsys)
    assert (code, lines) == (endings.NOT_JUDGED, [])
    assert "a.png: went away before it was inspected" in err
    path.write_bytes(whole[:200])
    code, lines, _ = served([nothing] * 6, detector_folder, path.parent, capsys)
    assert (code, len(lines)) == (endings.NOT_JUDGED, 1)
    assert lines[0]["outcome"] == "unreadable"
    path.write_bytes(whole)
    code, lines, _ = served(good, detector_folder, path.parent, capsys)
    assert (code, len(lines)) == (0, 1)


WATCH = """
from jaxsplat.commands import flags, inspect
from tests.helpers.fake_detector import FakeDetector

inspect.Detector.load = lambda *_, **__: FakeDetector()
flags.run(inspect.main, inspect.Config)
"""


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_process_serves_until_it_is_asked_to_stop(
    number: signal.Signals, toy: ObjectSet, tmp_path: pathlib.Path
) -> None:
    path = save(tmp_path / "in" / "a.png", pixels(toy, GOOD))
    (tmp_path / "detector.json").write_text("{}")
    # A shell's background job has Ctrl-C ignored, and so its children would.
    usual = f"import signal; signal.signal(2, signal.default_int_handler){WATCH}"
    command = [sys.executable, "-c", usual, f"--detector={tmp_path}"]
    with subprocess.Popen(
        [
            *command,
            f"--images={path.parent}",
            "--watch",
            "--poll_seconds=0.05",
            "--compile_cache=none",
        ],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout
        # The line comes at once, though stdout is no terminal.
        line = json.loads(process.stdout.readline())
        process.send_signal(number)
        out, err = process.communicate()
    assert (line["file"], line["verdict"]) == (str(path), "good")
    assert (process.returncode, out) == (0, "")
    assert err == (
        f"watching {path.parent}\nstopped; without --out, the same command inspects "
        "all that is there again\n"
    )


def looks(arrivals: watching.Arrivals, number: int = 1) -> list[str]:
    """Returns the names that are due in the last of so many looks."""
    for _ in range(number):
        due, _ = arrivals.look()
    return [path.name for path in due]


def test_arrivals_wait_until_a_file_is_steady(tmp_path: pathlib.Path) -> None:
    arrivals = watching.Arrivals([tmp_path], pytest.fail, {})
    path = tmp_path / "a.jpg"
    path.write_bytes(b"1")
    assert looks(arrivals) == []
    path.write_bytes(b"12")
    assert looks(arrivals) == []
    assert looks(arrivals) == ["a.jpg"] and arrivals.waiting == (path,)
    assert arrivals.may_tell(path, True)
    assert looks(arrivals, 3) == [] and arrivals.waiting == ()
    for name in ("b.jpg~", ".c.jpg", "d.jpg.part", "e.tmp", "f.txt"):
        (tmp_path / name).write_bytes(b"1")
    assert looks(arrivals, 3) == []


def test_an_unreadable_file_is_told_when_it_stays_so(tmp_path: pathlib.Path) -> None:
    arrivals = watching.Arrivals([tmp_path], pytest.fail, {})
    path = tmp_path / "a.jpg"
    path.symlink_to(tmp_path / "nothing")
    assert looks(arrivals, 2) == ["a.jpg"]
    assert not arrivals.may_tell(path, False)
    assert looks(arrivals, 2) == []
    assert looks(arrivals) == ["a.jpg"]
    assert arrivals.may_tell(path, False)


def test_files_that_go_are_forgotten_and_those_not_inspected_named(
    tmp_path: pathlib.Path,
) -> None:
    arrivals = watching.Arrivals([tmp_path], pytest.fail, {})
    for number in range(50):
        path = tmp_path / f"{number}.jpg"
        path.write_bytes(b"1")
        assert looks(arrivals, 2) == [path.name]
        if number % 2:
            arrivals.may_tell(path, True)
        path.unlink()
        due, gone = arrivals.look()
        assert due == [] and gone == ([] if number % 2 else [path])
    assert not any(arrivals._files.values())


def test_the_oldest_comes_first_and_a_lost_folder_is_tried_on(
    tmp_path: pathlib.Path,
) -> None:
    notes: list[str] = []
    folder = tmp_path / "share"
    folder.mkdir()
    arrivals = watching.Arrivals([folder], notes.append, {})
    for age, name in enumerate(("z.jpg", "a.jpg")):
        (folder / name).write_bytes(b"1")
        os.utime(folder / name, (1000 + age, 1000 + age))
    assert looks(arrivals, 2) == ["z.jpg", "a.jpg"]
    folder.rename(tmp_path / "away")
    assert looks(arrivals, 2) == []
    assert len(notes) == 1 and "cannot be listed" in notes[0]
    (tmp_path / "away").rename(folder)
    assert looks(arrivals) == ["z.jpg", "a.jpg"]
    assert notes[1:] == [f"{folder}: is there again"]


def test_the_first_signal_asks_and_the_second_has_its_usual_effect() -> None:
    before = {n: signal.signal(n, signal.default_int_handler) for n in (2, 15)}
    try:
        with watching.stop_on_signals() as stop:
            os.kill(os.getpid(), signal.SIGINT)
            stop.sleep(60.0)
            assert stop.is_asked
            assert signal.getsignal(signal.SIGTERM) is signal.default_int_handler
            with pytest.raises(KeyboardInterrupt):
                os.kill(os.getpid(), signal.SIGINT)
                stop.sleep(1.0)
                signal.getsignal(signal.SIGINT)
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
