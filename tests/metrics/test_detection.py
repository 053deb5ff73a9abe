"""AUROC and average precision against scikit-learn and by hand."""

import tracemalloc
from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import (
    average_precision_score,
    precision_recall_curve,
    roc_auc_score,
)

from jaxsplat import errors, metrics
from jaxsplat.metrics import ranking

PIXEL_METRICS = [
    metrics.pixel_auroc,
    metrics.pixel_ap,
    metrics.pixel_f1_max,
    metrics.aupro,
    metrics.aupimo,
]
cases = settings(deadline=None, max_examples=100, derandomize=True)


def random_maps(
    seed: int, levels: int | None, dtype: type = np.float32
) -> tuple[np.ndarray, np.ndarray]:
    """Returns maps and masks; with `levels`, the scores are tied to so many values."""
    rng = np.random.default_rng(seed)
    masks = rng.uniform(size=(5, 20, 30)) < 0.1
    masks[0] = False
    scores = rng.normal(size=masks.shape) + masks
    if levels:
        scores = np.round(scores * levels / 6)
    return scores.astype(dtype), masks


@pytest.mark.parametrize("levels", [None, 1, 3, 50])
@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
def test_pixel_metrics_equal_scikit_learn(levels: int | None, dtype: type) -> None:
    maps, masks = random_maps(0, levels, dtype)
    truth, scores = masks.ravel(), maps.ravel()
    assert metrics.pixel_auroc(maps, masks) == pytest.approx(
        roc_auc_score(truth, scores), abs=1e-12
    )
    assert metrics.pixel_ap(maps, masks) == pytest.approx(
        average_precision_score(truth, scores), abs=1e-12
    )
    precision, recall, _ = precision_recall_curve(truth, scores)
    f1 = 2 * precision * recall / np.maximum(precision + recall, 1e-300)
    assert metrics.pixel_f1_max(maps, masks) == pytest.approx(f1.max(), abs=1e-12)


def test_pixels_taken_in_chunks_give_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    maps, masks = random_maps(1, 40)
    whole = [metric(maps, masks) for metric in PIXEL_METRICS]
    for chunk in (1, 1200, 1201):
        monkeypatch.setattr(ranking, "_CHUNK", chunk)
        assert [metric(maps, masks) for metric in PIXEL_METRICS] == whole


@pytest.mark.slow
def test_hundreds_of_large_maps_take_little_memory() -> None:
    maps = np.random.default_rng(0).random((200, 800, 800), np.float32)
    masks = np.zeros(maps.shape, bool)
    masks[:150, 300:360, 200:300] = True
    maps[masks] += np.float32(0.3)
    tracemalloc.start()
    try:
        found = [metric(maps, masks) for metric in PIXEL_METRICS]
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    # Scores are uniform, those of defective pixels .3 higher.
    assert found[0] == pytest.approx(1 - 0.7**2 / 2, abs=1e-3)
    assert peak < 500e6


@pytest.mark.parametrize(
    ("scores", "labels", "expected"),
    [
        ([0.1, 0.9], [False, True], 1.0),
        ([0.9, 0.1], [False, True], 0.0),
        ([0.5, 0.5], [False, True], 0.5),
        ([0.0, 0.5, 0.5, 1.0], [False, False, True, True], 0.875),
        ([-1e30, 1e30, 0.0], [False, True, False], 1.0),
        ([0.0, -0.0], [False, True], 0.5),
    ],
)
def test_image_auroc_by_hand(
    scores: list[float], labels: list[bool], expected: float
) -> None:
    assert metrics.image_auroc(np.array(scores), np.array(labels)) == expected


@pytest.mark.parametrize(
    ("scores", "labels", "expected"),
    [
        ([0.1, 0.9], [False, True], 1.0),
        # All are called defective: two of three rightly, none is missed.
        ([0.9, 0.1, 0.5], [False, True, True], 0.8),
        # The best threshold leaves one defective out: 2 / (2 + 0 + 1).
        ([0.9, 0.1, 0.5, 0.4, 0.3], [True, True, False, False, False], 2 / 3),
    ],
)
def test_image_f1_max_by_hand(
    scores: list[float], labels: list[bool], expected: float
) -> None:
    found = metrics.image_f1_max(np.array(scores), np.array(labels))
    assert found == pytest.approx(expected, abs=1e-12)


@pytest.mark.parametrize("levels", [2, 1000])
def test_image_auroc_equals_scikit_learn(levels: int) -> None:
    rng = np.random.default_rng(2)
    labels = rng.uniform(size=75) < 0.7
    scores = np.round(rng.normal(size=75) * levels) + labels
    found = metrics.image_auroc(scores, labels)
    assert found == pytest.approx(roc_auc_score(labels, scores), abs=1e-12)


@pytest.mark.parametrize(
    ("labels", "reason"),
    [
        ([], "nothing to rank"),
        ([False], "none of 1 is"),
        ([False] * 3, "none of 3 is"),
        ([True] * 3, "all of 3 are"),
    ],
)
def test_one_class_or_none_has_no_value_and_a_reason(
    labels: list[bool], reason: str
) -> None:
    truth = np.array(labels, dtype=bool)
    assert metrics.image_auroc(np.zeros(len(labels)), truth) is None
    assert reason in metrics.why_undefined(truth)
    masks = np.broadcast_to(truth[:, None, None], (len(labels), 4, 5)).copy()
    for metric in PIXEL_METRICS:
        assert metric(np.zeros(masks.shape, dtype=np.float32), masks) is None
    assert metrics.why_undefined(masks)


def test_two_classes_need_no_reason() -> None:
    assert metrics.why_undefined(np.array([True, False])) == ""


def test_one_image_with_both_classes_of_pixels() -> None:
    maps, masks = random_maps(3, None)
    assert metrics.pixel_auroc(maps[1:2], masks[1:2]) == pytest.approx(
        roc_auc_score(masks[1].ravel(), maps[1].ravel())
    )


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("metric", PIXEL_METRICS)
def test_scores_that_are_not_finite_name_their_image(
    metric: Callable[..., float | None], bad: float
) -> None:
    maps, masks = random_maps(4, None)
    maps[3, 2, 1] = bad
    maps[4] = bad
    with pytest.raises(errors.NumericsError, match="image 3 of 5: 1 of 600 scores"):
        metric(maps, masks)
    # Also where the metric would be undefined anyway.
    with pytest.raises(errors.NumericsError, match="image 3 of 5"):
        metric(maps, np.zeros_like(masks))


def test_image_score_that_is_not_finite_names_its_image() -> None:
    with pytest.raises(errors.NumericsError, match="image 1 of 2"):
        metrics.image_auroc(np.array([0.0, np.nan]), np.array([True, False]))


def test_constant_maps() -> None:
    _, masks = random_maps(5, None)
    maps = np.full(masks.shape, 7.0, dtype=np.float32)
    assert metrics.pixel_auroc(maps, masks) == 0.5
    assert metrics.pixel_ap(maps, masks) == pytest.approx(masks.mean())
    assert metrics.aupro(maps, masks) == pytest.approx(0.15)


@st.composite
def scored_labels(draw: st.DrawFn) -> tuple[np.ndarray, np.ndarray]:
    """Draws whole scores, some of them tied, and labels of both classes."""
    size = draw(st.integers(2, 30))
    scores = draw(st.lists(st.integers(-9, 9), min_size=size, max_size=size))
    labels = draw(st.lists(st.booleans(), min_size=size - 2, max_size=size - 2))
    return np.array(scores, dtype=np.float64), np.array([True, False, *labels])


@cases
@given(scored_labels())
def test_auroc_is_invariant_under_rising_maps(
    case: tuple[np.ndarray, np.ndarray],
) -> None:
    scores, labels = case
    value = metrics.image_auroc(scores, labels)
    for mapped in (np.exp(scores), scores**3 + 1e9, np.arctan(scores) * 1e-3):
        assert metrics.image_auroc(mapped, labels) == value


@cases
@given(scored_labels(), st.randoms(use_true_random=False))
def test_auroc_symmetries(case: tuple[np.ndarray, np.ndarray], random) -> None:
    scores, labels = case
    value = metrics.image_auroc(scores, labels)
    assert value is not None
    assert metrics.image_auroc(-scores, labels) == pytest.approx(1 - value, abs=1e-12)
    assert metrics.image_auroc(scores, ~labels) == pytest.approx(1 - value, abs=1e-12)
    order = list(range(len(scores)))
    random.shuffle(order)
    assert metrics.image_auroc(scores[order], labels[order]) == value


@cases
@given(scored_labels())
def test_pixel_metrics_equal_scikit_learn_on_any_ties(
    case: tuple[np.ndarray, np.ndarray],
) -> None:
    scores, labels = case
    maps, masks = scores[:, None, None], labels[:, None, None]
    assert metrics.pixel_auroc(maps, masks) == pytest.approx(
        roc_auc_score(labels, scores), abs=1e-12
    )
    assert metrics.pixel_ap(maps, masks) == pytest.approx(
        average_precision_score(labels, scores), abs=1e-12
    )
