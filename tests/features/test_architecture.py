"""The architecture: which blocks are tapped, their sizes, the padding rule."""

import pytest

from jaxsplat import errors
from jaxsplat.features import architecture
from tests.helpers.networks import B4, LITE0


@pytest.mark.parametrize(
    "config, count, taps, channels",
    [
        (LITE0, 11, [0, 2, 4, 10], [16, 24, 40, 112]),
        (B4, 22, [1, 5, 9, 21], [24, 32, 56, 160]),
    ],
)
def test_taps_are_the_published_ones(
    config: architecture.EfficientNetConfig,
    count: int,
    taps: list[int],
    channels: list[int],
) -> None:
    blocks = architecture.blocks(config)
    assert len(blocks) == count
    assert [i for i, block in enumerate(blocks) if block.tap] == taps
    assert [block.outputs for block in blocks if block.tap] == channels


@pytest.mark.parametrize("config", [LITE0, B4])
def test_maps_of_the_published_size(config: architecture.EfficientNetConfig) -> None:
    shapes = architecture.map_shapes(config, 224, 224)
    assert [shape[:2] for shape in shapes] == [
        (112,) * 2,
        (56,) * 2,
        (28,) * 2,
        (14,) * 2,
    ]


def test_b4_is_padded_for_its_native_size() -> None:
    strided = [b.window for b in architecture.blocks(B4) if b.window.stride == 2]
    assert architecture.stem(B4)[0].padding == (0, 1)
    assert [window.padding for window in strided] == [(0, 1), (2, 2), (0, 1)]
    assert architecture.same_padding(56, 5, 2) == (1, 2)


def test_too_small_image_is_refused() -> None:
    with pytest.raises(errors.ConfigError, match="efficientnet_b4.*4x30.*too small"):
        architecture.map_shapes(B4, 4, 30)
    assert architecture.map_shapes(B4, 16, 16)[-1] == (1, 1, 160)
    assert architecture.map_shapes(LITE0, 1, 1)[-1] == (1, 1, 112)


@pytest.mark.parametrize("channels, width, expected", [(24, 1.4, 32), (16, 1.4, 24)])
def test_more_than_a_tenth_is_never_rounded_away(
    channels: int, width: float, expected: int
) -> None:
    # 16 * 1.4 = 22.4 rounds to 24; 24 * 1.4 = 33.6 to 32; 10 * 1.0 would be cut to 8.
    assert architecture._scaled_channels(channels, width) == expected
    assert architecture._scaled_channels(10, 1.0) == 16
