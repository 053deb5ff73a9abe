"""How calls are timed, on a CPU and on a GPU."""

import time
from collections.abc import Callable, Mapping
from typing import Any

import jax

# Calls between two looks at the clock. A GPU works through a queue: one call alone
# would count what it takes to start it and to hear that it ended.
_QUEUED = {"gpu": 10}


def fastest(
    functions: Mapping[str, Callable[[], object]], repeats: int
) -> dict[str, float]:
    """Returns milliseconds of each, the least of interleaved rounds after a warm-up.

    Args:
        functions: each returns a tree of what has the method `block_until_ready`.
        repeats: number of rounds.
    """
    queued = _QUEUED.get(jax.devices()[0].platform, 1)
    best = dict.fromkeys(functions, float("inf"))
    for round_number in range(repeats + 1):
        for name, function in functions.items():
            begin = time.perf_counter()
            for _ in range(queued):
                result = function()
            _wait(result)
            if round_number:
                taken = 1e3 * (time.perf_counter() - begin) / queued
                best[name] = min(best[name], taken)
    return best


def _wait(result: object) -> None:
    for leaf in jax.tree.leaves(result):
        leaf.block_until_ready()


def kernel_milliseconds(
    program: jax.stages.Compiled, arguments: list[Any], repeats: int
) -> dict[str, float] | None:
    """Returns the time of a program's kernels by the GPU's own clock (CUPTI), by name.

    That of the round with the least sum; the longest come first, and those of one name
    are added up. None where there is no NVIDIA GPU. Gaps between kernels are left out.
    """
    if jax.devices()[0].platform != "gpu":
        return None
    from jax.experimental.mosaic.gpu import profiler

    program(*arguments)
    timed = profiler.measure(program, aggregate=False, iterations=repeats + 1)
    rounds = timed(*arguments)[1]
    if not rounds:
        return None
    best = min(rounds, key=lambda kernels: sum(taken for _, taken in kernels))
    total: dict[str, float] = {}
    for name, taken in best:
        total[name] = total.get(name, 0.0) + taken
    return dict(sorted(total.items(), key=lambda item: -item[1]))
