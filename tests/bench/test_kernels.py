"""The kernels' machine code stays within its budget."""

import json
import pathlib

import pytest

from experiments.bench import cubins, kernels

BUDGET = pathlib.Path(kernels.__file__).parent / "results/kernels.json"
# Bytes of a thread's stack in which CUDA's sine reduces large angles: no spill.
STACK = {"descent": 32}
needs_triton = pytest.mark.skipif(bool(cubins.missing()), reason=cubins.missing())

LOOPS = """
        /*0000*/                   MOV R1, c[0x0][0x28] ;
        /*0010*/                   FADD R2, R2, 1 ;
        /*0020*/                   FADD R2, R2, 1 ;
        /*0030*/                   MUFU.EX2 R3, R4 ;
                                                       /* 0x0000000000007308 */
        /*0040*/              @!P0 BRA 0x20 ;
        /*0050*/               @P1 BRA 0x10 ;
        /*0060*/                   BRA 0x60;
"""


def test_inner_loop_is_the_shortest_with_an_exponential() -> None:
    assert cubins.inner_loop(LOOPS) == 3
    assert cubins.inner_loop(LOOPS.replace("MUFU.EX2", "MUFU.RCP")) == 0


def test_committed_budget_meets_the_bars() -> None:
    for name, rows in json.loads(BUDGET.read_text())["kernels"].items():
        assert set(rows) == {"sm_80", "sm_86", "sm_89", "sm_90"}, name
        for row in rows.values():
            assert row["spilled_bytes"] == STACK.get(name, 0), name
            assert row["instructions_per_pixel_gaussian"] <= 140, name


@needs_triton
@pytest.mark.parametrize("architecture", [80, 90])
def test_kernels_stay_within_the_committed_budget(architecture: int) -> None:
    budget = json.loads(BUDGET.read_text())["kernels"]
    found = kernels.report([architecture])
    assert found.keys() == budget.keys()
    for name, by_architecture in found.items():
        ((label, row),) = by_architecture.items()
        allowed = budget[name][label]
        assert row["spilled_bytes"] == STACK.get(name, 0), name
        assert row["warps"] == allowed["warps"], name
        for key in ("registers", "instructions_per_pixel_gaussian"):
            assert row[key] <= 1.05 * allowed[key], (name, key)
