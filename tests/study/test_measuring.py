"""Truth and maps of different sizes."""

import numpy as np

from jaxsplat.data.views import View
from jaxsplat.study import measuring


def test_masks_of_larger_photographs_mark_the_same_place_of_the_map() -> None:
    small = np.zeros((6, 8), bool)
    small[1:3, 2:5] = True
    views = []
    for scale in (1, 2, 5):
        mask = small.repeat(scale, axis=0).repeat(scale, axis=1)
        image = np.zeros((*mask.shape, 3), np.float32)
        views.append(View(f"{scale}.png", image, mask=mask))
    for found in measuring._masks(views, small.shape):
        np.testing.assert_array_equal(found, small)
    halved = measuring._masks(views[1:2], (3, 4))
    # The pixel whose centre falls on the mark.
    np.testing.assert_array_equal(halved[0], small[1::2, 1::2])
