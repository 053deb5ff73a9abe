"""The integer resize is Pillow's, bit for bit."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from PIL import Image

from jaxsplat.scores import resize


@pytest.mark.parametrize(
    "source, target",
    [
        ((400, 400), (224, 224)),
        ((448, 448), (224, 224)),
        ((60, 48), (280, 224)),
        ((225, 301), (224, 299)),
        ((33, 500), (30, 7)),
        ((3, 3), (224, 224)),
        ((1, 1), (5, 4)),
        ((9, 9), (9, 9)),
    ],
)
def test_equals_pillow(source: tuple[int, int], target: tuple[int, int]) -> None:
    rng = np.random.default_rng(0)
    images = rng.integers(0, 256, (2, *source, 3), dtype=np.uint8)
    images[0, : source[0] // 2] = rng.choice([0, 255], (source[0] // 2, source[1], 3))
    run = jax.jit(resize.resize_bytes, static_argnums=(1, 2))
    found = run(jnp.asarray(images, dtype=jnp.int32), *target)
    for image, result in zip(images, found, strict=True):
        pillow = Image.fromarray(image).resize(target[::-1], Image.Resampling.BILINEAR)
        np.testing.assert_array_equal(result, np.asarray(pillow))


@pytest.mark.parametrize(
    "size, expected",
    [
        ((800, 800), (224, 224)),
        ((480, 640), (224, 298)),
        ((640, 480), (298, 224)),
        ((1, 3), (224, 672)),
    ],
)
def test_shorter_side_is_set(size: tuple[int, int], expected: tuple[int, int]) -> None:
    assert resize.short_side_to(*size, 224) == expected
