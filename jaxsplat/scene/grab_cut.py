"""Cutting an object out of photographs of it before any background.

GrabCut (Rother et al. 2004) tells object from background by colours and edges, given a
guess of where the object is. The cameras look at it, so the first guess is a ball about
the point where their axes meet. Each photograph's cut has faults of its own; carving
finds what most of them agree on, which is the next guess.
"""

import concurrent.futures
from collections.abc import Sequence

import cv2
import jax
import numpy as np
from jaxtyping import Bool, Float, UInt8

from jaxsplat.core import cameras as camera_maths
from jaxsplat.core.cameras import Camera
from jaxsplat.data.smooth_surface import border_mask, difference
from jaxsplat.scene import carving, hull
from jaxsplat.scene.pinhole import project_points

_SIDE = 128  # pixels of the reduced photographs' longer side in the first rounds
_FINE_SIDE = 200  # and in the last
_FIRST_VIEWS = 48  # that the first rounds are content with
_ROUNDS = 2
# Views that may call a point of the object background: their cuts have faults.
_DISSENTS = (0.2,)
# A pixel is still that shows the same, within this, in this share of the views. The
# camera is at rest where that is so on this share of the picture; what differs by more
# than `_MOVED` from it passes before it.
_STILL = 8 / 255
_STILL_SHARE = 0.5
_STILL_SCENE = 0.45
_ALWAYS = 0.97
_MOVED = 24 / 255
# Shares of the radius that most frames hold: what is probably on the object, and what
# an object reaches at most.
_BALL, _BEYOND = 0.7, 1.4
# About a known outline, pixels of its size's square root that are in doubt.
_DOUBT = 0.08
# OpenCV's labels, and one for what is not known.
_SURE_NOT, _SURE, _MAYBE_NOT, _MAYBE, _UNKNOWN = 0, 1, 2, 3, 4


def cut(
    images: Float[np.ndarray, "v h w 3"],
    cameras: Camera,
    behind: Bool[np.ndarray, "v h w"],
    before: Bool[np.ndarray, "v h w"],
) -> Bool[np.ndarray, "v h w"]:
    """Returns where each photograph shows what the cameras look at.

    Args:
        images: the photographs.
        cameras: the stack of their cameras.
        behind: what is known to be background.
        before: what may be taken for the object until most views contradict.

    Raises:
        DataError: the cuts of the views have no point in common.
    """
    views, height, width = behind.shape
    count = min(views, _FIRST_VIEWS)
    some = np.unique(np.linspace(0, views - 1, count).astype(int))
    small, few = _reduced(images[some], jax.tree.map(lambda x: x[some], cameras), _SIDE)
    known = _hints(behind[some], before[some], small.shape[1:3])
    cuts = _cut_all(small, _balls(few, known), 4)
    for _ in range(_ROUNDS):
        surface = hull.visual_hull(cuts, few, 0, _DISSENTS)
        outlines = carving.outlines(surface.points, surface.spacing, few)
        guesses = [_about(o, k) for o, k in zip(outlines, known, strict=True)]
        cuts = _cut_all(small, guesses, 3)
    surface = hull.visual_hull(cuts, few, 0, _DISSENTS)
    fine, all_cameras = _reduced(images, cameras, _FINE_SIDE)
    outlines = carving.outlines(surface.points, surface.spacing, all_cameras)
    known = _hints(behind, before, fine.shape[1:3])
    guesses = [_about(o, k) for o, k in zip(outlines, known, strict=True)]
    cuts = _cut_all(fine, guesses, 2)
    size = width, height
    return np.stack([cv2.resize(c.astype(np.float32), size) > 0.5 for c in cuts])


def still(
    images: Float[np.ndarray, "v h w 3"],
) -> tuple[Bool[np.ndarray, "v h w"], Bool[np.ndarray, "v h w"]]:
    """Returns what stands still before a camera at rest, and what passes before it.

    A pixel is still that most views show alike, as exactly as they do the border: of an
    object that turns, most views may show the same colour too, but shaded. What all
    views show alike is neither: round objects look the same from all sides. Where the
    camera moves, both are empty.
    """
    away = difference(images, np.median(images, axis=0))
    same = away <= _STILL
    share = same.mean(axis=0)
    common = share >= _STILL_SHARE
    if common.mean() < _STILL_SCENE:
        return np.zeros_like(same), np.zeros_like(same)
    spread = np.where(same, away, 0).sum(axis=0) / np.maximum(same.sum(axis=0), 1)
    usual = float(np.median(spread[border_mask(*share.shape)]))
    resting = common & (share < _ALWAYS) & (spread <= 1.5 * usual + 0.5 / 255)
    return same & resting, (away > _MOVED) & resting


def _reduced(
    images: Float[np.ndarray, "v h w 3"], cameras: Camera, side: int
) -> tuple[UInt8[np.ndarray, "v i j 3"], Camera]:
    """Returns the photographs in bytes, at most `side` pixels long, and cameras."""
    height, width = images.shape[1:3]
    factor = min(1.0, side / max(height, width))
    size = max(round(width * factor), 1), max(round(height * factor), 1)
    small = [cv2.resize(image, size, None, 0, 0, cv2.INTER_AREA) for image in images]
    pixels = np.rint(255 * np.clip(np.stack(small), 0, 1)).astype(np.uint8)
    return pixels, camera_maths.resized(cameras, *size)


def _hints(
    behind: Bool[np.ndarray, "v h w"],
    before: Bool[np.ndarray, "v h w"],
    size: tuple[int, ...],
) -> UInt8[np.ndarray, "v i j"]:
    """Returns labels of what is known, and `_UNKNOWN`, at a size."""
    labels = np.where(behind, _SURE_NOT, np.where(before, _MAYBE, _UNKNOWN))
    small = [
        cv2.resize(each, size[::-1], None, 0, 0, cv2.INTER_NEAREST)
        for each in labels.astype(np.uint8)
    ]
    return np.stack(small)


def _balls(
    cameras: Camera, hints: UInt8[np.ndarray, "v h w"]
) -> list[UInt8[np.ndarray, "h w"]]:
    """Returns first guesses: a ball about the point that the cameras look at.

    Its radius is what half of the frames hold.
    """
    center = hull.view_center(cameras).astype(np.float32)
    height, width = hints.shape[1:]
    middles, scales = [], []
    for view in range(len(hints)):
        pixels, local = project_points(center[None], cameras, view)
        middles.append(pixels[0])
        scales.append(float(cameras.fx[view]) / max(float(local[0, 2]), 1e-6))
    x, y = np.stack(middles).T
    room = np.minimum(np.minimum(x, width - x), np.minimum(y, height - y))
    radius = max(float(np.median(room / scales)), 0.0)
    rows, columns = np.mgrid[:height, :width] + 0.5
    edge = border_mask(height, width)
    guesses = []
    for view, hint in enumerate(hints):
        away = np.hypot(columns - x[view], rows - y[view])
        away /= max(radius * scales[view], 2.0)
        labels = np.where(away < _BALL, _MAYBE, _MAYBE_NOT).astype(np.uint8)
        labels = np.where(hint == _UNKNOWN, labels, hint)
        labels[(away > _BEYOND) | (edge & (away > 1))] = _SURE_NOT
        guesses.append(labels)
    return guesses


def _about(
    outline: Bool[np.ndarray, "_ _"], hint: UInt8[np.ndarray, "h w"]
) -> UInt8[np.ndarray, "h w"]:
    """Returns a guess from a known outline: in doubt near its edge."""
    height, width = hint.shape
    inside = cv2.resize(outline.astype(np.float32), (width, height)) > 0.5
    reach = max(_DOUBT * float(np.sqrt(inside.sum())), 2.0)
    # What the frame cuts off goes on beyond it.
    padded = np.pad(inside.astype(np.uint8), 1, mode="edge")
    depth = cv2.distanceTransform(padded, cv2.DIST_L2, 3)[1:-1, 1:-1]
    away = cv2.distanceTransform((~inside).astype(np.uint8), cv2.DIST_L2, 3)
    labels = np.where(inside, _MAYBE, _MAYBE_NOT).astype(np.uint8)
    labels[depth > 2 * reach] = _SURE
    labels = np.where(hint == _UNKNOWN, labels, hint)
    labels[away > reach] = _SURE_NOT
    return labels


def _cut_all(
    images: UInt8[np.ndarray, "v h w 3"],
    guesses: Sequence[UInt8[np.ndarray, "h w"]],
    steps: int,
) -> Bool[np.ndarray, "v h w"]:
    """Returns GrabCut's answer for each photograph."""

    def one(image: np.ndarray, guess: np.ndarray) -> np.ndarray:
        labels = guess.copy()
        kinds = [np.isin(labels, pair).any() for pair in ((0, 2), (1, 3))]
        if not all(kinds):
            return np.isin(labels, (_SURE, _MAYBE))
        first, second = np.zeros((1, 65)), np.zeros((1, 65))
        whole = (0, 0, image.shape[1], image.shape[0])
        # Colours are clustered from random starts, of a generator to each thread.
        cv2.setRNGSeed(0)
        cv2.grabCut(image, labels, whole, first, second, steps, cv2.GC_INIT_WITH_MASK)
        return np.isin(labels, (_SURE, _MAYBE))

    with concurrent.futures.ThreadPoolExecutor() as pool:
        return np.stack(list(pool.map(one, images, guesses)))
