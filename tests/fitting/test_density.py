"""Which density change is due after which step."""

from typing import Any

import jax
import jax.numpy as jnp
import pytest

from jaxsplat.fitting import DensityConfig, FitConfig, Stage, density, state
from jaxsplat.fitting.config import Density
from tests.helpers import clouds

STATE = state.initial(clouds.cloud(4))


@pytest.fixture
def calls(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, Any]]:
    """Returns the list of the rules called, with `after_reset` for `densify`."""
    seen: list[tuple[str, Any]] = []

    def record(name: str) -> Any:
        def rule(before: state.FitState, *arguments: Any) -> state.FitState:
            seen.append((name, arguments[-1] if name == "densify" else None))
            return before

        return rule

    monkeypatch.setattr(density.original, "densify", record("densify"))
    monkeypatch.setattr(density.original, "reset_opacity", record("reset"))
    monkeypatch.setattr(density.mcmc, "relocate", record("relocate"))
    return seen


def run(kind: Density, calls: list[tuple[str, Any]]) -> dict[int, list]:
    settings = DensityConfig(kind=kind, first=20, last=60, every=10, reset_every=25)
    config = FitConfig(stages=(Stage(1.0, 80),), count=4, capacity=4, density=settings)
    found = {}
    for step in range(1, 81):
        calls.clear()
        density.control(STATE, step, config, jnp.float32(1), jax.random.key(0))
        if calls:
            found[step] = list(calls)
    return found


def test_original(calls: list[tuple[str, Any]]) -> None:
    assert run("original", calls) == {
        25: [("reset", None)],
        30: [("densify", True)],
        40: [("densify", True)],
        50: [("densify", True), ("reset", None)],
        60: [("densify", True)],
    }


def test_mcmc(calls: list[tuple[str, Any]]) -> None:
    expected = [("relocate", None)]
    assert run("mcmc", calls) == dict.fromkeys((30, 40, 50, 60), expected)


def test_fixed_never_changes(calls: list[tuple[str, Any]]) -> None:
    assert run("fixed", calls) == {}
