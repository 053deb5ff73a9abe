"""A fit from start to end on a tiny object whose Gaussians are known."""

import dataclasses

import jax
import numpy as np
import pytest

from jaxsplat.data.views import View
from jaxsplat.errors import ConfigError, DataError, NumericsError
from jaxsplat.fitting import (
    DensityConfig,
    FitConfig,
    FitProgress,
    FitResult,
    LearningRates,
    Stage,
    beginning,
    loop,
    targets,
)
from jaxsplat.fitting import trainer as fit
from jaxsplat.fitting.steps import train_step
from jaxsplat.scene import gaussians as scene
from tests.helpers import clouds, toy_object
from tests.helpers.toy_object import WHITE

RATES = LearningRates(
    means=4e-3, means_last=1e-3, colors=2e-2, opacities=0.05, scales=0.02, quats=0.01
)
CONFIG = FitConfig(
    stages=(Stage(1.0, 60),),
    count=40,
    capacity=48,
    start_opacity=0.5,
    coverage_weight=0.1,
    rates=RATES,
    density=DensityConfig(kind="fixed"),
)
# For what does not depend on the loss; these parts take long to compile.
PLAIN = dataclasses.replace(CONFIG, count=30, ssim_weight=0.0, coverage_weight=0.0)


GREY = (0.5, 0.5, 0.5)


@pytest.fixture(scope="module")
def views() -> tuple[View, ...]:
    return toy_object.views()


@dataclasses.dataclass(frozen=True)
class Fitted:
    result: FitResult
    progress: list[FitProgress]


@pytest.fixture(scope="module")
def fitted(views: tuple[View, ...]) -> Fitted:
    progress: list[FitProgress] = []
    result = fit.fit(views, WHITE, CONFIG, seed=3, watch=progress.append)
    return Fitted(result, progress)


def test_fit_finds_the_object(fitted: Fitted) -> None:
    assert [p.step for p in fitted.progress] == [50, 60]
    assert all(p.steps == 60 and p.gaussians == 40 for p in fitted.progress)
    first, last = (p.psnr for p in fitted.progress)
    assert last == fitted.result.psnr
    assert last > first + 1
    assert last > 22
    np.testing.assert_allclose(fitted.result.center, 0, atol=1e-5)
    assert scene.count(fitted.result.gaussians) == 40
    assert clouds.all_finite(fitted.result.gaussians)


def test_same_seed_is_bit_equal(fitted: Fitted, views: tuple[View, ...]) -> None:
    before = train_step._cache_size()
    again = fit.fit(views, WHITE, CONFIG, seed=3)
    assert train_step._cache_size() == before
    assert again.psnr == fitted.result.psnr
    for found, expected in zip(
        jax.tree.leaves(again.gaussians),
        jax.tree.leaves(fitted.result.gaussians),
        strict=True,
    ):
        np.testing.assert_array_equal(found, expected)


def test_other_seed_is_another_scene(fitted: Fitted, views: tuple[View, ...]) -> None:
    other = fit.fit(views, WHITE, CONFIG, seed=4)
    assert np.any(other.gaussians.means != fitted.result.gaussians.means)


def test_nonfinite_step_stops_the_fit_and_is_named(
    fitted: Fitted, views: tuple[View, ...]
) -> None:
    broken = (WHITE[0], float("nan"), WHITE[2])
    with pytest.raises(NumericsError, match=r"^step 0: .*not finite.*left as it was"):
        fit.fit(views, broken, CONFIG)


def test_mcmc_grows_to_the_capacity_and_compiles_once_a_size(
    views: tuple[View, ...],
) -> None:
    settings = DensityConfig(kind="mcmc", first=0, last=12, every=4, growth=1.3)
    stages = (Stage(0.25, 8), Stage(0.5, 4))
    config = dataclasses.replace(PLAIN, stages=stages, density=settings)
    before = train_step._cache_size()
    progress: list[FitProgress] = []
    result = fit.fit(views, WHITE, config, backend="reference", watch=progress.append)
    assert train_step._cache_size() == before + 2
    assert [p.step for p in progress] == [8, 12]
    assert result.compile_seconds > 0 and result.seconds > 0
    assert progress[-1].gaussians == 48
    # The noise of the last steps may leave some beside the object.
    assert 43 <= scene.count(result.gaussians) <= 48
    assert clouds.all_finite(result.gaussians)


def test_original_adds_and_prunes_within_the_capacity(views: tuple[View, ...]) -> None:
    settings = DensityConfig(
        kind="original", first=0, last=12, every=4, gradient=1e-5, reset_every=9
    )
    config = dataclasses.replace(PLAIN, stages=(Stage(0.5, 12),), density=settings)
    before = train_step._cache_size()
    result = fit.fit(views, WHITE, config, backend="reference")
    assert train_step._cache_size() == before + 1
    assert 30 < scene.count(result.gaussians) <= 48
    # Reset after step 9, three steps before the end.
    opacity = np.asarray(scene.opacities(result.gaussians))
    assert opacity.max() < 0.02


def test_one_view_is_too_few(views: tuple[View, ...]) -> None:
    with pytest.raises(DataError, match=r"1 training view\(s\): expected 2 or more"):
        fit.fit(views[:1], WHITE, CONFIG)


def test_view_without_pose_is_named(views: tuple[View, ...]) -> None:
    broken = (*views[:2], toy_object.without_pose(views[2]))
    with pytest.raises(DataError, match="train/2.png: .*no pose"):
        fit.fit(broken, WHITE, CONFIG)


def test_stage_below_the_ssim_window_is_refused(views: tuple[View, ...]) -> None:
    config = dataclasses.replace(CONFIG, stages=(Stage(0.25, 5),))
    with pytest.raises(ConfigError, match="8x8 pixels, but SSIM needs 11"):
        fit.fit(views, WHITE, config)


def test_no_steps_give_the_start(views: tuple[View, ...]) -> None:
    config = dataclasses.replace(CONFIG, stages=(Stage(1.0, 0),))
    result = fit.fit(views, WHITE, config, seed=3)
    masks = targets.silhouettes(views, WHITE)
    begun = beginning.start(views, masks, config, np.random.default_rng(3))
    np.testing.assert_array_equal(result.gaussians.means, begun.means)
    assert np.isnan(result.psnr)


def test_surroundings_that_are_not_plain_leave_no_silhouette() -> None:
    photographs = toy_object.views(alpha=False)
    config = dataclasses.replace(PLAIN, stages=(Stage(0.5, 0),))
    found = fit.fit(photographs, WHITE, config, background_is_plain=False)
    asked = fit.fit(photographs, WHITE, dataclasses.replace(config, start="random"))
    np.testing.assert_array_equal(found.gaussians.means, asked.gaussians.means)
    plain = fit.fit(photographs, WHITE, config)
    assert np.any(found.gaussians.means != plain.gaussians.means)


@pytest.mark.parametrize(("background", "is_reset"), [(WHITE, True), (GREY, False)])
def test_opacity_is_reset_early_on_white(
    views: tuple[View, ...], background: tuple[float, float, float], is_reset: bool
) -> None:
    settings = DensityConfig(kind="original", first=9, last=20, gradient=1e9)
    config = dataclasses.replace(PLAIN, stages=(Stage(0.5, 12),), density=settings)
    result = fit.fit(views, background, config, backend="reference")
    opacity = np.asarray(scene.opacities(result.gaussians))
    assert (opacity.max() < 0.02) == is_reset


def test_a_fit_that_is_out_of_memory_says_its_sizes(
    views: tuple[View, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    def exhausted(*_: object, **__: object) -> None:
        raise jax.errors.JaxRuntimeError("RESOURCE_EXHAUSTED: Out of memory")

    monkeypatch.setattr(loop, "train_step", exhausted)
    words = r"out of memory with 6 views of 32x32 pixels, .* take a smaller --size"
    with pytest.raises(NumericsError, match=words):
        fit.fit(views, WHITE, CONFIG, backend="xla")
