"""Small clouds, cameras and comparisons for the tests of render, fit and scene."""

import dataclasses
import functools
from collections.abc import Mapping, Sequence

import jax
import jax.numpy as jnp
import numpy as np

from jaxsplat.core import cameras
from jaxsplat.core.cameras import Camera
from jaxsplat.errors import ConfigError
from jaxsplat.rendering import api as render
from jaxsplat.rendering.backends import BACKENDS, Backend, resolve_backend
from jaxsplat.scene.gaussians import Gaussians
from tests.helpers import numpy_renderer

CAPACITY = 4096
BACKGROUND = (0.2, 0.5, 0.9)


def runnable() -> list[Backend]:
    """Returns the backends of this machine: GPU kernels only on a GPU.

    `JAX_PLATFORMS=cuda,cpu python -m pytest tests/render` checks them there.
    """
    return [backend for backend in BACKENDS if _runs(backend)]


def _runs(backend: Backend) -> bool:
    try:
        resolve_backend(backend)
    except ConfigError:
        return False
    return True


def cloud(
    n: int = 24,
    seed: int = 0,
    *,
    log_scale: float = -1.8,
    spread: float = 1.0,
    logit: float = 0.5,
    degree: int = 0,
) -> Gaussians:
    """Returns random anisotropic Gaussians in a cube about the origin."""
    rng = np.random.default_rng(seed)
    rest = (degree + 1) ** 2 - 1

    def array(values: np.ndarray) -> jax.Array:
        return jnp.asarray(values, jnp.float32)

    return Gaussians(
        means=array(rng.uniform(-spread, spread, (n, 3))),
        log_scales=array(log_scale + 0.7 * rng.normal(size=(n, 3))),
        quats=array(rng.normal(size=(n, 4))),
        opacity_logits=array(logit + 1.2 * rng.normal(size=n)),
        colors=array(rng.uniform(size=(n, 3))),
        live=jnp.ones(n, bool),
        sh_rest=array(0.4 * rng.normal(size=(n, rest, 3))) if rest else None,
    )


def camera(
    width: int = 29,
    height: int = 21,
    *,
    eye: Sequence[float] = (0.4, -4.0, 1.0),
    focal: float = 1.4,
    aspect: float = 1.1,
    shift: tuple[float, float] = (1.3, -2.2),
) -> Camera:
    """Returns a camera that looks at the origin.

    Args:
        width: in pixels; `height` likewise.
        height: see `width`.
        eye: its position.
        focal: fx over the width.
        aspect: fy over fx.
        shift: principal point minus the image's middle, pixels.
    """
    pose = cameras.look_at(np.array(eye), np.zeros(3), np.array([0.0, 0.0, 1.0]))
    return Camera(
        jnp.asarray(pose),
        *(
            jnp.float32(value)
            for value in (
                focal * width,
                focal * aspect * width,
                width / 2 + shift[0],
                height / 2 + shift[1],
            )
        ),
        width=width,
        height=height,
    )


def frontal(width: int = 29, height: int = 21, focal: float = 30.0) -> Camera:
    """Returns a camera at the origin that looks along z, centred."""
    middle = jnp.float32(width / 2), jnp.float32(height / 2)
    return Camera(
        jnp.eye(4), jnp.float32(focal), jnp.float32(focal), *middle, width, height
    )


def rows(gaussians: Gaussians, index: object) -> Gaussians:
    """Returns the given rows."""
    return jax.tree.map(lambda leaf: leaf[index], gaussians)


def changed(
    gaussians: Gaussians, name: str, row: int, value: float | Sequence[float]
) -> Gaussians:
    """Returns the cloud with one row of one field set."""
    leaf = getattr(gaussians, name)
    return dataclasses.replace(
        gaussians, **{name: leaf.at[row].set(jnp.asarray(value, leaf.dtype))}
    )


def draw(
    gaussians: Gaussians,
    view: Camera,
    backend: Backend,
    capacity: int = CAPACITY,
    background: Sequence[float] = BACKGROUND,
) -> render.Rendered:
    """Returns the rendered view."""
    return render.render(
        gaussians,
        view,
        background=jnp.asarray(background, jnp.float32),
        backend=backend,
        capacity=capacity,
    )


def objective(
    gaussians: Gaussians, view: Camera, backend: Backend, capacity: int
) -> jax.Array:
    """Returns a smooth number that depends on every pixel of every output."""
    return _value(draw(gaussians, view, backend, capacity))


def _value(drawn: render.Rendered) -> jax.Array:
    wave, weight = waves(*drawn.alpha.shape)
    return (
        jnp.sum((drawn.color - jnp.float32(0.3 + 0.2 * wave)[..., None]) ** 2)
        + jnp.sum(jnp.float32(wave) * drawn.alpha)
        + jnp.sum(jnp.float32(weight) * drawn.depth)
    )


def waves(height: int, width: int) -> tuple[np.ndarray, np.ndarray]:
    """Returns two smooth images by which `objective` weighs pixels."""
    ys, xs = np.indices((height, width))
    return np.sin(0.7 * xs + 0.4 * ys), 0.1 * np.cos(0.3 * xs - 0.5 * ys)


def oracle_objective(scene: numpy_renderer.Scene) -> float:
    """Returns `objective` of the NumPy renderer."""
    color, alpha, depth = numpy_renderer.render(scene, np.array(BACKGROUND))
    wave, weight = waves(scene.height, scene.width)
    squares = (color - (0.3 + 0.2 * wave)[..., None]) ** 2
    return float(squares.sum() + (wave * alpha).sum() + (weight * depth).sum())


@functools.partial(jax.jit, static_argnames=("backend", "capacity"))
def evaluate(
    gaussians: Gaussians, view: Camera, backend: Backend, capacity: int
) -> tuple[dict[str, jax.Array], render.Rendered]:
    """Returns the gradient of `objective`, by field, and the rendered view."""

    def value(by_name: dict[str, jax.Array]) -> tuple[jax.Array, render.Rendered]:
        drawn = draw(*replaced(gaussians, view, by_name), backend, capacity)
        return _value(drawn), drawn

    return jax.grad(value, has_aux=True)(named(gaussians) | named(view))


def gradients(
    gaussians: Gaussians,
    view: Camera,
    backend: Backend,
    capacity: int = CAPACITY,
) -> dict[str, jax.Array]:
    """Returns the gradient of `objective`, by field of the cloud and the camera."""
    return evaluate(gaussians, view, backend, capacity)[0]


def named(record: Gaussians | Camera) -> dict[str, jax.Array]:
    """Returns the floating-point arrays of a record by field."""
    fields = {f.name: getattr(record, f.name) for f in dataclasses.fields(record)}
    return {
        name: value
        for name, value in fields.items()
        if isinstance(value, jax.Array) and value.dtype == jnp.float32
    }


def replaced(
    gaussians: Gaussians, view: Camera, by_name: Mapping[str, jax.Array]
) -> tuple[Gaussians, Camera]:
    """Returns both records with the fields of `by_name` exchanged."""
    of_cloud = {f.name for f in dataclasses.fields(gaussians)}
    return (
        dataclasses.replace(
            gaussians, **{k: v for k, v in by_name.items() if k in of_cloud}
        ),
        dataclasses.replace(
            view, **{k: v for k, v in by_name.items() if k not in of_cloud}
        ),
    )


def oracle(gaussians: Gaussians, view: Camera) -> numpy_renderer.Scene:
    """Returns the same scene for the NumPy renderer."""
    arrays = named(gaussians) | named(view)
    return numpy_renderer.Scene(
        **{name: np.asarray(value, np.float64) for name, value in arrays.items()},
        live=np.asarray(gaussians.live),
        width=view.width,
        height=view.height,
    )


def relative_differences(
    found: Mapping[str, jax.Array], expected: Mapping[str, jax.Array]
) -> dict[str, float]:
    """Returns |found - expected| / |expected| of each array."""
    assert found.keys() == expected.keys()
    return {
        name: float(
            np.linalg.norm(np.asarray(found[name]) - np.asarray(expected[name]))
            / max(np.linalg.norm(np.asarray(expected[name])), 1e-30)
        )
        for name in expected
    }


def all_finite(tree: object) -> bool:
    """Returns whether every number of a tree is finite."""
    return all(np.isfinite(np.asarray(leaf)).all() for leaf in jax.tree.leaves(tree))
