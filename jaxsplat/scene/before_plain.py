"""Objects that differ from a plain background."""

import concurrent.futures
from collections.abc import Sequence

import numpy as np

from jaxsplat.core.cameras import Camera
from jaxsplat.data import silhouettes
from jaxsplat.data.background import Surroundings
from jaxsplat.data.smooth_surface import difference
from jaxsplat.data.views import View
from jaxsplat.scene import agreement, feathering
from jaxsplat.scene.found import (
    MIN_CONFIDENCE,
    PLAIN,
    Foreground,
    describe,
    none,
    remarks,
)

# More views than this share in which nothing differs: the object cannot be told.
_MOST_EMPTY = 0.5
# An object that covers less of a photograph than this cannot be told in it.
_MIN_COVERAGE = 1e-3
# Parts of the object that differ from the background by less are lost in it.
FAINT = 12 / 255


def by_plain_background(
    views: Sequence[View], models: Sequence[Surroundings], cameras: Camera
) -> tuple[Foreground, float]:
    """Returns the foreground that differs from plain backgrounds.

    With it comes the share that differs only faintly: more than edges is a floor or
    shadows that the models do not hold.
    """
    with concurrent.futures.ThreadPoolExecutor() as pool:
        masks = list(pool.map(silhouettes.silhouette, views, models))
    shown = [mask for mask in masks if mask is not None]
    empty = sum(float(mask.mean()) < _MIN_COVERAGE for mask in shown)
    lost = "the object cannot be told from the background: "
    advice = "; photograph it in front of another colour, or give masks"
    if empty > _MOST_EMPTY * len(shown):
        lost += f"in {empty} of {len(shown)} training views nothing differs from it"
        return none(lost + advice), 0.0
    found = agreement.agree(masks, cameras)
    differences = [
        difference(view.image, model.image)[mask]
        for view, model, mask in zip(views, models, masks, strict=True)
        if mask is not None and mask.any()
    ]
    contrast = float(np.median([np.median(each) for each in differences]))
    if found.confidence < MIN_CONFIDENCE and contrast < FAINT:
        lost += f"what differs from it does so by {255 * contrast:.0f} grey levels"
        return none(lost + advice), 0.0
    other = [v.name for v, m in zip(views, models, strict=True) if not m.is_plain]
    notes = remarks(other, "shows more than a plain background behind the object")
    coverage = []
    for index, (view, model) in enumerate(zip(views, models, strict=True)):
        outline = found.outline(index, view.image.shape[:2])
        mask = masks[index]
        if mask is None:
            coverage.append(feathering.feathered(outline))
        else:
            # A hull that few silhouettes agree with cannot judge them.
            if found.confidence >= MIN_CONFIDENCE:
                mask = agreement.supported(mask, outline)
                mask = (
                    agreement.filled(mask, outline)
                    if silhouettes.is_noisy(model)
                    else mask
                )
            coverage.append(feathering.soft_edges(view.image, mask, model.image))
    faint = float(np.median([(each < FAINT).mean() for each in differences]))
    return describe(found, PLAIN, views, np.stack(coverage), notes), faint
