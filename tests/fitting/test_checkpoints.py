"""A fit that was killed goes on to the same bits; other checkpoints are not used."""

import dataclasses
import logging
import pathlib
import subprocess
import sys
from collections.abc import Callable
from typing import Any

import jax
import numpy as np
import pytest

from jaxsplat.data.views import View
from jaxsplat.fitting import (
    Checkpoint,
    DensityConfig,
    FitConfig,
    FitProgress,
    FitResult,
    Stage,
    checkpoints,
    fit,
)
from jaxsplat.fitting.loop import Loop
from jaxsplat.fitting.state import FitState, initial
from jaxsplat.fitting.steps import train_step
from jaxsplat.fitting.stopping import Plateau
from tests.helpers import clouds, toy_object
from tests.helpers.toy_object import WHITE

# Looks after steps 50, 70 (the end of a stage), 120, 150. Random numbers are drawn, the
# number of Gaussians changes, and the moments and statistics matter after each look.
CONFIG = FitConfig(
    stages=(Stage(0.5, 70), Stage(1.0, 80)),
    count=30,
    capacity=48,
    start_opacity=0.5,
    ssim_weight=0.0,
    random_background=True,
    patience=1.0,
    density=DensityConfig(kind="original", first=0, every=60, gradient=1e-5),
)
VIEWS = toy_object.views()


class Killed(Exception):
    pass


def run(
    checkpoint: Checkpoint | None,
    *,
    kill_at: int | None = None,
    seed: int = 3,
    keep_end: bool = False,
    by: type[BaseException] = Killed,
) -> tuple[FitResult, list[int]]:
    """Returns a fit's result and the steps at which it was looked at."""
    seen: list[int] = []

    def watch(progress: FitProgress) -> None:
        seen.append(progress.step)
        if progress.step == kill_at:
            raise by

    result = fit(
        VIEWS,
        WHITE,
        CONFIG,
        seed=seed,
        backend="xla",
        watch=watch,
        checkpoint=checkpoint,
        keep_end=keep_end,
        unseen=VIEWS[:1],
    )
    return result, seen


def kill(checkpoint: Checkpoint, step: int, *, seed: int = 3) -> None:
    with pytest.raises(Killed):
        run(checkpoint, kill_at=step, seed=seed)


def saved_steps(checkpoint: Checkpoint) -> list[int]:
    return sorted(int(path.name) for path in checkpoint.folder.glob("*/[0-9]*"))


def assert_same(found: FitResult, expected: FitResult) -> None:
    assert found.psnr == expected.psnr
    leaves = (jax.tree.leaves(result.gaussians) for result in (found, expected))
    for a, b in zip(*leaves, strict=True):
        np.testing.assert_array_equal(a, b)


@pytest.fixture(scope="module")
def expected() -> FitResult:
    return run(None)[0]


@pytest.fixture
def always(tmp_path: pathlib.Path) -> Checkpoint:
    """Returns the wish to save at every look."""
    return Checkpoint(tmp_path / "fit", every_seconds=0.0)


@pytest.mark.parametrize(
    ("step", "left"), [(50, [70, 120, 150]), (70, [120, 150]), (120, [150])]
)
def test_killed_fit_goes_on_to_the_same_bits(
    expected: FitResult, always: Checkpoint, step: int, left: list[int]
) -> None:
    kill(always, step)
    found, seen = run(always)
    assert seen == left
    assert_same(found, expected)


def test_going_on_compiles_nothing_that_the_fit_had(
    expected: FitResult, always: Checkpoint
) -> None:
    kill(always, 120)
    before = train_step._cache_size()
    run(always)
    assert train_step._cache_size() == before


def test_time_before_the_kill_counts(always: Checkpoint) -> None:
    kill(always, 120)
    (folder,) = always.folder.iterdir()
    standing = checkpoints.Store(always, folder.name).latest(empty_state())
    assert standing is not None and standing.capacity > 0
    found, _ = run(always)
    total = found.seconds + found.compile_seconds
    assert standing.seconds > standing.compile_seconds > 0
    assert found.compile_seconds > standing.compile_seconds
    assert total > standing.seconds


def empty_state() -> FitState:
    return initial(clouds.cloud(CONFIG.capacity), 6)


def test_last_two_are_kept_and_none_is_made_at_the_end(
    expected: FitResult, always: Checkpoint
) -> None:
    found, _ = run(always)
    assert saved_steps(always) == [70, 120]
    assert_same(found, expected)


@pytest.mark.parametrize("last", [150, 120])
def test_a_kept_end_is_had_again_without_a_step(
    tmp_path: pathlib.Path,
    caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
    last: int,
) -> None:
    def is_reached(_: Plateau, state: FitState) -> bool:
        return int(state.step) == last

    # A fit that has nothing more to gain has taken fewer steps than it has.
    monkeypatch.setattr(Plateau, "is_reached", is_reached)
    checkpoint = Checkpoint(tmp_path / "fit")
    first, seen = run(checkpoint, keep_end=True)
    assert seen[-1] == last and saved_steps(checkpoint) == [150]
    for _ in range(2):
        again, seen = run(checkpoint, keep_end=True)
        assert seen == []
        assert_same(again, first)
        assert again.compile_seconds == first.compile_seconds > 0
        assert again.seconds > first.seconds
    assert caplog.text == ""


def test_fit_of_under_a_minute_leaves_nothing(tmp_path: pathlib.Path) -> None:
    checkpoint = Checkpoint(tmp_path / "fit")
    assert checkpoint.every_seconds == 60
    kill(checkpoint, 120)
    assert not checkpoint.folder.exists()


@pytest.mark.parametrize(("step", "left"), [(50, [70, 120, 150]), (120, [150])])
def test_fit_that_is_told_to_end_saves_what_it_has(
    expected: FitResult, tmp_path: pathlib.Path, step: int, left: list[int]
) -> None:
    seldom = Checkpoint(tmp_path / "fit")
    with pytest.raises(KeyboardInterrupt):
        run(seldom, kill_at=step, by=KeyboardInterrupt)
    assert saved_steps(seldom) == [step]
    found, seen = run(seldom)
    assert seen == left
    assert_same(found, expected)


def test_what_the_last_look_gave_is_saved_in_the_midst_of_steps(
    expected: FitResult,
    tmp_path: pathlib.Path,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    seldom, step_of, taken = Checkpoint(tmp_path / "fit"), Loop._step, []

    def interrupted(self: Loop, *arguments: Any) -> Any:
        taken.append(arguments)
        # The fourth step of the second stage.
        if len(taken) == 74:
            raise KeyboardInterrupt
        return step_of(self, *arguments)

    monkeypatch.setattr(Loop, "_step", interrupted)
    with pytest.raises(KeyboardInterrupt):
        run(seldom)
    assert saved_steps(seldom) == [70]
    # Told to end again at its first step, it has nothing to save.
    taken.pop()
    with pytest.raises(KeyboardInterrupt):
        run(seldom)
    assert saved_steps(seldom) == [70] and not caplog.records
    monkeypatch.undo()
    assert_same(run(seldom)[0], expected)


def darker(views: tuple[View, ...]) -> tuple[View, ...]:
    image = views[2].image.copy()
    image[5, 6] *= 0.5
    return (*views[:2], dataclasses.replace(views[2], image=image), *views[3:])


def test_other_fit_is_not_continued(
    always: Checkpoint, caplog: pytest.LogCaptureFixture
) -> None:
    kill(always, 50, seed=4)
    with caplog.at_level(logging.WARNING, "absl"):
        _, seen = run(always)
    assert seen[0] == 50
    assert "its checkpoints are of another fit" in caplog.text


def test_every_setting_and_pixel_is_in_the_fingerprint() -> None:
    known = checkpoints.fingerprint(VIEWS, (CONFIG, 0))
    assert known == checkpoints.fingerprint(toy_object.views(), (CONFIG, 0))
    rates = dataclasses.replace(CONFIG.rates, quats=2e-3)
    others = [
        checkpoints.fingerprint(VIEWS, (CONFIG, 1)),
        checkpoints.fingerprint(VIEWS, (dataclasses.replace(CONFIG, rates=rates), 0)),
        checkpoints.fingerprint(VIEWS[::-1], (CONFIG, 0)),
        checkpoints.fingerprint(darker(VIEWS), (CONFIG, 0)),
        checkpoints.fingerprint(toy_object.views(alpha=False), (CONFIG, 0)),
    ]
    assert len({known, *others}) == 1 + len(others)


def truncate(path: pathlib.Path) -> None:
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


def flip_a_bit(path: pathlib.Path) -> None:
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(bytes(content))


def damage(
    checkpoint: Checkpoint, step: int, how: Callable[[pathlib.Path], object]
) -> None:
    (folder,) = checkpoint.folder.glob(f"*/{step}")
    for path in sorted(folder.rglob("*")):
        if path.is_file():
            how(path)


@pytest.mark.parametrize("how", [truncate, flip_a_bit, pathlib.Path.unlink])
def test_damaged_checkpoint_gives_way_to_the_one_before(
    expected: FitResult,
    always: Checkpoint,
    caplog: pytest.LogCaptureFixture,
    how: Callable[[pathlib.Path], object],
) -> None:
    kill(always, 120)
    damage(always, 120, how)
    with caplog.at_level(logging.WARNING, "absl"):
        found, seen = run(always)
    assert seen == [120, 150]
    assert_same(found, expected)
    assert "120: the checkpoint is damaged" in caplog.text
    # The one that took its place can be used.
    assert run(always)[1] == [150]


def test_changed_number_is_seen(expected: FitResult, always: Checkpoint) -> None:
    kill(always, 50)
    (path,) = always.folder.glob("*/50/host/metadata")
    text = path.read_text()
    assert '"capacity": ' in text
    path.write_text(text.replace('"capacity": ', '"capacity": 1'))
    found, seen = run(always)
    assert seen[0] == 50
    assert_same(found, expected)


def test_when_all_are_damaged_the_fit_begins_again(
    expected: FitResult, always: Checkpoint
) -> None:
    kill(always, 120)
    for step in (70, 120):
        damage(always, step, truncate)
    found, seen = run(always)
    assert seen == [50, 70, 120, 150]
    assert_same(found, expected)


def test_saving_that_was_cut_off_is_overwritten(
    expected: FitResult, always: Checkpoint
) -> None:
    kill(always, 50)
    (folder,) = always.folder.iterdir()
    cut = folder / "70.orbax-checkpoint-tmp"
    cut.mkdir()
    (cut / "part").write_bytes(b"half")
    found, seen = run(always)
    assert seen == [70, 120, 150]
    assert saved_steps(always) == [70, 120]
    assert_same(found, expected)


def test_full_disk_does_not_end_the_fit(
    expected: FitResult, always: Checkpoint, caplog: pytest.LogCaptureFixture
) -> None:
    always.folder.write_text("a file where the folder should be")
    with caplog.at_level(logging.WARNING, "absl"):
        found, _ = run(always)
    assert "no checkpoint was saved" in caplog.text
    assert_same(found, expected)


def test_fit_without_checkpoint_imports_no_orbax() -> None:
    code = """if True:
        import sys
        from jaxsplat.fitting import FitConfig, Stage, fit
        from tests.helpers import toy_object
        config = FitConfig((Stage(1.0, 0),), count=30, capacity=30)
        fit(toy_object.views(), toy_object.WHITE, config)
        assert not any(name.startswith("orbax") for name in sys.modules)
        """
    root = pathlib.Path(__file__).parents[2]
    done = subprocess.run(
        [sys.executable, "-c", code],
        env={"JAX_PLATFORMS": "cpu", "PYTHONPATH": str(root)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
