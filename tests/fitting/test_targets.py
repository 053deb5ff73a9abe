"""What the optimiser is shown of the training views."""

import dataclasses

import numpy as np
import pytest

from jaxsplat.data.views import View
from jaxsplat.errors import DataError
from jaxsplat.fitting import targets
from tests.helpers import toy_object
from tests.helpers.toy_object import SIDE, WHITE

GREY = (0.5, 0.5, 0.5)


@pytest.fixture(scope="module")
def opaque() -> tuple[View, ...]:
    return toy_object.views(3, alpha=False)


def test_alpha_is_the_coverage() -> None:
    views = toy_object.views(3)
    made = targets.make_targets(views, None, WHITE, 1.0)
    assert made.has_alpha
    assert made.images.shape == (3, SIDE, SIDE, 3)
    for index, view in enumerate(views):
        found = np.asarray(made.coverage[index]) / 255
        np.testing.assert_allclose(found, view.alpha, atol=0.51 / 255)
        pixels = np.asarray(made.images[index]) / 255
        np.testing.assert_allclose(pixels, view.image, atol=0.51 / 255)


def test_silhouette_with_a_margin_is_the_coverage(opaque: tuple[View, ...]) -> None:
    silhouettes = targets.silhouettes(opaque, WHITE)
    assert silhouettes is not None
    made = targets.make_targets(opaque, silhouettes, WHITE, 1.0)
    assert not made.has_alpha
    coverage = np.asarray(made.coverage)
    assert set(np.unique(coverage)) == {0, 255}
    for found, silhouette in zip(coverage, silhouettes, strict=True):
        rows, columns = np.nonzero(silhouette)
        y, x = np.indices((SIDE, SIDE))
        # Two pixels more on all sides, corners included.
        away = np.maximum(
            np.abs(y[..., None] - rows), np.abs(x[..., None] - columns)
        ).min(axis=-1)
        np.testing.assert_array_equal(found == 255, away <= 2)


def test_everything_may_be_covered_without_silhouettes(
    opaque: tuple[View, ...],
) -> None:
    assert targets.silhouettes(opaque, WHITE, False) is None
    made = targets.make_targets(opaque, None, GREY, 1.0)
    assert (np.asarray(made.coverage) == 255).all()
    np.testing.assert_array_equal(made.background, GREY)


def test_alpha_is_a_silhouette_before_any_background() -> None:
    views = toy_object.views(3)
    found = targets.silhouettes(views, WHITE, False)
    assert found is not None
    for silhouette, view in zip(found, views, strict=True):
        assert view.alpha is not None
        np.testing.assert_array_equal(silhouette, view.alpha > 0.5)


def test_view_without_alpha_among_others_is_named(opaque: tuple[View, ...]) -> None:
    mixed = (toy_object.views(3)[0], *opaque[1:])
    with pytest.raises(DataError, match="train/1.png: has no alpha, but 1 other"):
        targets.make_targets(mixed, None, WHITE, 1.0)


def test_pixel_that_is_not_finite_is_named(opaque: tuple[View, ...]) -> None:
    image = opaque[1].image.copy()
    image[3, 4, 0] = np.nan
    broken = (opaque[0], dataclasses.replace(opaque[1], image=image))
    with pytest.raises(DataError, match="train/1.png: a pixel is NaN"):
        targets.make_targets(broken, None, WHITE, 1.0)


@pytest.mark.parametrize(("scale", "side"), [(0.5, 16), (0.25, 8), (0.01, 1)])
def test_smaller_images_keep_mean_and_view(
    opaque: tuple[View, ...], scale: float, side: int
) -> None:
    made = targets.make_targets(opaque, None, WHITE, scale)
    assert made.images.shape == (3, side, side, 3)
    assert (made.cameras.width, made.cameras.height) == (side, side)
    means = np.asarray(made.images).mean(axis=(1, 2)) / 255
    expected = np.stack([view.image.mean(axis=(0, 1)) for view in opaque])
    np.testing.assert_allclose(means, expected, atol=0.5 / 255)
    camera = opaque[0].camera
    assert camera is not None
    found = dataclasses.asdict(made.cameras)
    np.testing.assert_allclose(found["fx"], float(camera.fx) * side / SIDE, rtol=1e-6)
    np.testing.assert_allclose(found["cx"], side / 2, rtol=1e-6)
