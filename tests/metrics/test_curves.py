"""The curves that the report draws, against scikit-learn and the areas below them."""

import numpy as np
import pytest
from sklearn.metrics import roc_curve

from jaxsplat import metrics
from tests.metrics.test_detection import random_maps


@pytest.mark.parametrize("levels", [None, 3])
def test_the_roc_curve_is_scikit_learns(levels: int | None) -> None:
    maps, masks = random_maps(3, levels)
    scores, labels = maps[:, :4].ravel(), masks[:, :4].ravel()
    found = metrics.roc_curve(scores, labels)
    assert found is not None
    false, true, _ = roc_curve(labels, scores, drop_intermediate=False)
    np.testing.assert_allclose(found, np.column_stack([false, true]), atol=1e-12)
    assert metrics.roc_curve(scores, labels & False) is None


def test_the_pro_curve_has_the_area_of_aupro() -> None:
    maps, masks = random_maps(4, 9)
    found = metrics.pro_curve(maps, masks)
    assert found is not None
    assert (np.diff(found, axis=0) >= -1e-12).all()
    np.testing.assert_allclose(found[-1], [1, 1])
    for limit in (0.05, 0.3, 1.0):
        expected = metrics.aupro(maps, masks, limit)
        assert metrics.area_under_pro(found, limit) == expected
    assert metrics.pro_curve(maps, masks & False) is None
    assert metrics.area_under_pro(None) is None
