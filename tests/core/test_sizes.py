import pytest

from jaxsplat.core import sizes


@pytest.mark.parametrize(
    ("number", "in_octave", "expected"),
    [
        (1, 4, 1),
        (8, 4, 8),
        (9, 4, 10),
        (16384, 2, 16384),
        (16385, 2, 24576),
        (24577, 2, 32768),
    ],
)
def test_the_least_size_that_is_enough(
    number: int, in_octave: int, expected: int
) -> None:
    assert sizes.at_least(number, in_octave) == expected


def test_the_nearest_size_is_so_by_ratio() -> None:
    # Between 16384 and 24576 the ratios are equal at 20066.2.
    assert sizes.nearest(20_066.0, 2) == 16_384
    assert sizes.nearest(20_067.0, 2) == 24_576
    assert sizes.nearest(24_576.0, 2) == 24_576
    assert sizes.nearest(0.2, 2) == 1


@pytest.mark.parametrize("in_octave", [1, 2, 4])
def test_sizes_stay_what_they_are(in_octave: int) -> None:
    found = {sizes.at_least(number, in_octave) for number in range(1, 5000)}
    assert all(sizes.at_least(size, in_octave) == size for size in found)
    assert all(sizes.nearest(float(size), in_octave) == size for size in found)
    assert len([size for size in found if 512 < size <= 4096]) == 3 * in_octave
