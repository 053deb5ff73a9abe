"""Where the object is in the training views, by the best means that they allow."""

import concurrent.futures
import dataclasses
from collections.abc import Sequence

import numpy as np
from jaxtyping import Bool, Float

from jaxsplat.core.cameras import Camera
from jaxsplat.data import background, silhouettes
from jaxsplat.data.background import Surroundings
from jaxsplat.data.notes import Notes
from jaxsplat.data.smooth_surface import border_mask, connected, difference
from jaxsplat.data.views import View, posed_cameras
from jaxsplat.errors import DataError
from jaxsplat.scene import agreement, carving, feathering, grab_cut
from jaxsplat.scene.agreement import Agreement

ALPHA, MASKS, PLAIN, CUT_OUT, NONE = "alpha", "masks", "plain", "cut_out", "none"

# A set has masks, or a plain background, when more than this share of its views has.
_MOST = 0.5
# Where fewer border pixels agree with a model, it says nothing about the photograph.
_MIN_AGREEMENT = 0.6
# An object that covers less of a photograph than this cannot be told in it.
_MIN_COVERAGE = 1e-3
# Views of one object whose poses are right agree in more than nine tenths; with the
# poses of others, silhouettes agree in under seven tenths, and cuts, as they follow the
# hull, in eight.
_MIN_CONFIDENCE = 0.75
_MIN_CUT_CONFIDENCE = 0.84
# A background tells where the object is if masks agree so much; so many are asked.
_TELLING = 0.95
_MOST_ASKED = 8
# Parts of the object that differ from the background by less are lost in it.
_FAINT = 12 / 255
# Where more of the silhouettes than their edges is faint, a cut-out is tried, and taken
# where the views agree better on it.
_MOST_FAINT = 0.06


@dataclasses.dataclass(frozen=True)
class Foreground:
    """Where the object is in `v` training views.

    Attributes:
        kind: what tells it: "alpha" of the files, "masks" of files, a "plain"
            background, an automatic "cut_out", or "none" where nothing does.
        confidence: how well the views agree with one solid object, in [0, 1]: the
            median over them of the intersection over union of silhouette and outline
            of the hull that most of them carve. 0 for "none".
        coverage: of each pixel by the object in [0, 1], [v, h, w]; None for "none".
        disagreeing: names of the views that agree far less than the others, the worst
            first.
        notes: what a user should know, a sentence each.
        by_background: whether the background of a photograph that is taken like the
            views tells where the object is.
    """

    kind: str
    confidence: float
    coverage: Float[np.ndarray, "v h w"] | None
    disagreeing: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    by_background: bool = True


def find_foreground(views: Sequence[View]) -> Foreground:
    """Returns where the object is, by the first of the means that can tell it.

    Alpha is trusted most; then masks of files, a plain background, an automatic
    cut-out.

    Args:
        views: posed training views of one size.

    Raises:
        DataError: a view has no pose.
    """
    cameras = posed_cameras(views)
    given = [view.foreground if view.alpha is None else view.alpha for view in views]
    if np.mean([each is not None for each in given]) > _MOST:
        kind = ALPHA if all(view.alpha is not None for view in views) else MASKS
        return _given(kind, views, given, cameras)
    if all(float(np.ptp(view.image)) <= background.TOLERANCE for view in views):
        return _none(
            "the training views show nothing: each is of one colour throughout; "
            "expected photographs of the object"
        )
    with concurrent.futures.ThreadPoolExecutor() as pool:
        images = [view.image for view in views]
        models = list(pool.map(background.model_background, images))
    if np.mean([model.is_plain for model in models]) <= _MOST:
        return _cut(views, models, cameras)
    plain, faint = _on_plain(views, models, cameras)
    if faint <= _MOST_FAINT:
        return plain
    cut = _cut(views, models, cameras)
    return cut if cut.confidence > plain.confidence else plain


def told(foreground: Foreground) -> tuple[str, ...]:
    """Returns what told where the object is, and its notes, a sentence each."""
    means = {
        ALPHA: "by the alpha of the training views",
        MASKS: "by masks",
        PLAIN: "by the plain background of the training views",
        CUT_OUT: "by an automatic cut-out of the training views",
    }
    if foreground.kind not in means:
        return foreground.notes
    agree = f"silhouettes agree in {100 * foreground.confidence:.0f} %"
    return f"the object is found {means[foreground.kind]}; {agree}", *foreground.notes


def cut_out(views: Sequence[View], foreground: Foreground) -> tuple[View, ...]:
    """Returns the views with alpha and premultiplied colours, for a fit.

    Args:
        views: what `find_foreground` was given.
        foreground: what it returned.

    Raises:
        DataError: nothing tells where the object is.
    """
    if foreground.coverage is None:
        raise DataError("; ".join(foreground.notes) or "the object was not found")
    return tuple(map(_on_nothing, views, foreground.coverage))


def _on_nothing(view: View, coverage: Float[np.ndarray, "h w"]) -> View:
    """Returns a view with this coverage as its alpha."""
    if view.alpha is None:
        image = feathering.premultiplied(view.image, coverage)
        return dataclasses.replace(view, image=image, alpha=coverage, foreground=None)
    if np.array_equal(view.alpha, coverage):
        return view
    image = np.where((coverage > 0)[..., None], view.image, 0.0)
    return dataclasses.replace(view, image=image, alpha=coverage)


def _none(*notes: str) -> Foreground:
    return Foreground(NONE, 0.0, None, (), notes)


def _given(
    kind: str,
    views: Sequence[View],
    given: Sequence[Float[np.ndarray, "h w"] | None],
    cameras: Camera,
) -> Foreground:
    """Returns the foreground that files give, carved where one has no file."""
    masks = [None if each is None else each > 0.5 for each in given]
    found = agreement.agree(masks, cameras)
    missing, cleaned, coverage = [], [], []
    for index, (view, mask, each) in enumerate(zip(views, masks, given, strict=True)):
        outline = found.outline(index, view.image.shape[:2])
        if mask is None or each is None:
            missing.append(view.name)
            coverage.append(feathering.feathered(outline))
            continue
        # A hull that few masks agree with cannot judge them.
        wrong = agreement.unsupported(mask, outline)
        if found.confidence >= _MIN_CONFIDENCE and wrong.any():
            cleaned.append(view.name)
            each = np.where(wrong, 0.0, each).astype(each.dtype)
        coverage.append(each)
    notes = _remark(missing, "has no mask and gets the outline that the others carve")
    notes += _remark(
        cleaned, "masks a patch that the other views see through; it is left out"
    )
    foreground = _foreground(found, kind, views, np.stack(coverage), notes)
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


def _on_plain(
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
    if empty > _MOST * len(shown):
        lost += f"in {empty} of {len(shown)} training views nothing differs from it"
        return _none(lost + advice), 0.0
    found = agreement.agree(masks, cameras)
    differences = [
        difference(view.image, model.image)[mask]
        for view, model, mask in zip(views, models, masks, strict=True)
        if mask is not None and mask.any()
    ]
    contrast = float(np.median([np.median(each) for each in differences]))
    if found.confidence < _MIN_CONFIDENCE and contrast < _FAINT:
        lost += f"what differs from it does so by {255 * contrast:.0f} grey levels"
        return _none(lost + advice), 0.0
    other = [v.name for v, m in zip(views, models, strict=True) if not m.is_plain]
    notes = _remark(other, "shows more than a plain background behind the object")
    coverage = []
    for index, (view, model) in enumerate(zip(views, models, strict=True)):
        outline = found.outline(index, view.image.shape[:2])
        mask = masks[index]
        if mask is None:
            coverage.append(feathering.feathered(outline))
        else:
            # A hull that few silhouettes agree with cannot judge them.
            if found.confidence >= _MIN_CONFIDENCE:
                mask = agreement.supported(mask, outline)
                mask = (
                    agreement.filled(mask, outline)
                    if silhouettes.is_noisy(model)
                    else mask
                )
            coverage.append(feathering.soft_edges(view.image, mask, model.image))
    faint = float(np.median([(each < _FAINT).mean() for each in differences]))
    return _foreground(found, PLAIN, views, np.stack(coverage), notes), faint


def _cut(
    views: Sequence[View], models: Sequence[Surroundings], cameras: Camera
) -> Foreground:
    """Returns the automatic cut-out, if the views' cuts are of one object."""
    advice = "give masks (a masks folder), or photograph it on a plain background"
    images = np.stack([view.image for view in views])
    behind, before = grab_cut.still(images)
    border = border_mask(*behind.shape[1:])
    for index, (image, model) in enumerate(zip(images, models, strict=True)):
        if model.agreement >= _MIN_AGREEMENT:
            slack = max(background.tolerance(model.noise), _FAINT)
            agrees = difference(image, model.image) <= slack
            behind[index] |= connected(agrees, border)
    try:
        masks = grab_cut.cut(images, cameras, behind, before)
    except DataError:
        return _none(
            "the background is not plain, and automatic cuts of the training views "
            f"have nothing in common; {advice}"
        )
    found = agreement.agree(list(masks), cameras)
    if found.confidence < _MIN_CUT_CONFIDENCE:
        return _none(
            "the background is not plain, and automatic cuts of the training views "
            f"agree in {100 * found.confidence:.0f} % only; {advice}"
        )
    coverage = [
        feathering.feathered(agreement.supported(mask, found.outline(i, mask.shape)))
        for i, mask in enumerate(masks)
    ]
    note = "the background is not quite plain: the object was cut out automatically"
    foreground = _foreground(found, CUT_OUT, views, np.stack(coverage), (note,))
    return dataclasses.replace(foreground, by_background=False)


def _foreground(
    found: Agreement,
    kind: str,
    views: Sequence[View],
    coverage: Float[np.ndarray, "v h w"],
    notes: tuple[str, ...],
) -> Foreground:
    """Returns the record, with what the views' agreement says about it."""
    order = np.argsort(found.shares, kind="stable")
    low = [views[i].name for i in order if found.far_under[i]]
    if found.confidence < _MIN_CONFIDENCE:
        notes += (
            "what the training views show of the object is of no one solid object at "
            f"their poses (median overlap {100 * found.confidence:.0f} %); expected "
            "poses that agree with the images",
        )
    notes += _remark(low, "disagrees with what the other views show")
    return Foreground(kind, found.confidence, coverage, tuple(low), notes)


def _remark(names: Sequence[str], remark: str) -> tuple[str, ...]:
    notes = Notes()
    for name in names:
        notes.add(remark, name)
    return notes.sentences()
