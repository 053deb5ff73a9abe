"""Adam along a path of poses for one photograph, the best pose kept."""

from collections.abc import Callable
from typing import NamedTuple, Protocol, runtime_checkable

import jax
import jax.numpy as jnp
import optax
from jax import Array, lax
from jaxtyping import Bool, Float, Int

from jaxsplat.pose.estimate import Outcome, PoseEstimate
from jaxsplat.pose.refine.photometric import Look, Scene, look
from jaxsplat.pose.visibility import shows_object
from jaxsplat.rendering.exposure import neutral

# Converged: the last steps lowered the best loss by less than this share. As many
# steps as SplatPose's search takes to leave its saddle, where the loss stands still.
SETTLED_STEPS = 25
SETTLED_SHARE = 0.01


@runtime_checkable
class Path(Protocol):
    """Where a search can go: poses, as points that Adam's steps lead between."""

    @property
    def dimension(self) -> int:
        """How many numbers a step has."""

    def pose(self, point: Array) -> Float[Array, "4 4"]:
        """Returns the `camera_from_world` of a point."""

    def moved(self, point: Array, step: Float[Array, " d"]) -> Array:
        """Returns the point after a step."""

    def rate(self, step: Int[Array, ""]) -> Float[Array, ""]:
        """Returns Adam's rate of a step, counted from 0."""


class Weighting(NamedTuple):
    """Weights of a photograph's pixels, made anew on the way.

    Attributes:
        weigh: returns the weights at a pose, [h, w].
        every: steps between two times.
    """

    weigh: Callable[[Array], Array]
    every: int


class _Best(NamedTuple):
    """The best pose so far and what it took to find it.

    `visible` and `finite` are those of the latest pose; `loss_before` is the best loss
    at `SETTLED_STEPS` steps before the last.
    """

    pose: Float[Array, "4 4"]
    loss: Float[Array, ""]
    loss_before: Float[Array, ""]
    visible: Bool[Array, ""]
    finite: Bool[Array, ""]
    steps: Int[Array, ""]
    needed: Int[Array, ""]


_State = tuple[Array, optax.OptState, _Best]
_NOTHING = jnp.inf  # the loss where no pose was tried yet


def descend(
    scene: Scene,
    query: Float[Array, "h w 3"],
    path: Path,
    point: Array,
    *,
    steps: Int[Array, ""],
    weighting: Weighting | None = None,
) -> PoseEstimate:
    """Returns the best pose on the way of Adam from one start.

    A pose other than the start counts when its loss is finite and both it and the
    photograph show the object: of an empty photograph an empty render is the best. A
    step whose loss or gradient is not finite ends the search, since all later ones
    would be the same. Losses by other weights are not compared: the best is then that
    since the weights were made last.

    Args:
        scene: what is rendered.
        query: the photograph, [h, w, 3].
        path: where the search can go.
        point: where it starts.
        steps: number of Adam steps.
        weighting: of the photograph's pixels; all alike when None.
    """
    adam = optax.adam(path.rate, b1=0.9, b2=0.999, eps=1e-8)
    shown = shows_object(query, scene.twin.background)
    still = jnp.zeros(path.dimension, jnp.float32)

    def step(index: Array, state: _State, weights: Array | None = None) -> _State:
        point, moments, best = state

        def loss_after(step: Array) -> tuple[Array, Look]:
            seen = look(scene, query, path.pose(path.moved(point, step)), weights)
            return seen.loss, seen

        (_, seen), gradient = jax.value_and_grad(loss_after, has_aux=True)(still)
        best = _keep_best(best, path.pose(point), seen, shown)
        finite = best.finite & jnp.all(jnp.isfinite(gradient))
        moves = finite & (index < steps)
        best = best._replace(
            finite=finite,
            steps=best.steps + moves.astype(jnp.int32),
            loss_before=jnp.where(
                index == steps - SETTLED_STEPS, best.loss, best.loss_before
            ),
        )
        # optax raises a float to an integer power, which strict promotion forbids.
        with jax.numpy_dtype_promotion("standard"):
            update, advanced = adam.update(gradient, moments)
        moments = jax.tree.map(
            lambda new, old: jnp.where(moves, new, old), advanced, moments
        )
        return jnp.where(moves, path.moved(point, update), point), moments, best

    worst = jnp.float32(_NOTHING)
    start, none = path.pose(point), jnp.int32(0)
    best = _Best(start, worst, worst, jnp.bool(True), jnp.bool(True), none, none)
    state: _State = (point, adam.init(still), best)
    # Once more than there are steps, to see the last pose. One gradient too many takes
    # less time than compiling another render.
    if weighting is None:
        best = lax.fori_loop(jnp.int32(0), steps + 1, step, state)[2]
        return _estimate(scene, best, shown)
    weigh, every = weighting

    def part(index: Array, state: _State) -> _State:
        point, moments, best = state
        weights = weigh(path.pose(point))
        first = index * every
        last = jnp.where(first + every < steps, first + every, steps + 1)
        state = point, moments, best._replace(loss=worst, loss_before=worst)
        return lax.fori_loop(first, last, lambda k, s: step(k, s, weights), state)

    parts = jnp.maximum((steps + every - 1) // every, 1)
    best = lax.fori_loop(jnp.int32(0), parts, part, state)[2]
    return _estimate(scene, best, shown)


def _keep_best(best: _Best, pose: Array, seen: Look, shown: Array) -> _Best:
    """Returns the better of the best pose so far and another one; any beats none."""
    # The renderer leaves out what is not finite, so a bad pose has a finite loss.
    finite = best.finite & jnp.all(jnp.isfinite(pose)) & jnp.isfinite(seen.loss)
    counts = (seen.visible & shown) | jnp.isinf(best.loss)
    better = finite & counts & (seen.loss < best.loss)
    return best._replace(
        pose=jnp.where(better, pose, best.pose),
        loss=jnp.where(better, seen.loss, best.loss),
        visible=seen.visible,
        finite=finite,
        needed=jnp.maximum(best.needed, seen.needed),
    )


def _estimate(scene: Scene, best: _Best, shown: Array) -> PoseEstimate:
    settled = best.loss_before - best.loss <= SETTLED_SHARE * best.loss_before
    settled = settled & jnp.isfinite(best.loss_before)
    outcome = jnp.where(settled, int(Outcome.CONVERGED), int(Outcome.MAX_STEPS))
    outcome = jnp.where(shown & best.visible, outcome, int(Outcome.OUT_OF_VIEW))
    outcome = jnp.where(best.finite, outcome, int(Outcome.NONFINITE))
    return PoseEstimate(
        best.pose,
        best.loss,
        best.steps,
        outcome.astype(jnp.int32),
        jnp.full((6, 6), jnp.nan, jnp.float32),
        neutral(scene.twin.background),
        best.needed,
    )
