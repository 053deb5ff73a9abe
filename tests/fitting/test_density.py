"""Which density change is due after which step."""

from typing import Any

import jax
import jax.numpy as jnp
import pytest

from jaxsplat.fitting import DensityConfig, FitConfig, Stage, density, state
from jaxsplat.fitting.config import Density
from tests.helpers import clouds

STATE = state.initial(clouds.cloud(4), 1)


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


def run(
    kind: Density,
    calls: list[tuple[str, Any]],
    background: tuple[float, float, float] = (0.9, 1.0, 1.0),
) -> dict[int, list]:
    """Returns what is called after each step of a fit, where something is."""
    settings = DensityConfig(kind=kind, first=20, last=60, every=10, reset_every=25)
    config = FitConfig(stages=(Stage(1.0, 80),), count=4, capacity=4, density=settings)
    found = {}
    for step in range(1, 81):
        calls.clear()
        density.control(
            STATE, step, config, jnp.float32(1), jax.random.key(0), background
        )
        if calls:
            found[step] = list(calls)
    return found


def test_original(calls: list[tuple[str, Any]]) -> None:
    assert run("original", calls) == {
        25: [("reset", None)],
        30: [("densify", True)],
        40: [("densify", True)],
        50: [("densify", True), ("reset", None)],
    }


@pytest.mark.parametrize("level", [1.0, 253 / 255])
def test_original_on_white_resets_once_more(
    calls: list[tuple[str, Any]], level: float
) -> None:
    # Kerbl's train.py: at `densify_from_iter`, at which nothing is densified yet.
    elsewhere = run("original", calls)
    found = run("original", calls, (1.0, level, 1.0))
    assert found == {20: [("reset", None)], **elsewhere}


def test_mcmc(calls: list[tuple[str, Any]]) -> None:
    expected = [("relocate", None)]
    assert run("mcmc", calls) == dict.fromkeys((30, 40, 50), expected)


@pytest.mark.parametrize("kind", ["mcmc", "fixed"])
def test_white_is_nothing_special_to_others(
    calls: list[tuple[str, Any]], kind: Density
) -> None:
    assert run(kind, calls, (1.0, 1.0, 1.0)) == run(kind, calls)


def test_fixed_never_changes(calls: list[tuple[str, Any]]) -> None:
    assert run("fixed", calls) == {}
