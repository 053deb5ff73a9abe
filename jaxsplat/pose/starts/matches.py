"""Coarse poses from matches of local features with the training views.

The view with most matches is the start, as in IGSPAD (Sec. 3.2.2), which asks LightGlue
about every view. Here mutual nearest descriptors, a matrix product, say which views are
worth asking about, and with which turn of the photograph, as features know no turns.
The matched points then tell where in the photograph the object is, how it is turned
and how large.

The gallery is the photographs, not the twin's renders: what a query shows of stains and
grain that a fit smooths, they show too, and nothing need be rendered.
"""

import dataclasses
import functools
from collections.abc import Sequence

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array, lax
from jaxtyping import Float, Int, PRNGKeyArray

from jaxsplat import matchers
from jaxsplat.core import cameras, precision, resampling, se3
from jaxsplat.core.cameras import Camera
from jaxsplat.data.views import View, over_background, posed_cameras
from jaxsplat.errors import ConfigError
from jaxsplat.matchers import KeypointDetector, KeypointMatcher, Keypoints
from jaxsplat.pose import hypotheses
from jaxsplat.pose.estimate import CoarsePoses
from jaxsplat.pose.photographs import Photographs
from jaxsplat.pose.starts import agreeing, placing
from jaxsplat.pose.starts.placing import MOST_ZOOM
from jaxsplat.rendering import exposure
from jaxsplat.rendering.twin import Twin

# Longer side of the images that features are taken from; larger ones are shrunk to it.
_SIDE = 384
_TURNS = 4  # quarter turns, all around
_TOGETHER = 8  # views of one size whose keypoints are found at once


@jax.tree_util.register_dataclass
@dataclasses.dataclass(frozen=True)
class MatchGallery:
    """The training views' features, and the networks.

    Attributes:
        keypoints: of all views, [v, n, ...].
        cameras: of the views, whose intrinsics are those of square canvases, [v].
        detector: of the photographs' keypoints.
        matcher: of theirs and the views'.
    """

    keypoints: Keypoints
    cameras: Camera
    detector: KeypointDetector
    matcher: KeypointMatcher


@dataclasses.dataclass(frozen=True)
class MatchStarts:
    """The finder: the views with most matches, in any of four turns.

    Costs are minus the number of matches. They are infinite for poses that only fill
    up, and for photographs without any match.

    Attributes:
        k: poses of each photograph; they look at the object from different sides.
        detector: name of the local features, see `matchers.load_detector`.
        detector_file: their weights; None for what comes with the package.
        matcher: name of what matches them, see `matchers.load_matcher`.
        matcher_file: its weights; None for what comes with the package.
        keypoints: number of each image.
        shortlist: number of views that the matcher is asked about.
    """

    k: int = 4
    detector: str = "xfeat"
    detector_file: str | None = None
    matcher: str = "lighterglue"
    matcher_file: str | None = None
    keypoints: int = 256
    shortlist: int = 16

    def __post_init__(self) -> None:
        for name in ("k", "keypoints", "shortlist"):
            if getattr(self, name) < 1:
                raise ConfigError(
                    f"{name}: found {getattr(self, name)}, expected 1 or more"
                )

    def prepare(
        self, twin: Twin, views: Sequence[View], key: PRNGKeyArray
    ) -> MatchGallery:
        """Finds the keypoints of all views; see `parts.Starts`."""
        del key
        detector = matchers.load_detector(self.detector, self.detector_file)
        matcher = matchers.load_matcher(self.matcher, self.matcher_file)
        posed = posed_cameras(views)
        background = np.asarray(twin.background)
        found = []
        for start in range(0, len(views), _TOGETHER):
            some = views[start : start + _TOGETHER]
            images = np.stack([over_background(view, background) for view in some])
            canvases = canvas(jnp.asarray(images), twin.background)
            found.append(matchers.detect(detector, canvases, self.keypoints))
        keypoints = jax.tree.map(lambda *parts: jnp.concatenate(parts), *found)
        square = jax.vmap(lambda view: on_canvas(view, keypoints.width))(posed)
        return MatchGallery(keypoints, square, detector, matcher)

    def __call__(
        self, twin: Twin, state: MatchGallery, photographs: Photographs
    ) -> CoarsePoses:
        """Returns coarse poses; see `parts.Starts`."""
        twin, photographs = precision.single((twin, photographs))
        return _find(self, twin, state, photographs)


def canvas(
    images: Float[Array, "b h w 3"], background: Float[Array, "3"]
) -> Float[Array, "b s s 3"]:
    """Returns images in the middle of squares of their border's colour.

    Larger squares than the features are taken from are shrunk.

    Args:
        images: of one size.
        background: colour where the border is nothing like it.
    """
    height, width = images.shape[1:3]
    side = max(height, width)
    top, left = (side - height) // 2, (side - width) // 2

    def one(image: Array) -> Array:
        around = exposure.border_color(image, background)
        square = jnp.broadcast_to(around, (side, side, 3))
        return square.at[top : top + height, left : left + width].set(image)

    squares = jax.vmap(one)(images)
    if side <= _SIDE:
        return squares
    return resampling.area_resize(squares, _SIDE, _SIDE)


def on_canvas(camera: Camera, side: int) -> Camera:
    """Returns the camera of a photograph's canvas."""
    longer = max(camera.width, camera.height)
    right, down = (longer - camera.width) // 2, (longer - camera.height) // 2
    moved = dataclasses.replace(
        camera,
        cx=camera.cx + right,
        cy=camera.cy + down,
        width=longer,
        height=longer,
    )
    return cameras.resized(moved, side, side)


@functools.partial(jax.jit, static_argnames="part")
def _find(
    part: MatchStarts, twin: Twin, gallery: MatchGallery, photographs: Photographs
) -> CoarsePoses:
    squares = canvas(photographs.images, twin.background)
    side = squares.shape[1]
    camera = on_canvas(twin.camera, side)

    def one(square: Array) -> tuple[Array, Array]:
        turned = jnp.stack([jnp.rot90(square, turn) for turn in range(_TURNS)])
        seen = matchers.detect(gallery.detector, turned, part.keypoints)
        ranks = lax.map(lambda query: mutual_nearest(query, gallery.keypoints), seen)
        kept = min(part.shortlist, ranks.size)
        _, best = lax.top_k(ranks.ravel(), kept)
        turn, view = jnp.divmod(best, ranks.shape[1])
        queries = jax.tree.map(lambda leaf: leaf[turn], seen)
        views = jax.tree.map(lambda leaf: leaf[view], gallery.keypoints)
        found = matchers.match(gallery.matcher, views, queries)

        def pose(view: Array, turn: Array, partner: Array, scores: Array) -> Array:
            at = jax.tree.map(lambda leaf: leaf[view], gallery.cameras)
            before = gallery.keypoints.places[view]
            after = _upright(seen.places[turn], turn, side)[partner]
            return _placed(twin.center, at, camera, before, after, scores)

        poses = jax.vmap(pose)(view, turn, found.partner, found.scores)
        matched = jnp.sum(found.partner >= 0, axis=1).astype(jnp.float32)
        costs = jnp.where(matched > 0, -matched, jnp.inf)
        chosen, costs = hypotheses.distinct(poses, costs, part.k)
        return poses[chosen], costs

    return CoarsePoses(*lax.map(one, squares))


def mutual_nearest(query: Keypoints, views: Keypoints) -> Int[Array, " v"]:
    """Returns how many keypoints of each view and of an image are each other's nearest.

    Args:
        query: of one image, [n, ...].
        views: of many, [v, m, ...].
    """
    similarity = jnp.einsum(
        "nd,vmd->vnm",
        query.descriptors,
        views.descriptors,
        precision=lax.Precision.HIGHEST,
    )
    real = query.real[:, None] & views.real[:, None, :]
    similarity = jnp.where(real, similarity, -2.0)
    of_query = jnp.max(similarity, axis=2, keepdims=True)
    of_views = jnp.max(similarity, axis=1, keepdims=True)
    is_both = (similarity == of_query) & (similarity == of_views) & real
    return jnp.sum(is_both, axis=(1, 2)).astype(jnp.int32)


def _upright(
    places: Float[Array, "n 2"], turn: Int[Array, ""], side: int
) -> Float[Array, "n 2"]:
    """Returns where points of an image that was turned by `rot90` were before."""
    x, y = places[:, 0], places[:, 1]
    ways = [(x, y), (side - y, x), (side - x, side - y), (y, side - x)]
    return jnp.stack([jnp.stack(way, axis=-1) for way in ways])[turn]


def _placed(
    center: Array, view: Camera, camera: Camera, before: Array, after: Array, w: Array
) -> Float[Array, "4 4"]:
    """Returns the view's pose, moved as its points have moved to the photograph."""
    here = se3.apply(view.camera_from_world, center)
    ray = here / here[2]
    found = agreeing.similarity(_tangents(view, before), _tangents(camera, after), w)
    zoom = jnp.clip(1 / jnp.linalg.norm(found.factor), 1 / MOST_ZOOM, MOST_ZOOM)
    towards = agreeing.applied(found.factor, ray[:2]) + found.shift
    return placing.placed(
        view.camera_from_world,
        ray,
        jnp.concatenate([towards, jnp.ones_like(towards[:1])]),
        jnp.arctan2(found.factor[1], found.factor[0]),
        zoom,
        center,
    )


def _tangents(camera: Camera, places: Float[Array, "n 2"]) -> Float[Array, "n 2"]:
    """Returns pixels as tangents of the angles to the optical axis."""
    middle = jnp.stack([camera.cx, camera.cy])
    return (places - middle) / jnp.stack([camera.fx, camera.fy])
