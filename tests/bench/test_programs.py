"""What programs become on a GPU, and the text that it is read from."""

import json
import pathlib
from unittest import mock

import pytest

from experiments.bench import batches, deviceless, hlo, programs, scenes
from jaxsplat.rendering import backends

COMMITTED = pathlib.Path(programs.__file__).parent / "results/programs.json"

PROGRAM = """HloModule jit_flat

%inner (p.0: f32[4]) -> f32[4] {
  %p.0 = f32[4]{0} parameter(0)
  ROOT %sorted = f32[4]{0} sort(%p.0), dimensions={0}, to_apply=%less
}

%body (state.1: (s32[], f32[4])) -> (s32[], f32[4]) {
  %state.1 = (s32[], f32[4]{0}) parameter(0)
  %values = f32[4]{0} get-tuple-element(%state.1), index=1
  %count = s32[] get-tuple-element(%state.1), index=0
  %twice = f32[4]{0} fusion(%values), kind=kLoop, calls=%doubled
  ROOT %next = (s32[], f32[4]{0}) tuple(%count, %twice)
}

%condition (state.2: (s32[], f32[4])) -> pred[] {
  %state.2 = (s32[], f32[4]{0}) parameter(0)
  ROOT %going = pred[] fusion(%state.2), kind=kLoop, calls=%compared
}

ENTRY %main (x: f32[4], y: u16[8]) -> f32[4] {
  %x = f32[4]{0} parameter(0)
  %y = u16[8]{0} parameter(1)
  %start = (s32[], f32[4]{0}) tuple(%zero, %x)
  %loop = (s32[], f32[4]{0}) while(%start), condition=%condition, body=%body, \
backend_config={"known_trip_count":{"n":"3"}}
  %call = (u16[8]{0}, u8[5]{0}) custom-call(%y), custom_call_target="radix"
  ROOT %out = f32[4]{0} fusion(%x, %call#1), kind=kCustom, calls=%inner
}
"""

needs_plugin = pytest.mark.skipif(
    bool(deviceless.missing()), reason=deviceless.missing()
)


def test_loops_count_as_often_as_they_turn() -> None:
    found = hlo.read(PROGRAM)
    assert found.by_name == {"fusion": 2 * 3, "radix": 1, "sort": 1}
    assert found.launches == 8 and found.unknown_loops == 0
    # Body and condition three times, the call, the sort: results and operands, scratch
    # memory left out.
    assert found.bytes_moved == 3 * (16 + 16) + 3 * (1 + 20) + (16 + 16) + (16 + 16)


def test_loops_of_unknown_length_are_told() -> None:
    found = hlo.read(PROGRAM.replace("known_trip_count", "other"))
    assert found.unknown_loops == 1 and found.by_name["fusion"] == 2


def test_committed_programs_meet_the_bars() -> None:
    rows = json.loads(COMMITTED.read_text())["rows"]
    by_name = {(row["product"], row["batch"]): row for row in rows}
    for row in rows:
        assert row["cub_sorts"] > 0
        # Lists of few thousands, as of one small object, are not worth CUB's start.
        assert row["other_sorts"] == 0 or row["product"] == "pose_search"
    assert by_name["normal_equations", 64]["memory_megabytes"] <= 1000
    # Kernels that the pose search starts: each costs microseconds, however small.
    assert by_name["pose_search", 1]["launches"] <= 400
    assert by_name["pose_search", 64]["launches"] <= 500


@needs_plugin
def test_programs_stay_within_the_committed_numbers() -> None:
    committed = json.loads(COMMITTED.read_text())
    allowed = {row["product"]: row for row in committed["rows"] if row["batch"] == 1}
    for row in programs.report(committed["size"], [1], committed["gaussians"]):
        before = allowed[str(row["product"])]
        for key in ("own_kernels", "cub_sorts", "other_sorts"):
            assert row[key] == before[key], (row["product"], key)
        for key in ("launches", "megabytes_moved", "memory_megabytes"):
            assert float(str(row[key])) <= 1.1 * before[key], (row["product"], key)


@needs_plugin
def test_gradient_is_deterministic_without_being_asked_to() -> None:
    gaussians, cameras = scenes.clusters(300), scenes.orbit(2, 64)
    product = batches.products("pallas", 4096, 64)["gradient"]
    with mock.patch.object(backends, "_obstacle", return_value=""):
        plain, strict = (
            deviceless.compile_program(
                product, gaussians, cameras, xla_gpu_exclude_nondeterministic_ops=asked
            )
            for asked in (False, True)
        )
    assert plain == strict
