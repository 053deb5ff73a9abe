"""Objects that are cut out of what stands around them."""

import dataclasses
from collections.abc import Sequence

import numpy as np

from jaxsplat.core.cameras import Camera
from jaxsplat.data import background
from jaxsplat.data.background import Surroundings
from jaxsplat.data.smooth_surface import border_mask, connected, difference
from jaxsplat.data.views import View
from jaxsplat.errors import DataError
from jaxsplat.scene import agreement, feathering, grab_cut
from jaxsplat.scene.before_plain import FAINT
from jaxsplat.scene.found import CUT_OUT, Foreground, describe, none

# Cuts follow the hull, so even those at the poses of others agree in eight tenths.
_MIN_CONFIDENCE = 0.84
# Where fewer border pixels agree with a model, it says nothing about the photograph.
_MIN_AGREEMENT = 0.6


def by_cutting(
    views: Sequence[View], models: Sequence[Surroundings], cameras: Camera
) -> Foreground:
    """Returns the automatic cut-out, if the views' cuts are of one object."""
    advice = "give masks (a masks folder), or photograph it on a plain background"
    images = np.stack([view.image for view in views])
    behind, before = grab_cut.still(images)
    border = border_mask(*behind.shape[1:])
    for index, (image, model) in enumerate(zip(images, models, strict=True)):
        if model.is_told and model.agreement >= _MIN_AGREEMENT:
            slack = max(background.tolerance(model.noise), FAINT)
            agrees = difference(image, model.image) <= slack
            behind[index] |= connected(agrees, border)
    try:
        masks = grab_cut.cut(images, cameras, behind, before)
    except DataError:
        return none(
            "the background is not plain, and automatic cuts of the training views "
            f"have nothing in common; {advice}"
        )
    found = agreement.agree(list(masks), cameras)
    if found.confidence < _MIN_CONFIDENCE:
        return none(
            "the background is not plain, and automatic cuts of the training views "
            f"agree in {100 * found.confidence:.0f} % only; {advice}"
        )
    coverage = [
        feathering.feathered(agreement.supported(mask, found.outline(i, mask.shape)))
        for i, mask in enumerate(masks)
    ]
    note = "the background is not quite plain: the object was cut out automatically"
    foreground = describe(found, CUT_OUT, views, np.stack(coverage), (note,))
    return dataclasses.replace(foreground, by_background=False)
