"""Whole batches: images, gradients and normal equations, their time and memory."""

import functools
import pathlib
from collections.abc import Callable, Sequence

import jax
import jax.numpy as jnp

from experiments import bench_scenes, figures, tracing
from jaxsplat.core.cameras import Camera
from jaxsplat.render import Photograph, api, normal_equations
from jaxsplat.render.backends import Backend
from jaxsplat.scene import ply
from jaxsplat.scene.gaussians import Gaussians

# Images rendered together; larger batches go in rounds, so that memory is bounded.
_TOGETHER = 8

Product = Callable[[Gaussians, Camera], object]


def load(path: str, count: int) -> Gaussians:
    """Returns the scene of a PLY file, without one `count` clustered Gaussians."""
    return ply.read_ply(path) if path else bench_scenes.clusters(count)


def products(backend: Backend, capacity: int, size: int) -> dict[str, Product]:
    """Returns what is timed, each a function of the cloud and a stack of cameras."""
    grey = jnp.full((size, size, 3), 0.5)

    def color(gaussians: Gaussians, camera: Camera) -> jax.Array:
        return api.render(gaussians, camera, backend=backend, capacity=capacity).color

    def images(gaussians: Gaussians, cameras: Camera) -> object:
        return jax.lax.map(
            lambda camera: color(gaussians, camera), cameras, batch_size=_TOGETHER
        )

    def gradients(gaussians: Gaussians, cameras: Camera) -> object:
        def loss(means: jax.Array, colors: jax.Array, camera: Camera) -> jax.Array:
            fields = gaussians.log_scales, gaussians.quats, gaussians.opacity_logits
            scene = Gaussians(means, *fields, colors, gaussians.live)
            return jnp.sum((color(scene, camera) - grey) ** 2)

        def add(total: tuple, camera: Camera) -> tuple[tuple, jax.Array]:
            slopes = jax.grad(loss, argnums=(0, 1, 2))(
                gaussians.means, gaussians.colors, camera
            )
            summed = jax.tree.map(jnp.add, total, slopes[:2])
            return summed, slopes[2].camera_from_world

        zeros = jnp.zeros_like(gaussians.means), jnp.zeros_like(gaussians.colors)
        return jax.lax.scan(add, zeros, cameras)

    def equations(gaussians: Gaussians, cameras: Camera) -> object:
        seen = Photograph(
            grey, grey[..., 0], jnp.ones(3), jnp.zeros(3), jnp.float32(0.2)
        )

        def one(camera: Camera) -> object:
            found = normal_equations(
                gaussians, camera, seen, backend=backend, capacity=capacity
            )
            return found.matrix, found.vector, found.cost

        return jax.lax.map(one, cameras, batch_size=_TOGETHER)

    return {"image": images, "gradient": gradients, "normal_equations": equations}


def measure(
    gaussians: Gaussians,
    sizes: Sequence[int],
    batches: Sequence[int],
    backend: Backend,
    repeats: int,
) -> dict[str, object]:
    """Returns milliseconds and memory of every product, size and batch, and ratios."""
    rows: list[dict[str, object]] = []
    ratios: dict[str, float] = {}
    for size in sizes:
        for batch in batches:
            cameras = bench_scenes.orbit(batch, size)
            capacity = api.plan(gaussians, cameras, slack=1.05, backend=backend)
            programs, runs = {}, {}
            for name, product in products(backend, capacity, size).items():
                flat, leaves = tracing.flattened(product, gaussians, cameras)
                programs[name] = jax.jit(flat).lower(*leaves).compile()
                runs[name] = functools.partial(programs[name], *leaves)
            times = bench_scenes.fastest(runs, repeats)
            for name, program in programs.items():
                memory = program.memory_analysis()
                rows.append(
                    {
                        "product": name,
                        "size": size,
                        "batch": batch,
                        "milliseconds": times[name],
                        "milliseconds_per_image": times[name] / batch,
                        "memory_megabytes": memory and memory.temp_size_in_bytes / 1e6,
                    }
                )
                if name != "image":
                    ratio = times[name] / times["image"]
                    ratios[f"{name}_over_image_{size}_{batch}"] = ratio
    return {
        "gaussians": int(gaussians.means.shape[0]),
        "backend": backend,
        "together": _TOGETHER,
        "rows": rows,
        "ratios": ratios,
    }


def plot(found: dict, path: pathlib.Path) -> None:
    """Draws milliseconds per image over the batch, a line for each product and size.

    Raises:
        ConfigError: matplotlib is not installed.
    """
    canvas = figures.canvas(8, 4.5)
    axes = canvas.add_subplot(
        xlabel="batch", ylabel="milliseconds per image", xscale="log", yscale="log"
    )
    lines: dict[str, list[tuple[float, float]]] = {}
    for row in found["rows"]:
        label = f"{row['product']}, {row['size']} px"
        point = row["batch"], row["milliseconds_per_image"]
        lines.setdefault(label, []).append(point)
    for label, points in lines.items():
        axes.plot(*zip(*points, strict=True), marker="o", label=label)
    batches = sorted({row["batch"] for row in found["rows"]})
    axes.set_xticks(batches, [str(batch) for batch in batches])
    axes.tick_params(axis="x", which="minor", bottom=False, labelbottom=False)
    canvas.legend(loc="outside right upper")
    axes.grid(alpha=0.3)
    figures.save(canvas, path)
