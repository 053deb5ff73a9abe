"""Objects that masks or alpha of files show."""

import dataclasses
from collections.abc import Sequence

import numpy as np
from jaxtyping import Bool, Float

from jaxsplat.core.cameras import Camera
from jaxsplat.data import background, silhouettes
from jaxsplat.data.views import View
from jaxsplat.scene import agreement, carving, feathering
from jaxsplat.scene.found import (
    ALPHA,
    MIN_CONFIDENCE,
    Foreground,
    describe,
    remarks,
)

# A background tells where the object is if masks agree so much; so many are asked.
_TELLING = 0.95
_MOST_ASKED = 8


def by_files(
    kind: str,
    views: Sequence[View],
    given: Sequence[Float[np.ndarray, "h w"] | None],
    cameras: Camera,
) -> Foreground:
    """Returns the foreground that files give, carved where one has no file."""
    masks = [None if each is None else each > 0.5 for each in given]
    found = agreement.agree(masks, cameras)
    # A hull that few masks agree with cannot judge them.
    judging = found.confidence >= MIN_CONFIDENCE
    missing, cleaned, coverage = [], [], []
    for index, (view, mask, each) in enumerate(zip(views, masks, given, strict=True)):
        outline = found.outline(index, view.image.shape[:2])
        if mask is None or each is None:
            missing.append(view.name)
            coverage.append(feathering.feathered(outline))
            continue
        if judging and (wrong := agreement.unsupported(mask, outline)).any():
            cleaned.append(view.name)
            each = np.where(wrong, 0.0, each).astype(each.dtype)
        coverage.append(each)
    notes = remarks(missing, "has no mask and gets the outline that the others carve")
    notes += remarks(
        cleaned, "masks a patch that the other views see through; it is left out"
    )
    foreground = describe(found, kind, views, np.stack(coverage), notes)
    tells = kind == ALPHA or _backgrounds_tell(views, masks)
    return dataclasses.replace(foreground, by_background=tells)


def _backgrounds_tell(
    views: Sequence[View], masks: Sequence[Bool[np.ndarray, "h w"] | None]
) -> bool:
    """Returns whether the views' backgrounds alone would tell what masks do."""
    known = [
        (view.image, mask)
        for view, mask in zip(views, masks, strict=True)
        if view.alpha is None and mask is not None
    ]
    shares = []
    for image, mask in known[:: max(1, len(known) // _MOST_ASKED)]:
        model = background.model_background(image)
        shown = silhouettes.differing(image, model) & model.is_plain
        shares.append(carving.agreement(shown[None], [mask])[0])
    return bool(np.median(shares) >= _TELLING)
