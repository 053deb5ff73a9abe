"""The renderer's benchmark, small."""

import json
import pathlib

import numpy as np

from experiments import bench_render


def test_numbers_are_written_and_the_bars_follow_from_them(
    tmp_path: pathlib.Path,
) -> None:
    path = tmp_path / "new" / "bench.json"
    config = bench_render.Config(size=48, gaussians=200, repeats=1, out=str(path))
    assert bench_render.main(config) == 0
    found = json.loads(path.read_text())
    times, ratios = found["milliseconds"], found["ratios"]
    assert all(value > 0 for value in times.values())
    share = times["arithmetic_limit"] / times["composite"]
    assert ratios["limit_over_composite"] == share
    assert found["bars"]["limit_over_composite_at_least_half"] == (share >= 0.5)
    assert 0 < found["scene"]["pairs"] <= found["scene"]["needed"]


def test_every_round_and_row_of_the_limit_counts() -> None:
    table = bench_render.resident_table()
    one = np.asarray(bench_render.blend_resident(table, 20))
    assert (np.asarray(bench_render.blend_resident(table, 40))[-1] > one[-1]).any()
    changed = table.at[7, 0].add(1.0)
    assert (np.asarray(bench_render.blend_resident(changed, 20)) != one).any()
    untouched = table.at[30, 0].add(1.0)
    assert (np.asarray(bench_render.blend_resident(untouched, 20)) == one).all()
