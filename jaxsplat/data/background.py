"""The background of photographs: what stands behind the object, and one form for all.

A photograph's `Surroundings` tell where its object is. A set's `Background` is the one
colour that the object is shown on where its photographs no longer matter.
"""

import dataclasses

import cv2
import numpy as np
from jaxtyping import Bool, Float

from jaxsplat.data import shadows, smooth_surface, two_tones
from jaxsplat.data.notes import Notes
from jaxsplat.data.smooth_surface import DEGREES, border_mask
from jaxsplat.data.views import View, over_background

RGB = tuple[float, float, float]

# Two grey levels of 255, plus rounding: what compression leaves of a plain colour.
TOLERANCE = 2.5 / 255
# Of border pixels that are not the object, those that must agree with the model.
_MIN_SHARE = 0.9
# Of all border pixels, those that an object which the frame cuts off may take.
_MAX_CUT = 0.45
# Noise above this is texture: ten grey levels.
_MAX_NOISE = 10 / 255
_SIDE = 80  # pixels of the reduced photograph's longer side
# An object takes this share of the photograph and reaches away from the border by this
# share of its side; what does not is something else that stands there.
_MIN_OBJECT = 0.01
_MIN_DEPTH = 0.08
# A side of the frame that is the object from end to end is a wall.
_MAX_SIDE = 0.95


@dataclasses.dataclass(frozen=True)
class Background:
    """What stands behind the object in a set of photographs.

    Attributes:
        color: RGB in [0, 1].
        is_plain: whether most of them show nothing else behind the object, so that
            what differs from their `Surroundings` is the object.
    """

    color: RGB
    is_plain: bool


@dataclasses.dataclass(frozen=True)
class Surroundings:
    """What stands behind the object in one photograph.

    Attributes:
        image: the photograph without its object, [h, w, 3] float32 in [0, 1]. It means
            something only where `is_plain`.
        noise: robust standard deviation of the border about `image`, in [0, 1].
        agreement: share of the border's pixels that agree with `image`, of those that
            are not the object.
        is_told: whether noise and object leave enough of the border to tell `image` at
            all.
        is_plain: whether nothing else stands there, so that what differs from `image`
            is the object.
    """

    image: Float[np.ndarray, "h w 3"]
    noise: float
    agreement: float
    is_told: bool
    is_plain: bool


def tolerance(noise: float) -> float:
    """Returns by how much a channel of the background may differ from its model."""
    return max(TOLERANCE, 4 * noise)


def model_background(image: Float[np.ndarray, "h w 3"]) -> Surroundings:
    """Returns what stands behind the object, told from one photograph alone.

    The model is the median colour of the border where that is all there is; else a
    surface of first, second or fourth order (gradients, vignetting), the least that the
    border needs; or two smooth tones that meet in a line (floor and wall), if they
    explain more. Soft shadows belong to it. The object may cover up to four tenths of
    the border.

    Args:
        image: a photograph that keeps its surroundings.
    """
    small = _reduced(image)
    height, width = small.shape[:2]
    if min(height, width) < 3:
        # All of it is border: nothing tells an object from what stands behind.
        return Surroundings(image, 0.0, 0.0, is_told=False, is_plain=False)
    ring = border_mask(height, width)
    noise = _fine_noise(image) / image.shape[0]
    scale = _scale(noise, height)
    fitted = [smooth_surface.fit(small, ring, degree, scale) for degree in DEGREES]
    behind = [smooth_surface.evaluate(each, height, width) for each in fitted]
    # Told once: a surface must not call its own misfit the object.
    allowed = ring & ~_objects(_differs(small, behind[-1], 4 * scale))
    shares = [_share(~_differs(small, each, 3 * scale), allowed) for each in behind]
    least = next(i for i, share in enumerate(shares) if share >= max(shares) - 0.03)
    full = smooth_surface.evaluate(fitted[least], *image.shape[:2])
    if DEGREES[least] == 0:
        full = np.broadcast_to(_plain_color(image, full[0, 0]), image.shape)
    judged = _judged(image, _shaded(full, image, noise), small, scale)
    if judged.is_plain and DEGREES[least] == 0:
        return judged
    pair = two_tones.fit(image, small, scale)
    if pair is None:
        return judged
    other = _judged(image, _shaded(pair, image, noise), small, scale)
    if not (judged.is_plain and other.is_plain):
        return other if other.is_plain else judged
    # A surface may follow the border over the step between two tones; inside it cannot.
    explained = [
        _differs(small, _reduced(each.image), tolerance(each.noise)).sum()
        for each in (judged, other)
    ]
    return other if explained[1] < explained[0] else judged


def _shaded(
    behind: Float[np.ndarray, "h w 3"], image: Float[np.ndarray, "h w 3"], noise: float
) -> Float[np.ndarray, "h w 3"]:
    """Returns a model with the soft shadows that fall on it; see `_scale`."""
    small, light = (_reduced(each, shadows.SIDE) for each in (image, behind))
    shade = shadows.find(small, light, _scale(noise, len(small)))
    if shade is not None:
        behind = behind * cv2.resize(shade, behind.shape[1::-1])[..., None]
    return np.clip(behind, 0, 1).astype(np.float32)


def _judged(
    image: Float[np.ndarray, "h w 3"],
    behind: Float[np.ndarray, "h w 3"],
    small: Float[np.ndarray, "i j 3"],
    scale: float,
) -> Surroundings:
    """Returns a model with its noise and whether nothing else stands there."""
    ring = border_mask(*small.shape[:2])
    found = _objects(_differs(small, _reduced(behind), max(TOLERANCE, 4 * scale)))
    grown = cv2.dilate(found.astype(np.uint8), np.ones((3, 3), np.uint8))
    border = border_mask(*image.shape[:2])
    there = cv2.resize(grown, image.shape[1::-1], interpolation=cv2.INTER_NEAREST)
    residuals = (image - behind)[border & (there == 0)]
    worst = np.abs(residuals).max(axis=1, initial=0)
    typical = smooth_surface.MAD_TO_SD * float(np.median(worst)) if worst.size else 1.0
    noise = smooth_surface.spread(residuals[worst <= tolerance(typical)])
    agreeing = float((worst <= tolerance(noise)).mean()) if worst.size else 0.0
    sides = (found[0], found[-1], found[:, 0], found[:, -1])
    is_told = noise <= _MAX_NOISE and _share(found, ring) <= _MAX_CUT
    is_plain = (
        is_told
        and agreeing >= _MIN_SHARE
        and max(float(side.mean()) for side in sides) < _MAX_SIDE
    )
    return Surroundings(behind, noise, agreeing, is_told, is_plain)


def _scale(noise: float, height: int) -> float:
    """Returns the deviation of a background pixel, reduced to a height.

    Args:
        noise: `_fine_noise` of the photograph, over its height.
        height: in pixels.
    """
    # Reducing averages the noise; a gradient of a third of a grey level is none.
    return 0.3 / 255 + noise * height


def _reduced(
    image: Float[np.ndarray, "h w 3"], side: int = _SIDE
) -> Float[np.ndarray, "i j 3"]:
    """Returns the photograph with so many pixels along its longer side, at most."""
    height, width = image.shape[:2]
    factor = min(1.0, side / max(height, width))
    size = max(round(width * factor), 1), max(round(height * factor), 1)
    return image if factor == 1 else cv2.resize(image, size, None, 0, 0, cv2.INTER_AREA)


def _fine_noise(image: Float[np.ndarray, "h w 3"]) -> float:
    """Returns the standard deviation of the border from pixel to pixel.

    Second differences, whose variance is six times that of independent pixels, see
    neither gradients nor, as their median is taken, edges.
    """
    edges = image[0], image[-1], image[:, 0], image[:, -1]
    second = np.concatenate([np.diff(edge, 2, axis=0).ravel() for edge in edges])
    if not second.size:
        return 0.0
    return smooth_surface.MAD_TO_SD * float(np.median(np.abs(second))) / 6**0.5


def _differs(
    image: Float[np.ndarray, "h w 3"], behind: Float[np.ndarray, "h w 3"], slack: float
) -> Bool[np.ndarray, "h w"]:
    return smooth_surface.difference(image, behind) > slack


def _share(marked: Bool[np.ndarray, "h w"], among: Bool[np.ndarray, "h w"]) -> float:
    return float(marked[among].mean()) if among.any() else 0.0


def _objects(differs: Bool[np.ndarray, "h w"]) -> Bool[np.ndarray, "h w"]:
    """Returns the parts of what differs that are large and reach into the picture."""
    count, labels, stats, _ = cv2.connectedComponentsWithStats(
        differs.astype(np.uint8), connectivity=8
    )
    depth = cv2.distanceTransform(
        np.pad(np.ones(differs.shape, np.uint8), 1), cv2.DIST_C, 3
    )[1:-1, 1:-1]
    deep = depth >= _MIN_DEPTH * max(differs.shape)
    kept = stats[:, cv2.CC_STAT_AREA] >= _MIN_OBJECT * differs.size
    kept &= np.isin(np.arange(count), labels[deep])
    kept[0] = False
    return kept[labels]


def _plain_color(
    image: Float[np.ndarray, "h w 3"], near: Float[np.ndarray, "3"]
) -> Float[np.ndarray, "3"]:
    """Returns the median of the border pixels near a colour."""
    border = image[border_mask(*image.shape[:2])]
    close = np.abs(border - near).max(axis=1) <= 4 * TOLERANCE
    # Rounded well below a grey level, since means over areas are not exact.
    return np.round(np.median(border[close] if close.any() else border, axis=0), 4)


def find_background(views: tuple[View, ...]) -> Background:
    """Returns the median colour at the border of the photographs.

    It is plain when `model_background` calls most of the photographs so. Views with
    alpha have no background of their own; where all are such, it is white, as these
    data sets are composited by custom.
    """
    opaque = [view.image for view in views if view.alpha is None]
    if not opaque:
        return Background((1.0, 1.0, 1.0), is_plain=True)
    border = np.concatenate([image[border_mask(*image.shape[:2])] for image in opaque])
    # Rounded well below a grey level, since means over areas are not exact.
    red, green, blue = (round(float(v), 4) for v in np.median(border, axis=0))
    plain = [model_background(image).is_plain for image in opaque]
    return Background((red, green, blue), is_plain=float(np.mean(plain)) > 0.5)


def without_mixed_alpha(
    views: tuple[View, ...], background: Background, notes: Notes
) -> tuple[View, ...]:
    """Returns views that all have alpha or all have none.

    In a mixed set the views with alpha are put over the background of the others: a
    cut-out can be given a background, but a photograph not always a sharp outline.

    Args:
        views: the training views of one object, before any is changed.
        background: what `find_background` returns for them.
        notes: takes a remark on each view that is put over the background.
    """
    if len({view.alpha is None for view in views}) == 1:
        return views
    remark = "has alpha where others have none and is put over the background of those"
    if not background.is_plain:
        remark += ", which is not plain"
    for view in views:
        if view.alpha is not None:
            notes.add(remark, view.name)
    return tuple(_put_over(view, background.color) for view in views)


def _put_over(view: View, color: RGB) -> View:
    """Returns a view without alpha, the colour where it was clear."""
    if view.alpha is None:
        return view
    # Rounding may lead past one.
    image = np.minimum(over_background(view, np.asarray(color, np.float32)), 1)
    return dataclasses.replace(view, image=image, alpha=None)
