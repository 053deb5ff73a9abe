"""Whole batches: images, gradients and normal equations, their time and memory."""

import functools
import math
import pathlib
from collections.abc import Callable, Sequence
from typing import Any

import jax
import jax.numpy as jnp

from experiments.bench import clocks, peers, processors, scenes, tracing
from jaxsplat.core.cameras import Camera
from jaxsplat.rendering import Photograph, api, normal_equations, tile_lists
from jaxsplat.rendering.backends import Backend
from jaxsplat.scene import splats
from jaxsplat.scene.gaussians import Gaussians
from jaxsplat.study import figures

# Images rendered together; larger batches go in rounds, so that memory is bounded.
_TOGETHER = 16
_LONGEST = 8  # kernels that are named

Product = Callable[[Gaussians, Camera], object]


def load(path: str, count: int) -> Gaussians:
    """Returns the scene of a PLY file, without one `count` clustered Gaussians."""
    return splats.read_splats(path) if path else scenes.clusters(count)


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
        def loss(means: jax.Array, colors: jax.Array, some: Camera) -> jax.Array:
            fields = gaussians.log_scales, gaussians.quats, gaussians.opacity_logits
            scene = Gaussians(means, *fields, colors, gaussians.live)
            drawn = jax.vmap(lambda camera: color(scene, camera))(some)
            return jnp.sum((drawn - grey) ** 2)

        def add(total: tuple, some: Camera) -> tuple[tuple, jax.Array]:
            slopes = jax.grad(loss, argnums=(0, 1, 2))(
                gaussians.means, gaussians.colors, some
            )
            summed = jax.tree.map(jnp.add, total, slopes[:2])
            return summed, slopes[2].camera_from_world

        zeros = jnp.zeros_like(gaussians.means), jnp.zeros_like(gaussians.colors)
        together = math.gcd(len(cameras.fx), _TOGETHER)
        groups = jax.tree.map(lambda x: x.reshape(-1, together, *x.shape[1:]), cameras)
        return jax.lax.scan(add, zeros, groups)

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
    counts: Sequence[int],
    backend: Backend,
    repeats: int,
    beside: Sequence[str] = (),
) -> dict[str, object]:
    """Returns milliseconds and memory of every product, size and batch, and ratios.

    Peers that cannot run are named with the reason.

    Args:
        gaussians: the scene.
        sizes: image sides in pixels.
        counts: numbers of images of a batch.
        backend: ours.
        repeats: rounds, of which the fastest counts.
        beside: which of `peers.PEERS` are timed too.
    """
    absent = {peer: peers.missing(peer) for peer in beside}
    running = [peer for peer, reason in absent.items() if not reason]
    rows: list[dict[str, object]] = []
    ratios: dict[str, float] = {}
    for size in sizes:
        for batch in counts:
            found = _measure_one(gaussians, size, batch, backend, repeats, running)
            rows += found
            by_name = {str(row["product"]): row["milliseconds"] for row in found}
            for name in ("gradient", "normal_equations"):
                ratio = by_name[name] / by_name["image"]
                ratios[f"{name}_over_image_{size}_{batch}"] = ratio
            for peer in running:
                for name in ("image", "gradient"):
                    ratio = by_name[name] / by_name[f"{peer}_{name}"]
                    ratios[f"{name}_over_{peer}_{size}_{batch}"] = ratio
    return {
        "gaussians": int(gaussians.means.shape[0]),
        "backend": backend,
        "together": _TOGETHER,
        "peers": {peer: reason or "measured" for peer, reason in absent.items()},
        "rows": rows,
        "ratios": ratios,
    }


def _measure_one(
    gaussians: Gaussians,
    size: int,
    batch: int,
    backend: Backend,
    repeats: int,
    beside: Sequence[str],
) -> list[dict[str, Any]]:
    """Returns a row for each product of ours and of the peers."""
    cameras = scenes.orbit(batch, size)
    capacity = api.plan(gaussians, cameras, slack=1.05)
    programs, arguments = {}, {}
    runs: dict[str, Callable[[], object]] = {}
    for name, product in products(backend, capacity, size).items():
        flat, leaves = tracing.flattened(product, gaussians, cameras)
        programs[name] = jax.jit(flat).lower(*leaves).compile()
        arguments[name] = leaves
        runs[name] = functools.partial(programs[name], *leaves)
    for peer in beside:
        for name, run in peers.PEERS[peer](gaussians, cameras).items():
            runs[f"{peer}_{name}"] = run
    times = clocks.fastest(runs, repeats)
    limits = processors.limits(pairs(gaussians, cameras, capacity), repeats)
    rows: list[dict[str, Any]] = []
    for name, milliseconds in times.items():
        row = {
            "product": name,
            "size": size,
            "batch": batch,
            "milliseconds": milliseconds,
            "milliseconds_per_image": milliseconds / batch,
        }
        if name in programs:
            memory = programs[name].memory_analysis()
            limit = limits.get(name)
            kernels = clocks.kernel_milliseconds(
                programs[name], arguments[name], repeats
            )
            row |= {
                "kernel_milliseconds": kernels and sum(kernels.values()),
                "longest_kernels": kernels and dict(list(kernels.items())[:_LONGEST]),
                "memory_megabytes": memory and memory.temp_size_in_bytes / 1e6,
                "limit_milliseconds": limit,
                "share_of_limit": limit and limit / milliseconds,
            }
        rows.append(row)
    return rows


@functools.partial(jax.jit, static_argnames="capacity")
def _pairs(gaussians: Gaussians, cameras: Camera, capacity: int) -> jax.Array:
    def one(camera: Camera) -> jax.Array:
        lists = tile_lists(gaussians, camera, capacity=capacity)
        return jnp.sum(lists.ends - lists.starts)

    return jax.lax.map(one, cameras)


def pairs(gaussians: Gaussians, cameras: Camera, capacity: int) -> int:
    """Returns the number of pairs of tile and splat in the lists of all cameras."""
    return sum(int(count) for count in _pairs(gaussians, cameras, capacity))


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
