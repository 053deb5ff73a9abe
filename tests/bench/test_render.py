"""The renderer's benchmark, small."""

import json
import pathlib
import time
import types

import jax
import numpy as np
import pytest

from experiments.bench import clocks, limit, processors, render, scenes
from jaxsplat.errors import ConfigError


def test_stages_are_written_and_the_bars_follow_from_them(
    tmp_path: pathlib.Path,
) -> None:
    path = tmp_path / "new" / "bench.json"
    config = render.Config(size=48, gaussians=200, repeats=1, out=str(path))
    assert render.main(config) == 0
    found = json.loads(path.read_text())
    assert found["device"] == jax.devices()[0].device_kind
    stages = found["stages"]
    times, ratios = stages["milliseconds"], stages["ratios"]
    assert all(value > 0 for value in times.values())
    share = times["composite"] / times["arithmetic_limit"]
    assert ratios["composite_over_limit"] == share
    assert stages["bars"]["composite_over_limit_at_most_2"] == (share <= 2)
    assert 0 < stages["scene"]["pairs"] <= stages["scene"]["needed"]


def test_batches_tell_time_and_memory_of_each_product(tmp_path: pathlib.Path) -> None:
    config = render.Config(
        parts=("batches",),
        sizes=(24,),
        batches=(3,),
        cloud=300,
        repeats=1,
        out=str(tmp_path / "b.json"),
    )
    batches = render.measure(config)["batches"]
    products = [row["product"] for row in batches["rows"]]
    assert products == ["image", "gradient", "normal_equations"]
    for row in batches["rows"]:
        assert row["milliseconds"] == row["batch"] * row["milliseconds_per_image"] > 0
        assert row["memory_megabytes"] > 0
    image = batches["rows"][0]
    share = image["limit_milliseconds"] / image["milliseconds"]
    assert 0 < image["share_of_limit"] == share
    if jax.devices()[0].platform == "cpu":
        assert set(batches["peers"]) == {"gsplat", "splax"}
        assert "measured" not in batches["peers"].values()
        assert {row["kernel_milliseconds"] for row in batches["rows"]} == {None}


def test_gate_names_missed_bars_and_ratios_that_fell() -> None:
    found = {
        "stages": {"ratios": {"a": 1.0, "b": 3.0, "new": 9.0}, "bars": {"x": False}}
    }
    before = {"stages": {"ratios": {"a": 1.0, "b": 2.0}}}
    assert render.missed(found, before) == [
        "stages: x",
        "stages: b 3.00, was 2.00",
    ]
    assert render.missed(found, {}) == ["stages: x"]


def test_gate_judges_by_the_committed_results() -> None:
    path = render.baseline_path()
    if jax.devices()[0].platform == "cpu":
        committed = json.loads(path.read_text())
        slow = {"stages": {"ratios": dict.fromkeys(committed["stages"]["ratios"], 1e9)}}
        missed = render.missed(slow, committed)
        assert len(missed) == len(committed["stages"]["ratios"]) > 0


def test_unknown_parts_and_peers_are_refused() -> None:
    with pytest.raises(ConfigError, match="parts: found all, expected"):
        render.Config(parts=("all",))
    with pytest.raises(ConfigError, match="peers: found inria, expected gsplat, spl"):
        render.Config(peers=("inria",))


def test_limit_on_a_gpu_is_the_time_to_issue_instructions(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    device = types.SimpleNamespace(platform="gpu", device_kind="NVIDIA H200")
    monkeypatch.setattr(jax, "devices", lambda: [device])
    monkeypatch.setattr(processors, "instructions", lambda kernel, _: len(kernel))
    found = processors.limits(1_000_000, 1)
    # 132 processors issue for 4 warps of 32 lanes at 1.98 GHz.
    seconds = 64 * 1e6 * len("composite") / (132 * 4 * 32 * 1.98e9)
    assert found["image"] == pytest.approx(1e3 * seconds)
    both = len("composite") + len("composite_reverse")
    assert found["gradient"] / found["image"] == pytest.approx(both / 9)
    device.device_kind = "NVIDIA Unheard Of"
    assert processors.limits(1, 1) == {}


def test_clock_waits_for_what_was_started() -> None:
    waited = []

    class Work:
        def block_until_ready(self) -> None:
            time.sleep(0.01)
            waited.append(self)

    found = clocks.fastest({"work": lambda: {"of two": [Work(), Work()]}}, 2)
    assert found["work"] >= (20 if jax.devices()[0].platform == "cpu" else 2)
    assert len(waited) == 3 * 2


def test_scenes_are_what_their_names_say() -> None:
    shell = np.linalg.norm(np.asarray(scenes.shell(500).means), axis=1)
    assert 0.9 <= shell.min() and shell.max() <= 1.0001
    clustered = np.asarray(scenes.clusters(6400).means)
    near = np.linalg.norm(clustered[:, None] - clustered[None, :200], axis=2) < 0.2
    # A hundred to a cluster, 64 clusters: few points are near any one.
    assert 50 < near.sum(axis=0).mean() < 1000
    views = scenes.orbit(5, 32)
    assert views.fx.shape == (5,) and views.width == 32


def test_every_round_and_row_of_the_limit_counts() -> None:
    table = limit.resident_table()
    one = np.asarray(limit.blend_resident(table, 20))
    assert (np.asarray(limit.blend_resident(table, 40))[-1] > one[-1]).any()
    changed = table.at[7, 0].add(1.0)
    assert (np.asarray(limit.blend_resident(changed, 20)) != one).any()
    untouched = table.at[30, 0].add(1.0)
    assert (np.asarray(limit.blend_resident(untouched, 20)) == one).all()
