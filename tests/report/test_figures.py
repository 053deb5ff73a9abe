"""Pictures: rounding, colours, overlays, outlines, encoding."""

import cv2
import numpy as np
import pytest

from jaxsplat.report import figures


def decoded(data: bytes) -> np.ndarray:
    image = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR)
    return cv2.cvtColor(image, cv2.COLOR_BGR2RGB)


def test_to_uint8_rounds_clamps_and_survives_nan() -> None:
    values = np.array([0.0, 0.499 / 255, 0.501 / 255, 1.0, 1.5, -1, np.nan, np.inf])
    expected = [0, 0, 1, 255, 255, 0, 0, 255]
    np.testing.assert_array_equal(figures.to_uint8(values), expected)


def test_heat_map_grows_lighter_and_keeps_its_scale() -> None:
    ramp = np.linspace(-1, 3, 401, dtype=np.float32)[None]
    colors = figures.heat_map(ramp, (0.0, 2.0))
    lightness = cv2.cvtColor(colors, cv2.COLOR_RGB2LAB)[0, :, 0].astype(int)
    assert (np.diff(lightness) >= -1).all()
    assert lightness[0] < 5 and lightness[-1] > 240
    # Outside of the scale, the colour of its end.
    np.testing.assert_array_equal(colors[0, 0], colors[0, 100])
    np.testing.assert_array_equal(colors[0, -1], colors[0, 300])


def test_heat_map_draws_nan_grey_and_takes_a_flat_scale() -> None:
    values = np.array([[np.nan, 1.0, 2.0]], dtype=np.float32)
    colors = figures.heat_map(values, (1.0, 1.0))
    assert colors[0].tolist() == [
        [128, 128, 128],
        figures.heat_map(np.zeros((1, 1)), (0.0, 1.0))[0, 0].tolist(),
        figures.heat_map(np.ones((1, 1)), (0.0, 1.0))[0, 0].tolist(),
    ]


def test_overlay_shows_photo_where_cold_and_map_where_hot() -> None:
    photo = np.full((40, 60, 3), 200, dtype=np.uint8)
    values = np.zeros((20, 30), dtype=np.float32)
    values[5:15, 10:20] = 1.0
    mixed = figures.overlay(photo, values, (0.0, 1.0))
    assert mixed.shape == photo.shape
    assert mixed[0, 0].tolist() == [120, 120, 120]
    hottest = figures.heat_map(np.ones((1, 1)), (0.0, 1.0))[0, 0]
    np.testing.assert_array_equal(mixed[20, 30], hottest)


def test_outline_surrounds_even_one_pixel_of_a_larger_mask() -> None:
    photo = np.full((50, 50, 3), 255, dtype=np.uint8)
    mask = np.zeros((400, 400), dtype=bool)
    mask[200, 200] = True
    drawn = figures.outline(photo, mask)
    changed = (drawn != photo).any(axis=-1)
    assert changed.any() and not changed[25, 25]
    assert (photo == 255).all(), "the input stays as it was"
    assert (figures.outline(photo, np.zeros((50, 50), dtype=bool)) == photo).all()


@pytest.mark.parametrize("shape", [(400, 300), (30, 40), (1, 1000)])
def test_thumbnail_keeps_the_shape_and_never_enlarges(shape: tuple[int, int]) -> None:
    small = figures.thumbnail(np.zeros((*shape, 3), dtype=np.uint8), 100)
    factor = min(1.0, 100 / max(shape))
    assert small.shape == (*(max(1, round(side * factor)) for side in shape), 3)


def test_encoding_keeps_the_order_of_colours() -> None:
    image = np.zeros((32, 32, 3), dtype=np.uint8)
    image[..., 0] = 250
    image[..., 1] = 10
    np.testing.assert_array_equal(decoded(figures.encode_png(image)), image)
    difference = decoded(figures.encode_jpeg(image)).astype(int) - image
    assert np.abs(difference).max() < 6


def test_stops_are_the_colours_of_the_map() -> None:
    stops = figures.color_stops(3)
    ends = figures.heat_map(np.array([[0.0, 1.0]]), (0.0, 1.0))[0].tolist()
    assert [stops[0], stops[-1]] == ["#{:02x}{:02x}{:02x}".format(*c) for c in ends]
