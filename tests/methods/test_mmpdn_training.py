"""The network of PTAD learns what a toy set holds; its boxes' measures are exact."""

import dataclasses

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from sklearn.metrics import roc_auc_score

from jaxsplat.learning import Cosine, Training
from jaxsplat.methods import mmpdn_training, outline_inputs, ptad
from jaxsplat.methods.mmpdn_training import Examples, MmpdnLoss

NETWORK = dataclasses.replace(ptad.fast().network, side=32, channels=4, hidden=8)


@pytest.mark.parametrize(
    ("first", "second", "iou", "giou"),
    [
        ((0, 0, 1, 1), (0, 0, 1, 1), 1, 1),
        ((0, 0, 0.5, 1), (0.5, 0, 1, 1), 0, 0),
        ((0, 0, 0.25, 1), (0.75, 0, 1, 1), 0, -0.5),
        ((0, 0, 0.5, 0.5), (0.25, 0, 0.75, 0.5), 1 / 3, 1 / 3),
    ],
    ids=str,
)
def test_box_measures_are_rezatofighis(first, second, iou, giou) -> None:
    boxes = jnp.asarray([first], jnp.float32), jnp.asarray([second], jnp.float32)
    np.testing.assert_allclose(mmpdn_training.box_iou(*boxes), iou, atol=1e-4)
    np.testing.assert_allclose(mmpdn_training.generalized_iou(*boxes), giou, atol=1e-4)


def toy(count: int) -> tuple[outline_inputs.Inputs, Examples]:
    """Returns discs; anomalous photographs lack a corner of theirs."""
    rng = np.random.default_rng(count)
    rows, columns = np.indices((64, 64)) + 0.5
    images, mattes, coverages, maps, boxes = [], [], [], [], []
    labels = np.arange(count) % 2 == 1
    for label in labels:
        x, y = rng.uniform(26, 38, 2)
        whole = (np.hypot(rows - y, columns - x) < 20).astype(np.float32)
        lost = whole * (rows < y) * (columns < x) * label
        matte = (whole - lost).astype(np.float32)
        images.append((1 - 0.5 * matte[..., None].repeat(3, axis=-1)))
        mattes.append(matte)
        coverages.append(whole)
        maps.append(lost.reshape(8, 8, 8, 8).mean(axis=(1, 3)))
        boxes.append((x / 64 - 0.3, y / 64 - 0.3, x / 64, y / 64))
    coverage = np.stack(coverages)
    inputs = outline_inputs.outline_inputs(
        NETWORK, np.stack(images), np.stack(mattes), coverage, 3 * coverage
    )
    arrays = [getattr(inputs, field.name) for field in dataclasses.fields(inputs)]
    arrays += [labels, np.array(boxes), labels, np.stack(maps)]
    return inputs, Examples(*(np.asarray(a, np.float16) for a in arrays))


@pytest.mark.slow
def test_a_toy_set_is_learnt_and_told_of_others() -> None:
    training = Training(epochs=15, batch=8, rate=Cosine(1e-2), clip=1.0)
    loss = MmpdnLoss(NETWORK, map=1.0, shift=0.3, flips=True)
    trained = mmpdn_training.train(loss, training, toy(24)[1], jax.random.key(0))
    inputs, truth = toy(18)
    told = mmpdn_training.ask(NETWORK, trained.params, inputs)
    assert roc_auc_score(truth.labels > 0, told.logits) > 0.95
    assert roc_auc_score((truth.maps > 0.5).ravel(), told.maps.ravel()) > 0.9


def test_turning_over_twice_changes_nothing() -> None:
    _, examples = toy(2)
    examples = Examples(*(jnp.asarray(a, jnp.float32) for a in examples))
    once = mmpdn_training.turned_over(examples)
    for before, after in zip(examples, mmpdn_training.turned_over(once)):
        np.testing.assert_allclose(before, after, atol=1e-6)
    assert not np.allclose(once.boxes, examples.boxes)


def test_outlines_that_agree_have_no_numbers() -> None:
    inputs, truth = toy(8)
    rows = truth.labels == 0
    assert np.abs(inputs.numbers[rows]).max() < 1e-3
    assert not inputs.further[rows].any()
    # A quarter of a disc is missing.
    np.testing.assert_allclose(inputs.numbers[~rows, 0], 0.25, atol=0.04)
    np.testing.assert_allclose(inputs.numbers[~rows, 3] ** 2, 0.25, atol=0.05)
    assert not inputs.numbers[~rows, 2].any()
