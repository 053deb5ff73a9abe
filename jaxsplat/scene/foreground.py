"""Where the object is in the training views, by the best means that they allow."""

import concurrent.futures
import dataclasses
from collections.abc import Sequence

import numpy as np
from jaxtyping import Float

from jaxsplat.data import background
from jaxsplat.data.views import View, posed_cameras
from jaxsplat.errors import DataError
from jaxsplat.scene import feathering
from jaxsplat.scene.before_plain import by_plain_background
from jaxsplat.scene.cut_outs import by_cutting
from jaxsplat.scene.found import ALPHA, CUT_OUT, MASKS, PLAIN, Foreground, none
from jaxsplat.scene.given import by_files

# A set has masks, or a plain background, when more than this share of its views has.
_MOST = 0.5
# Where more of the silhouettes than their edges is faint, a cut-out is tried, and taken
# where the views agree so much better on it: it is trusted less.
_MOST_FAINT, _BETTER = 0.06, 0.02


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
    if all(each is not None and each.max(initial=0) <= 0.5 for each in given):
        return none(
            "the training views show nothing: their alpha or masks are 0 throughout; "
            "expected photographs of the object"
        )
    if np.mean([each is not None for each in given]) > _MOST:
        kind = ALPHA if all(view.alpha is not None for view in views) else MASKS
        return by_files(kind, views, given, cameras)
    if all(float(np.ptp(view.image)) <= background.TOLERANCE for view in views):
        return none(
            "the training views show nothing: each is of one colour throughout; "
            "expected photographs of the object"
        )
    with concurrent.futures.ThreadPoolExecutor() as pool:
        images = [view.image for view in views]
        models = list(pool.map(background.model_background, images))
    if np.mean([model.is_plain for model in models]) <= _MOST:
        return by_cutting(views, models, cameras)
    plain, faint = by_plain_background(views, models, cameras)
    if faint <= _MOST_FAINT:
        return plain
    cut = by_cutting(views, models, cameras)
    return cut if cut.confidence > plain.confidence + _BETTER else plain


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
