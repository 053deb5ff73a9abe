"""A camera that looks past the object, and things that come between the two."""

import cv2
import numpy as np
from jaxtyping import Bool, Float
from scipy.spatial.transform import Rotation

from jaxsplat.core.cameras import Camera
from jaxsplat.study.degradations import lens_matrix

_TRIES = 8
_HALVINGS = 20
_OBJECT = 0.5  # coverage above which a pixel shows the object


def turn_away(
    coverage: Float[np.ndarray, "h w"],
    camera: Camera,
    share: float,
    rng: np.random.Generator,
    keep: Bool[np.ndarray, "h w"] | None = None,
) -> Float[np.ndarray, "3 3"]:
    """Returns the turn after which the frame cuts off a share of the object.

    Of several directions it takes the first one that leaves all that shall be kept in
    the frame, or the one that leaves most of it. Where the frame cut off the object
    before, that side must not come in: nobody knows how it goes on. It is no turn where
    the photograph shows no object.

    Args:
        coverage: of the photograph by the object, [h, w].
        camera: that took it.
        share: of the object's pixels that shall be outside, from 0 to 1.
        rng: of the direction.
        keep: pixels that shall stay in the frame, such as a defect's, [h, w].
    """
    is_object = coverage > _OBJECT
    shown = _rays(is_object, camera)
    if not shown.shape[1]:
        return np.eye(3)
    kept = _rays(np.zeros_like(is_object) if keep is None else keep, camera)
    border = np.pad(np.zeros_like(is_object[1:-1, 1:-1]), 1, constant_values=True)
    before = _rays(is_object & border, camera)
    best, least = np.eye(3), np.inf
    for angle in rng.uniform(-np.pi, np.pi, _TRIES):
        axis = np.array([np.cos(angle), np.sin(angle), 0.0])
        near, far = 0.0, np.pi / 2
        for _ in range(_HALVINGS):
            middle = (near + far) / 2
            turn = Rotation.from_rotvec(middle * axis).as_matrix()
            outside = _outside(turn @ shown, camera)
            near, far = (middle, far) if outside < share else (near, middle)
        turn = Rotation.from_rotvec(near * axis).as_matrix()
        lost = _outside(turn @ kept, camera)
        if before.shape[1]:
            lost += 1 - _outside(turn @ before, camera)
        if lost < least:
            best, least = turn, lost
        if not least:
            break
    return best


def _rays(pixels: Bool[np.ndarray, "h w"], camera: Camera) -> Float[np.ndarray, "3 n"]:
    """Returns the directions that pixels look in, in the camera's axes."""
    rows, columns = np.nonzero(pixels)
    places = np.stack([columns + 0.5, rows + 0.5, np.ones(len(rows))])
    return np.linalg.inv(lens_matrix(camera)) @ places


def _outside(rays: Float[np.ndarray, "3 n"], camera: Camera) -> float:
    """Returns the share of directions that the frame does not show, 0 of none."""
    if not rays.shape[1]:
        return 0.0
    x, y, z = lens_matrix(camera) @ rays
    ahead = np.where(z > 0, z, np.inf)
    within = (x > 0) & (x < camera.width * ahead) & (z > 0)
    within &= (y > 0) & (y < camera.height * ahead)
    return float(1 - within.mean())


def occluder(
    coverage: Float[np.ndarray, "h w"],
    share: float,
    rng: np.random.Generator,
    keep: Bool[np.ndarray, "h w"] | None = None,
) -> tuple[Float[np.ndarray, "h w 3"], Float[np.ndarray, "h w"]]:
    """Returns the colour and the coverage of something that hides part of the object.

    It is like a finger, a cable or a tool: a rod of one colour, rounded and shaded,
    that ends on the object and comes from outside of the frame. Of several places it
    takes the first one that hides nothing of what shall be kept, or the one that hides
    least.

    Args:
        coverage: of the photograph by the object, [h, w].
        share: of the object's pixels that are hidden, at most; at least half of it,
            where a rod can be so thick.
        rng: of share, place, direction and colour.
        keep: pixels that shall stay visible, such as a defect's, [h, w].
    """
    height, width = coverage.shape
    color, share = rng.uniform(0.05, 0.9, 3), rng.uniform(0.5, 1) * share
    blank = np.zeros((height, width), np.float32)
    rows, columns = np.nonzero(coverage > _OBJECT)
    best, least = (np.zeros((height, width, 3), np.float32), blank), np.inf
    if not len(rows):
        return best
    middle = np.array([columns.mean(), rows.mean()])
    for _ in range(_TRIES):
        spot = rng.integers(len(rows))
        tip = np.array([columns[spot], rows[spot]], float)
        outwards = tip - middle + 1e-6
        angle = np.arctan2(outwards[1], outwards[0]) + rng.uniform(-0.6, 0.6)
        far = tip + 2 * max(height, width) * np.array([np.cos(angle), np.sin(angle)])
        distance = _to_segment(height, width, tip, far)
        radius = _radius(distance[rows, columns], share, max(height, width))
        mask = np.clip(radius - distance + 0.5, 0, 1).astype(np.float32)
        if radius < 1:
            mask = blank
        lost = 0.0 if keep is None or not keep.any() else float(mask[keep].mean())
        if lost < least:
            round_ = np.sqrt(np.clip(1 - (distance / max(radius, 1)) ** 2, 0, 1))
            shade = (0.55 + 0.45 * round_)[..., None]
            best, least = ((shade * color).astype(np.float32), mask), lost
        if not least:
            break
    return best


def _radius(distances: Float[np.ndarray, " n"], share: float, longest: int) -> float:
    """Returns how thick a rod may be that hides at most a share of the object.

    Args:
        distances: of the object's pixels from the rod's middle line.
        share: of them that may be nearer than the radius.
        longest: side of the picture; a rod is at most an eighth as thick.
    """
    # Half a pixel less, since the rod's soft edge reaches over the radius.
    allowed = np.sort(distances)[int(share * len(distances))] - 0.5
    return float(min(allowed, longest / 8))


def _to_segment(
    height: int,
    width: int,
    start: Float[np.ndarray, "2"],
    end: Float[np.ndarray, "2"],
) -> Float[np.ndarray, "h w"]:
    """Returns the distance of each pixel from a segment (column, row), [h, w]."""
    rows, columns = np.mgrid[:height, :width].astype(float)
    x, y = columns - start[0], rows - start[1]
    along = end - start
    at = np.clip((x * along[0] + y * along[1]) / (along @ along), 0, 1)
    return np.hypot(x - at * along[0], y - at * along[1])


def shrunken(
    image: Float[np.ndarray, "h w *c"], scale: float
) -> Float[np.ndarray, "_ _ *c"]:
    """Returns an image at another size, by area means where it gets smaller."""
    height, width = image.shape[:2]
    size = scaled_size(width, height, scale)
    way = cv2.INTER_AREA if scale < 1 else cv2.INTER_CUBIC
    return np.clip(cv2.resize(image, size, interpolation=way), 0, 1)


def scaled_size(width: int, height: int, scale: float) -> tuple[int, int]:
    """Returns width and height in pixels after scaling, at least one each."""
    return max(1, round(scale * width)), max(1, round(scale * height))
