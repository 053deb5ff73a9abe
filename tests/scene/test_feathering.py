"""Soft edges: a composite whose coverage is known is taken apart again."""

import cv2
import numpy as np
import pytest

from jaxsplat.scene import feathering

OBJECT = np.array([0.2, 0.5, 0.1], np.float32)
BEHIND = np.array([0.9, 0.8, 0.85], np.float32)


def _disc() -> np.ndarray:
    """Returns the coverage of a disc, its edge a pixel wide."""
    y, x = np.mgrid[:320, :320]
    fine = ((y - 160) ** 2 + (x - 160) ** 2 < 100**2).astype(np.float32)
    return cv2.resize(fine, (40, 40), interpolation=cv2.INTER_AREA)


def _photograph(alpha: np.ndarray) -> np.ndarray:
    cover = alpha[..., None]
    return (cover * OBJECT + (1 - cover) * BEHIND).astype(np.float32)


def test_coverage_is_found_again() -> None:
    alpha = _disc()
    behind = np.broadcast_to(BEHIND, (40, 40, 3)).astype(np.float32)
    found = feathering.soft_edges(_photograph(alpha), alpha > 0.02, behind)
    np.testing.assert_allclose(found, np.where(alpha > 0.02, alpha, 0), atol=0.02)


def test_none_of_the_background_is_left_at_the_edges() -> None:
    alpha = _disc()
    found = feathering.premultiplied(_photograph(alpha), alpha)
    np.testing.assert_allclose(found, alpha[..., None] * OBJECT, atol=0.01)


def test_an_object_of_the_backgrounds_color_is_covered_whole() -> None:
    mask = _disc() > 0.5
    image = np.full((40, 40, 3), 0.5, np.float32)
    found = feathering.soft_edges(image, mask, image)
    np.testing.assert_array_equal(found, mask)


def test_feathered_masks_fade_inwards() -> None:
    mask = np.zeros((20, 30), bool)
    mask[5:15, :] = True
    found = feathering.feathered(mask)
    assert found[4].max() == 0
    assert found[5, 10] == pytest.approx(0.5)
    # The frame is no edge: the object goes on beyond it.
    np.testing.assert_allclose(found[6:14], 1)
