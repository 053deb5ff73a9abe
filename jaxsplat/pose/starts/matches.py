"""Coarse poses from matches of local features with the training views.

The view with most matches is the start, as in IGSPAD (Sec. 3.2.2), which asks LightGlue
about every view. Here mutual nearest descriptors, a matrix product, say which views are
worth asking about, and with which turn of the photograph, as features know no turns.
The matched points then tell where in the photograph the object is, how it is turned
and how large; or, with their depths in the twin, the pose itself (`pnp.py`).

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
from jaxsplat.core import precision, se3
from jaxsplat.core.cameras import Camera
from jaxsplat.data.splits import evenly
from jaxsplat.data.views import View, over_background, posed_cameras
from jaxsplat.errors import ConfigError
from jaxsplat.matchers import KeypointDetector, KeypointMatcher, Keypoints
from jaxsplat.pose import hypotheses
from jaxsplat.pose.estimate import CoarsePoses
from jaxsplat.pose.photographs import Photographs
from jaxsplat.pose.starts import agreeing, canvases, placing, pnp, surface
from jaxsplat.pose.starts.placing import MOST_ZOOM
from jaxsplat.pose.starts.surface import Surface
from jaxsplat.rendering import api as render_api
from jaxsplat.rendering.twin import Twin

_TURNS = 4  # quarter turns, all around
_TOGETHER = 8  # views of one size whose keypoints are found at once
_RANKED = 16  # views that are compared with an image at once
_SEED = 0  # of RANSAC's samples


@jax.tree_util.register_dataclass
@dataclasses.dataclass(frozen=True)
class MatchGallery:
    """The training views' features, and the networks.

    Attributes:
        keypoints: of all views, [v, n, ...].
        cameras: of the views, whose intrinsics are those of square canvases, [v].
        detector: of the photographs' keypoints.
        matcher: of theirs and the views'.
        surface: where the keypoints are on the twin; None unless poses are solved for.
    """

    keypoints: Keypoints
    cameras: Camera
    detector: KeypointDetector
    matcher: KeypointMatcher
    surface: Surface | None = None


@dataclasses.dataclass(frozen=True)
class MatchStarts:
    """The finder: the views with most matches, in any of four turns.

    Costs are minus the number of matches, or of those that agree with the pose. They
    are infinite for poses that only fill up, and for photographs without enough.

    Attributes:
        k: poses of each photograph; they look at the object from different sides.
        detector: name of the local features, see `matchers.load_detector`.
        detector_file: their weights; None for what comes with the package.
        matcher: name of what matches them, see `matchers.load_matcher`.
        matcher_file: its weights; None for what comes with the package.
        keypoints: number of each image.
        shortlist: number of views that the matcher is asked about.
        most_views: number of views that are kept, evenly spread; all when None.
        least: matches, or those that agree with the pose, that a view must have.
        side: longer side in pixels of the images that features are taken from; larger
            ones are shrunk to it.
        pnp: whether poses are solved for by perspective-n-point on the twin's depth,
            where the views' own, moved as the matched points moved, are the start.
    """

    k: int = 4
    detector: str = "xfeat"
    detector_file: str | None = None
    matcher: str = "lighterglue"
    matcher_file: str | None = None
    keypoints: int = 256
    shortlist: int = 16
    most_views: int | None = None
    least: int = 1
    side: int = 384
    pnp: bool = False

    def __post_init__(self) -> None:
        for name in ("k", "keypoints", "shortlist", "least", "side"):
            if getattr(self, name) < 1:
                raise ConfigError(
                    f"{name}: found {getattr(self, name)}, expected 1 or more"
                )
        if self.most_views is not None and self.most_views < 1:
            raise ConfigError(
                f"most_views: found {self.most_views}, expected 1 or more"
            )

    def prepare(
        self, twin: Twin, views: Sequence[View], key: PRNGKeyArray
    ) -> MatchGallery:
        """Finds the keypoints of the views; see `parts.Starts`."""
        del key
        if self.most_views is not None:
            views = evenly(views, self.most_views)
        detector = matchers.load_detector(self.detector, self.detector_file)
        matcher = matchers.load_matcher(self.matcher, self.matcher_file)
        posed = posed_cameras(views)
        background = np.asarray(twin.background)
        found = []
        for start in range(0, len(views), _TOGETHER):
            some = views[start : start + _TOGETHER]
            images = np.stack([over_background(view, background) for view in some])
            squares = canvases.canvas(jnp.asarray(images), twin.background, self.side)
            found.append(matchers.detect(detector, squares, self.keypoints))
        keypoints = jax.tree.map(lambda *parts: jnp.concatenate(parts), *found)
        square = jax.vmap(lambda view: canvases.on_canvas(view, keypoints.width))(posed)
        known = None
        if self.pnp:
            capacity = render_api.plan(twin.gaussians, square, in_octave=2)
            planned = dataclasses.replace(twin, capacity=capacity)
            known = surface.find_surface(planned, square, keypoints.places)
        return MatchGallery(keypoints, square, detector, matcher, known)

    def __call__(
        self, twin: Twin, state: MatchGallery, photographs: Photographs
    ) -> CoarsePoses:
        """Returns coarse poses; see `parts.Starts`."""
        twin, photographs = precision.single((twin, photographs))
        return _find(self, twin, state, photographs)


@functools.partial(jax.jit, static_argnames="part")
def _find(
    part: MatchStarts, twin: Twin, gallery: MatchGallery, photographs: Photographs
) -> CoarsePoses:
    squares = canvases.canvas(photographs.images, twin.background, part.side)
    side = squares.shape[1]
    camera = canvases.on_canvas(twin.camera, side)

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

        def pose(
            view: Array, turn: Array, partner: Array, scores: Array
        ) -> tuple[Array, Array]:
            at = jax.tree.map(lambda leaf: leaf[view], gallery.cameras)
            before = canvases.tangents(at, gallery.keypoints.places[view])
            places = _upright(seen.places[turn], turn, side)[partner]
            after = canvases.tangents(camera, places)
            pose = at.camera_from_world
            start = _placed(twin.center, pose, before, after, scores)
            if gallery.surface is None:
                return start, jnp.sum(partner >= 0, dtype=jnp.int32)
            points = gallery.surface.points[view]
            weights = jnp.where(gallery.surface.covered[view], scores, 0.0)
            key = jax.random.key(_SEED)
            return pnp.solve(points, after, weights, start, twin.center, key)

        poses, counts = jax.vmap(pose)(view, turn, found.partner, found.scores)
        matched = counts.astype(jnp.float32)
        costs = jnp.where(counts >= part.least, -matched, jnp.inf)
        chosen, costs = hypotheses.distinct(poses, costs, part.k)
        return poses[chosen], costs

    return CoarsePoses(*lax.map(one, squares))


def mutual_nearest(query: Keypoints, views: Keypoints) -> Int[Array, " v"]:
    """Returns how many keypoints of each view and of an image are each other's nearest.

    Args:
        query: of one image, [n, ...].
        views: of many, [v, m, ...].
    """

    def of_view(view: tuple[Array, Array]) -> Array:
        descriptors, real = view
        similarity = se3.matmul(query.descriptors, descriptors.T)
        both = query.real[:, None] & real
        similarity = jnp.where(both, similarity, -2.0)
        is_best = similarity == jnp.max(similarity, axis=1, keepdims=True)
        is_best &= similarity == jnp.max(similarity, axis=0, keepdims=True)
        return jnp.sum(is_best & both, dtype=jnp.int32)

    # Not all at once: a grid's cells are thousands.
    return lax.map(of_view, (views.descriptors, views.real), batch_size=_RANKED)


def _upright(
    places: Float[Array, "n 2"], turn: Int[Array, ""], side: int
) -> Float[Array, "n 2"]:
    """Returns where points of an image that was turned by `rot90` were before."""
    x, y = places[:, 0], places[:, 1]
    ways = [(x, y), (side - y, x), (side - x, side - y), (y, side - x)]
    return jnp.stack([jnp.stack(way, axis=-1) for way in ways])[turn]


def _placed(
    center: Array, pose: Array, before: Array, after: Array, weights: Array
) -> Float[Array, "4 4"]:
    """Returns a view's pose, moved as its points have moved to the photograph."""
    here = se3.apply(pose, center)
    ray = here / here[2]
    found = agreeing.similarity(before, after, weights)
    zoom = jnp.clip(1 / jnp.linalg.norm(found.factor), 1 / MOST_ZOOM, MOST_ZOOM)
    towards = agreeing.applied(found.factor, ray[:2]) + found.shift
    return placing.placed(
        pose,
        ray,
        jnp.concatenate([towards, jnp.ones_like(towards[:1])]),
        jnp.arctan2(found.factor[1], found.factor[0]),
        zoom,
        center,
    )
