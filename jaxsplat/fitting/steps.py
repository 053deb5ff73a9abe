"""One optimiser step, compiled once for each image size."""

import dataclasses
import functools

import jax
import jax.numpy as jnp
from jax import Array
from jaxtyping import Float, Int, PRNGKeyArray

from jaxsplat.core import quaternions
from jaxsplat.core.cameras import Camera
from jaxsplat.fitting import losses
from jaxsplat.fitting.config import FitConfig
from jaxsplat.fitting.state import FitState, adam, parameters, step_sizes
from jaxsplat.fitting.targets import Targets
from jaxsplat.rendering import api as render
from jaxsplat.rendering import projection
from jaxsplat.rendering.backends import Backend
from jaxsplat.scene import gaussians as scene


@jax.tree_util.register_dataclass
@dataclasses.dataclass(frozen=True)
class StepReport:
    """What one step tells: loss, squared error, pairs needed, whether all is finite.

    A step whose loss or gradient is not finite changes nothing.
    """

    loss: Float[Array, ""]
    squared_error: Float[Array, ""]
    needed: Int[Array, ""]
    finite: Array


def _target(
    state: FitState, targets: Targets, view: Array, key: PRNGKeyArray, config: FitConfig
) -> tuple[Array, Array, Array]:
    """Returns the photograph to match, its coverage, and the background behind it.

    Where the object's coverage is known, it is shown in the mean exposure.
    """
    image = targets.images[view].astype(jnp.float32) / 255
    coverage = targets.coverage[view].astype(jnp.float32) / 255
    background = targets.background
    if targets.has_alpha:
        if config.random_background:
            background = losses.random_background(key)
        image = image - state.offsets[view] * coverage[..., None]
        image = losses.over_background(image / state.gains[view], coverage, background)
    return image, coverage, background


def _regularisation(values: dict[str, Array], live: Array, config: FitConfig) -> Array:
    """Returns the pulls of Kheradmand et al. 2024, equation 10; 0 if not `mcmc`."""
    if config.density.kind != "mcmc":
        return jnp.float32(0)
    count = jnp.maximum(jnp.sum(live.astype(jnp.float32)), 1.0)
    share = live.astype(jnp.float32) / count
    opacity = jnp.sum(share * jax.nn.sigmoid(values["opacity_logits"]))
    scale = jnp.sum(share * jnp.mean(jnp.exp(values["log_scales"]), axis=1))
    density = config.density
    return density.opacity_weight * opacity + density.scale_weight * scale


def _radii(splats: projection.Splats, camera: Camera) -> Float[Array, " n"]:
    """Returns each splat's radius in pixels, 0 for those outside the image."""
    size = jnp.array([camera.width, camera.height], jnp.float32)
    outside = jnp.abs(splats.means - 0.5 * size) >= splats.extents + 0.5 * size
    return jnp.where(jnp.any(outside, axis=1), 0.0, jnp.max(splats.extents, axis=1))


@functools.partial(
    jax.jit,
    static_argnames=("config", "backend", "capacity"),
    donate_argnums=0,
)
def train_step(
    state: FitState,
    targets: Targets,
    view: Int[Array, ""],
    key: PRNGKeyArray,
    unit: Float[Array, ""],
    progress: Float[Array, ""],
    *,
    config: FitConfig,
    backend: Backend,
    capacity: int,
    minification: float | Float[Array, ""],
) -> tuple[FitState, StepReport]:
    """Returns the state after one view, and a report. `state` is donated.

    Args:
        state: before the step.
        targets: the views.
        view: index of the view to match.
        key: randomness of this step.
        unit: length of the rates' unit, scene units.
        progress: share of the fit that is done, in [0, 1].
        config: settings.
        backend: of the renderer.
        capacity: slots for (tile, splat) pairs.
        minification: how many times smaller the views are than in the last stage.
    """
    background_key, noise_key = jax.random.split(key)
    camera: Camera = jax.tree.map(lambda leaf: leaf[view], targets.cameras)
    image, coverage, background = _target(state, targets, view, background_key, config)
    offsets = jnp.zeros_like(state.gaussians.means[:, :2])

    def objective(values: dict[str, Array], offsets: Array) -> tuple[Array, tuple]:
        cloud = dataclasses.replace(state.gaussians, **values)
        splats = projection.project(cloud, camera, minification)
        splats = dataclasses.replace(splats, means=splats.means + offsets)
        drawn = render.render_splats(splats, camera, background, backend, capacity)
        loss = losses.photometric(
            drawn.color, image, config.ssim_weight, config.residual_scale
        )
        if config.coverage_weight:
            missed = losses.miscovered(drawn, coverage, targets.has_alpha)
            loss += config.coverage_weight * missed
        loss += _regularisation(values, cloud.live, config)
        error = jnp.mean((jnp.clip(drawn.color, 0, 1) - image) ** 2)
        return loss, (error, drawn.needed, _radii(splats, camera))

    values = parameters(state.gaussians)
    (loss, (error, needed, radius)), (gradient, pull) = jax.value_and_grad(
        objective, argnums=(0, 1), has_aux=True
    )(values, offsets)
    finite = jnp.isfinite(loss)
    for slope in gradient.values():
        finite &= jnp.all(jnp.isfinite(slope))
    with jax.numpy_dtype_promotion("standard"):  # optax has float ** int32
        updates, moments = adam(config.rates.memory).update(gradient, state.moments)
    rates = step_sizes(config.rates, unit, progress)
    moved = {name: values[name] - rates[name] * updates[name] for name in values}
    if config.density.kind == "mcmc":
        moved["means"] += explore(
            dataclasses.replace(state.gaussians, **moved),
            noise_key,
            config.density.noise * rates["means"],
        )
    if state.gaussians.sh_rest is None:
        # A stored scene has no such colours below 0. Clamping them as they are drawn,
        # as Kerbl does, would end their gradients.
        moved["colors"] = jnp.maximum(moved["colors"], 0.0)
    half_size = 0.5 * jnp.array([camera.width, camera.height], jnp.float32)
    after = FitState(
        dataclasses.replace(state.gaussians, **moved),
        moments,
        state.pull + jnp.linalg.norm(pull * half_size, axis=1),
        state.seen + (radius > 0).astype(jnp.float32),
        jnp.maximum(state.radius, radius),
        state.step + 1,
        state.gains,
        state.offsets,
    )
    kept = dataclasses.replace(state, step=state.step + 1)
    after = jax.tree.map(lambda new, old: jnp.where(finite, new, old), after, kept)
    return after, StepReport(loss, error, needed, finite)


def explore(
    gaussians: scene.Gaussians, key: PRNGKeyArray, amount: Array
) -> Float[Array, "n 3"]:
    """Returns exploration noise (Kheradmand et al. 2024, equation 9).

    It follows each Gaussian's covariance and fades out for opaque ones.
    """
    opacity = scene.opacities(gaussians)
    gate = jax.nn.sigmoid(-100 * (opacity - 0.005))
    gate = jnp.where(gaussians.live, gate, 0.0)
    axes = quaternions.to_rotation(gaussians.quats) * scene.scales(gaussians)[:, None]
    noise = jax.random.normal(key, gaussians.means.shape, jnp.float32)
    spread = jnp.einsum("nij,nkj,nk->ni", axes, axes, noise)
    return amount * gate[:, None] * spread
