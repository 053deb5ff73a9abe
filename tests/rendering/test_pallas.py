"""The kernels on given lists, and what JAX makes of them for a GPU."""

import dataclasses
import re
from collections.abc import Callable

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from experiments.bench import cubins
from jaxsplat.core import cameras
from jaxsplat.core.cameras import Camera
from jaxsplat.rendering import Photograph, binning, normal, projection, xla
from jaxsplat.rendering.binning import TileLists
from jaxsplat.rendering.pallas import backward, compositing
from jaxsplat.rendering.projection import Splats
from jaxsplat.scene.gaussians import Gaussians
from tests.helpers import clouds
from tests.helpers.clouds import camera, cloud

VIEW = camera(77, 61)
SIZE = (VIEW.width, VIEW.height)
# Worst seen: 2e-7 in the image, 2e-6 in gradients.
IMAGE = 1e-5
GRADIENT = 1e-4


@pytest.fixture(scope="module")
def splats() -> Splats:
    return jax.jit(projection.project)(cloud(60, log_scale=-1.2), VIEW)


def value_and_gradient(
    composite: Callable[[Splats], jax.Array], splats: Splats
) -> tuple[jax.Array, Splats]:
    def value(splats: Splats) -> tuple[jax.Array, jax.Array]:
        image = composite(splats)
        wave, weight = clouds.waves(VIEW.height, VIEW.width)
        tinted = image * jnp.float32(wave) + image**2 * jnp.float32(weight)
        return jnp.sum(tinted), image

    gradient, image = jax.jit(jax.grad(value, has_aux=True))(splats)
    return image, gradient


@pytest.mark.parametrize("capacity", [8000, 150])
def test_same_lists_give_the_same_image_and_gradient(
    splats: Splats, capacity: int
) -> None:
    lists = binning.bin_splats(splats, *SIZE, capacity)
    assert (int(lists.needed) > capacity) == (capacity == 150)
    expected = value_and_gradient(lambda s: xla.composite(s, lists, *SIZE), splats)
    found = value_and_gradient(
        lambda s: compositing.composite(s, lists, *SIZE, interpret=True), splats
    )
    assert float(expected[0][4].max()) > 0.5
    np.testing.assert_allclose(found[0], expected[0], atol=IMAGE)
    for mine, other in zip(*map(jax.tree.leaves, (found[1], expected[1])), strict=True):
        norm = float(jnp.linalg.norm(other))
        assert float(jnp.linalg.norm(mine - other)) <= GRADIENT * norm


def test_rows_of_stopped_walks_are_cleared() -> None:
    # Opaque layers: most splats are never reached, and rows start as garbage.
    scene = cloud(60, seed=3, log_scale=-0.3, logit=6.0)
    splats = jax.jit(projection.project)(scene, VIEW)
    lists = binning.bin_splats(splats, *SIZE, 8000)
    _, gradient = value_and_gradient(
        lambda s: compositing.composite(s, lists, *SIZE, interpret=True), splats
    )
    assert clouds.all_finite(gradient)
    reached = np.any(np.asarray(gradient.colors) != 0, axis=1)
    assert 0 < reached.sum() < 60


def batch() -> tuple[Gaussians, Camera, Photograph]:
    """Returns a cloud, three cameras and three photographs."""
    views = [camera(eye=eye) for eye in [(0.4, -4.0, 1.0), (3.0, 2.0, -1.0)]]
    seen = Photograph(
        jnp.zeros((2, 21, 29, 3)),
        jnp.ones((2, 21, 29)),
        jnp.ones((2, 3)),
        jnp.zeros((2, 3)),
        jnp.ones(2),
    )
    return cloud(), cameras.stack(views), seen


def composited(gaussians: Gaussians, view: Camera) -> jax.Array:
    splats = projection.project(gaussians, view)
    frozen = jax.lax.stop_gradient(splats)
    lists = binning.bin_splats(frozen, 29, 21, 4096)
    return compositing.composite(splats, lists, 29, 21)


def equations(
    gaussians: Gaussians, view: Camera, seen: Photograph, lists: TileLists
) -> jax.Array:
    arguments = gaussians, view, seen, jnp.zeros(3), jnp.zeros(3), lists
    found = normal._normal_equations(*arguments, False, "pallas", None, 1.0, False)
    return found.matrix


def gradient(gaussians: Gaussians, views: Camera) -> dict[str, jax.Array]:
    def value(by_name: dict[str, jax.Array]) -> jax.Array:
        scene = dataclasses.replace(gaussians, **by_name)
        return jnp.sum(jax.vmap(lambda view: composited(scene, view))(views))

    return jax.grad(value)(clouds.named(gaussians))


def normal_lists(views: Camera) -> TileLists:
    tiles = 4
    count = views.fx.shape[0]
    integers = jnp.zeros((count, tiles), jnp.int32)
    none = jnp.zeros(count, jnp.int32)
    return TileLists(jnp.zeros((count, 64), jnp.int32), integers, integers, none)


def test_all_kernels_lower_for_cuda_alone_batched_and_under_grad() -> None:
    scene, views, seen = batch()
    first = jax.tree.map(lambda leaf: leaf[0], (views, seen, normal_lists(views)))
    programs = {
        "composite": [
            cubins.for_cuda(composited, scene, first[0]),
            cubins.for_cuda(jax.vmap(composited, (None, 0)), scene, views),
        ],
        "composite_reverse": [cubins.for_cuda(gradient, scene, views)],
        "row_sums": [cubins.for_cuda(gradient, scene, views)],
        "normal_equations": [
            cubins.for_cuda(equations, scene, *first),
            cubins.for_cuda(
                jax.vmap(equations, (None, 0, 0, 0)),
                scene,
                views,
                seen,
                normal_lists(views),
            ),
        ],
    }
    for name, texts in programs.items():
        for text in texts:
            assert "triton" in text and f'"{name}"' in text.replace("\\22", '"'), name


@pytest.mark.parametrize("shift", [0, 3])
def test_row_sums_are_those_of_each_group(shift: int) -> None:
    rng = np.random.default_rng(shift)
    # Empty groups, full blocks and more than one of them.
    counts = [0, 1, backward._BLOCK, 0, 5, 3 * backward._BLOCK + shift, 0]
    bounds = shift + np.concatenate([[0], np.cumsum(counts)]).astype(np.int32)
    rows = rng.normal(size=(bounds[-1] + backward._BLOCK, 16)).astype(np.float32)
    rows[bounds[-1] :] = np.nan
    found = backward.sums(jnp.asarray(rows), jnp.asarray(bounds), interpret=True)
    expected = [
        rows[first:last].astype(np.float64).sum(axis=0)
        for first, last in zip(bounds[:-1], bounds[1:], strict=True)
    ]
    np.testing.assert_allclose(found, expected, atol=1e-5)


def test_gradient_adds_up_in_a_fixed_order() -> None:
    # A GPU adds up what is scattered to one place in any order.
    scene, views, _ = batch()
    scatters = re.findall(
        r"stablehlo\.scatter.*?\}\) : \((.*?)\) ->",
        cubins.for_cuda(gradient, scene, views),
        re.DOTALL,
    )
    assert all("f32" not in operands for operands in scatters), scatters


def test_sorts_of_a_batch_are_of_integers_in_one_dimension() -> None:
    # What XLA hands to the radix sort of a GPU.
    scene, views, _ = batch()
    text = cubins.for_cuda(jax.vmap(composited, (None, 0)), scene, views)
    kinds = re.findall(
        r"stablehlo\.sort.*?\}\)? *(?:<.*?>)? *: \((.*?)\) ->", text, re.DOTALL
    )
    assert len(kinds) == 3
    for kind in kinds:
        keys, payload = re.findall(r"tensor<(.*?)>", kind)
        assert re.fullmatch(r"\d+xui(16|32)", keys), keys
        assert re.fullmatch(r"\d+xi32", payload), payload


def test_memory_of_64_queries_stays_below_a_gigabyte() -> None:
    # At most 520 bytes a row, 28 a slot and 40 a pixel for each image of 8 together.
    rows, slots, side, images = 100_000, 500_000, 400, 64

    def floats(*shape: int) -> jax.ShapeDtypeStruct:
        return jax.ShapeDtypeStruct(shape, jnp.float32)

    live = jax.ShapeDtypeStruct((rows,), bool)
    per_row = [floats(rows, width) for width in (3, 3, 4)]

    def run(
        arrays: tuple, live: jax.Array, pose: jax.Array, picture: jax.Array
    ) -> jax.Array:
        means, log_scales, quats, logits = arrays
        scene = Gaussians(means, log_scales, quats, logits, means, live)

        def one(query: tuple) -> jax.Array:
            pose, picture = query
            focal = jnp.float32(550.0)
            middle = jnp.float32(200.0)
            view = Camera(pose, focal, focal, middle, middle, side, side)
            ones = jnp.ones(3)
            seen = Photograph(picture, picture[..., 0], ones, ones, jnp.float32(1.0))
            return normal.normal_equations(
                scene, view, seen, backend="pallas_interpret", capacity=slots
            ).matrix

        return jax.lax.map(one, (pose, picture), batch_size=8)

    program = jax.jit(run).lower(
        (*per_row, floats(rows)),
        live,
        floats(images, 4, 4),
        floats(images, side, side, 3),
    )
    found = program.compile().memory_analysis().temp_size_in_bytes
    bound = 8 * (520 * rows + 28 * slots + 40 * side**2)
    assert 0.6 * bound < found <= bound
    assert found < 1e9
