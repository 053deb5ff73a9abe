"""Adam over the seven screw parameters of one photograph, the best pose kept."""

from typing import NamedTuple

import jax
import jax.numpy as jnp
import optax
from jax import Array, lax
from jaxtyping import Bool, Float, Int

from jaxsplat.core import se3
from jaxsplat.core.screw import screw_exp, screw_exp_published
from jaxsplat.pose.estimate import Outcome, PoseEstimate
from jaxsplat.pose.refine.photometric import Look, Scene, look
from jaxsplat.pose.visibility import shows_object
from jaxsplat.rendering.exposure import neutral

# Converged: the last steps lowered the best loss by less than this share. As many
# steps as it takes to leave the saddle, where the loss stands still as well.
SETTLED_STEPS = 25
SETTLED_SHARE = 0.01


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


_State = tuple[Float[Array, "7"], optax.OptState, _Best]


def learning_rate(step: Int[Array, ""]) -> Float[Array, ""]:
    """Returns the rate of a step, counted from 0, as the published code has it.

    It starts Adam at .001 (the paper's rate) and sets .01 * .8^(k/100) after k steps.
    """
    decayed = 0.01 * jnp.float32(0.8) ** (step.astype(jnp.float32) / 100)
    return jnp.where(step == 0, 0.001, decayed)


def motion(
    parameters: Float[Array, "7"], center: Float[Array, "3"], published: bool = False
) -> Float[Array, "4 4"]:
    """Returns the world's motion T (SplatPose, equations 4 to 6).

    Args:
        parameters: axis w, moment v in scene units per radian, angle in radians.
        center: point about which the motion is carried out, [3]; the paper's is the
            origin, which is where its data sets have the object.
        published: the published code's variant, whose upper left block is no rotation:
            x' = R(w)^T x + t with w of any length.
    """
    axis, moment, angle = parameters[:3], parameters[3:6], parameters[6]
    if not published:
        return se3.about(screw_exp(axis, moment, angle), center)
    moved = screw_exp_published(axis, moment, angle)
    return se3.about(se3.from_parts(moved[:3, :3].T, moved[:3, 3]), center)


def descend(
    scene: Scene,
    query: Float[Array, "h w 3"],
    start: Float[Array, "4 4"],
    parameters: Float[Array, "7"],
    *,
    steps: Int[Array, ""],
    published: bool,
) -> PoseEstimate:
    """Returns the best pose on the way of Adam from one start.

    A pose other than the start counts when its loss is finite and both it and the
    photograph show the object: of an empty photograph an empty render is the best. A
    step whose loss or gradient is not finite ends the search, since all later ones
    would be the same.

    Args:
        scene: what is rendered.
        query: the photograph, [h, w, 3].
        start: coarse `camera_from_world`, [4, 4].
        parameters: where axis, moment and angle start, [7].
        steps: number of Adam steps.
        published: as in `motion`.
    """
    adam = optax.adam(learning_rate, b1=0.9, b2=0.999, eps=1e-8)
    shown = shows_object(query, scene.twin.background)

    def moved(parameters: Array) -> Array:
        return se3.matmul(start, motion(parameters, scene.twin.center, published))

    def loss_at(parameters: Array) -> tuple[Array, Look]:
        seen = look(scene, query, moved(parameters))
        return seen.loss, seen

    def step(index: Array, state: _State) -> _State:
        parameters, moments, best = state
        (_, seen), gradient = jax.value_and_grad(loss_at, has_aux=True)(parameters)
        best = _keep_best(best, moved(parameters), seen, shown)
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
        return jnp.where(moves, parameters + update, parameters), moments, best

    worst = jnp.float32(jnp.inf)
    none = jnp.int32(0)
    best = _Best(start, worst, worst, jnp.bool(True), jnp.bool(True), none, none)
    state: _State = (parameters, adam.init(parameters), best)
    # Once more than there are steps, to see the last pose. One gradient too many takes
    # less time than compiling another render.
    best = lax.fori_loop(jnp.int32(0), steps + 1, step, state)[2]
    return _estimate(scene, query, best, shown, published)


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


def _estimate(
    scene: Scene, query: Array, best: _Best, shown: Array, published: bool
) -> PoseEstimate:
    pose, loss = best.pose, best.loss
    if published:
        # Its motions stretch a little; what is returned is rigid, with its own loss.
        rigid = se3.orthonormalize(pose)
        pose = jnp.where(jnp.isfinite(loss), rigid, pose)
        loss = jnp.where(jnp.isfinite(loss), look(scene, query, rigid).loss, loss)
    settled = best.loss_before - best.loss <= SETTLED_SHARE * best.loss_before
    settled = settled & jnp.isfinite(best.loss_before)
    outcome = jnp.where(settled, int(Outcome.CONVERGED), int(Outcome.MAX_STEPS))
    outcome = jnp.where(shown & best.visible, outcome, int(Outcome.OUT_OF_VIEW))
    outcome = jnp.where(best.finite, outcome, int(Outcome.NONFINITE))
    return PoseEstimate(
        pose,
        loss,
        best.steps,
        outcome.astype(jnp.int32),
        jnp.full((6, 6), jnp.nan, jnp.float32),
        neutral(scene.twin.background),
        best.needed,
    )
