"""Settings are checked when they are made."""

import dataclasses
import math
from typing import Any

import pytest

from jaxsplat.errors import ConfigError
from jaxsplat.fitting import (
    BEST,
    FAST,
    PAPER,
    PRESETS,
    DensityConfig,
    FitConfig,
    LearningRates,
    Stage,
    preset,
)

STAGES = (Stage(1.0, 10),)


def test_presets_have_their_names() -> None:
    assert PRESETS == {"paper": PAPER, "fast": FAST, "best": BEST}
    assert PAPER.steps == 30_000
    assert (PAPER.density.kind, PAPER.sh_degree, PAPER.ssim_weight) == (
        "original",
        0,
        0.2,
    )
    assert FAST.steps < PAPER.steps / 5


def test_gaussians_grow_with_the_object_in_the_photographs() -> None:
    counts = [preset("fast", pixels, 100).count for pixels in (0.0, 1.2e4, 4.8e4, 1e6)]
    assert counts == [1024, 4096, 16_384, 32_768]
    # A sphere of 100 pixels' radius covers pi r^2 and has a surface of 4 pi r^2.
    sphere = preset("fast", math.pi * 100**2, 100)
    # The nearest of two sizes in an octave is at most a fifth away.
    assert sphere.count == pytest.approx(4 * math.pi * 100**2 / 3.4**2, rel=0.25)
    assert sphere.capacity == sphere.count
    assert preset("paper", 1.2e4, 10) == PAPER
    sharper = preset("best", math.pi * 100**2, 100)
    assert sharper.count == pytest.approx(4 * math.pi * 100**2 / 2.5**2, rel=0.25)
    assert preset("best", 1e6, 100).count == 65_536 and sharper.steps == BEST.steps
    with pytest.raises(ConfigError, match="preset 'slow': expected one of"):
        preset("slow", 1.2e4, 100)


def test_few_views_teach_colours_of_higher_degree_slowly() -> None:
    rates = [preset("best", 1.2e4, views).rates for views in (19, 95, 190, 1000)]
    shares = [found.sh_rest / BEST.rates.sh_rest for found in rates]
    assert shares == pytest.approx([0.1, 0.5, 1, 1])
    assert rates[2] == BEST.rates


def test_steps_are_summed_over_stages() -> None:
    config = FitConfig(stages=(Stage(0.5, 0), Stage(0.5, 7), Stage(1.0, 5)))
    assert config.steps == 12


def test_configs_are_hashable() -> None:
    # They are static arguments of jitted functions.
    assert hash(FAST) == hash(dataclasses.replace(FAST))
    assert FAST != dataclasses.replace(FAST, count=FAST.count - 1)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"stages": ()}, "stages"),
        ({"stages": (Stage(1.0, -1),)}, "stages.*0 or more steps"),
        ({"stages": (Stage(0.0, 5),)}, r"scale in \(0, 1\]"),
        ({"stages": (Stage(1.5, 5),)}, r"scale in \(0, 1\]"),
        ({"count": 0}, "count 0: expected 1 to"),
        ({"count": 11, "capacity": 10}, "count 11: expected 1 to the capacity 10"),
        ({"sh_degree": 4}, "sh_degree 4"),
        ({"sh_degree": -1}, "sh_degree -1"),
        ({"start_opacity": 0.0}, "start_opacity 0.0"),
        ({"start_opacity": 1.0}, "start_opacity 1.0"),
        ({"ssim_weight": 1.1}, "ssim_weight 1.1"),
        ({"ssim_weight": float("nan")}, "ssim_weight nan"),
        ({"coverage_weight": -0.1}, "coverage_weight -0.1"),
        ({"residual_scale": float("inf")}, "residual_scale inf"),
    ],
)
def test_bad_fit_settings(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        FitConfig(**({"stages": STAGES} | changes))


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"means": 0.0}, "means 0.0: expected a finite number, positive"),
        ({"means_last": -1e-6}, "means_last"),
        ({"scales": -0.1}, "scales -0.1: expected a finite number, 0 or more"),
        ({"colors": float("inf")}, "colors inf"),
        ({"quats": float("nan")}, "quats nan"),
        ({"last_share": 0.0}, "last_share 0.0: expected a finite number, positive"),
        ({"falls_after": 1.0}, "falls_after 1.0: expected below 1"),
        ({"memory": 1.0}, "memory 1.0: expected below 1"),
    ],
)
def test_bad_learning_rates(changes: dict[str, float], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        LearningRates(**changes)


def test_a_rate_of_zero_holds_a_parameter() -> None:
    assert LearningRates(colors=0.0).colors == 0


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"every": 0}, "every 0"),
        ({"reset_every": 0}, "reset_every 0"),
        ({"min_opacity": 0.0}, "min_opacity 0.0"),
        ({"growth": 0.9}, "growth 0.9"),
    ],
)
def test_bad_density_settings(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        DensityConfig(**changes)
