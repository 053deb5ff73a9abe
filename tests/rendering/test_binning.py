"""Tile lists against a plain construction, and what overflow does to them."""

import dataclasses

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxsplat.core import cameras
from jaxsplat.errors import ConfigError
from jaxsplat.rendering import api as render
from jaxsplat.rendering import binning, projection, tiling
from jaxsplat.rendering.backends import Backend
from jaxsplat.rendering.constants import TILE
from jaxsplat.rendering.projection import Splats
from tests.helpers import clouds
from tests.helpers.clouds import camera, cloud

N = 60
VIEW = camera(45, 37)
SCENES = {
    "random": cloud(N),
    "small": cloud(N, seed=1, log_scale=-4.0),
    "off_screen": cloud(N, seed=2, spread=4.0, log_scale=-0.5),
    "needles": dataclasses.replace(
        cloud(N, seed=3), log_scales=jnp.tile(jnp.array([0.5, -6.0, -5.0]), (N, 1))
    ),
}

_project = jax.jit(projection.project)
_bin = jax.jit(binning.bin_splats, static_argnums=(1, 2, 3))


def lists_of(splats: Splats, capacity: int) -> tuple[list[list[int]], int]:
    lists = _bin(splats, VIEW.width, VIEW.height, capacity)
    ids = np.asarray(lists.ids)
    bounds = zip(np.asarray(lists.starts), np.asarray(lists.ends), strict=True)
    return [list(ids[start:end]) for start, end in bounds], int(lists.needed)


def alphas(splats: Splats) -> np.ndarray:
    """Returns every splat's alpha at every pixel in float64, [n, h, w]."""
    xs = np.arange(VIEW.width) + 0.5
    ys = np.arange(VIEW.height)[:, None] + 0.5
    u, v = np.asarray(splats.means, np.float64).T[:, :, None, None]
    p, q, r = np.asarray(splats.factors, np.float64).T[:, :, None, None]
    power = -0.5 * ((p * (xs - u) + q * (ys - v)) ** 2 + (r * (ys - v)) ** 2)
    log_opacity = np.asarray(splats.log_opacities, np.float64)[:, None, None]
    return np.exp(power + log_opacity)


def plain_lists(splats: Splats) -> list[list[int]]:
    """Returns, for each tile, the splats seen at one of its pixels, by depth."""
    seen = alphas(splats) >= 1 / 255
    order = np.argsort(np.asarray(splats.depths), kind="stable")
    columns, rows = tiling.grid(VIEW.width, VIEW.height)
    return [
        [
            int(i)
            for i in order
            if seen[i, TILE * y : TILE * (y + 1), TILE * x : TILE * (x + 1)].any()
        ]
        for y in range(rows)
        for x in range(columns)
    ]


@pytest.mark.parametrize("name", SCENES)
def test_lists_hold_every_visible_splat_in_depth_order(name: str) -> None:
    splats = _project(SCENES[name], VIEW)
    found, needed = lists_of(splats, 8000)
    assert needed <= 8000
    expected = plain_lists(splats)
    assert sum(map(len, expected)) > 20
    depths = np.asarray(splats.depths)
    for listed, wanted in zip(found, expected, strict=True):
        assert [i for i in listed if i in set(wanted)] == wanted
        assert len(set(listed)) == len(listed)
        assert (np.diff(depths[listed]) >= 0).all()
    # Ellipses that reach into a tile between its pixels may be listed too; few do.
    assert sum(map(len, found)) <= 1.25 * sum(map(len, expected)) + 10


def test_ties_in_depth_are_listed_by_row() -> None:
    scene = dataclasses.replace(cloud(N), means=jnp.zeros((N, 3)))
    found, _ = lists_of(_project(scene, VIEW), 8000)
    assert max(map(len, found)) > N // 2
    for listed in found:
        assert listed == sorted(listed)


def test_culled_splats_are_in_no_list() -> None:
    live = jnp.arange(N) % 2 == 0
    splats = _project(dataclasses.replace(cloud(N), live=live), VIEW)
    found, needed = lists_of(splats, 8000)
    listed = {i for tile in found for i in tile}
    assert listed and all(i % 2 == 0 for i in listed)
    assert needed < lists_of(_project(cloud(N), VIEW), 8000)[1]


@pytest.mark.parametrize("capacity", [1, 100, 200])
def test_overflow_keeps_front_to_back_prefixes(capacity: int) -> None:
    splats = _project(cloud(N), VIEW)
    whole, needed = lists_of(splats, 8000)
    found, found_needed = lists_of(splats, capacity)
    assert needed == found_needed > capacity
    assert sum(map(len, found)) <= capacity
    for short, full in zip(found, whole, strict=True):
        assert short == full[: len(short)]


@pytest.mark.parametrize("capacity", [100, 8000])
def test_vmap_keeps_each_images_own_lists(capacity: int) -> None:
    many = [_project(scene, VIEW) for scene in SCENES.values()]
    stacked = jax.tree.map(
        lambda *leaves: jnp.stack(leaves).reshape(2, 2, *leaves[0].shape),
        *[jax.tree.leaves(s) for s in many],
    )

    def one(*columns: jax.Array) -> tuple[jax.Array, ...]:
        lists = binning.bin_splats(Splats(*columns), VIEW.width, VIEW.height, capacity)
        return lists.ids, lists.starts, lists.ends, lists.needed

    ids, starts, ends, needed = (
        np.asarray(x).reshape(4, *x.shape[2:])
        for x in jax.vmap(jax.vmap(one))(*stacked)
    )
    for image, splats in enumerate(many):
        expected, pairs = lists_of(splats, capacity)
        bounds = zip(starts[image], ends[image], strict=True)
        found = [list(ids[image, first:last]) for first, last in bounds]
        assert found == expected and needed[image] == pairs


def test_padded_lists_hold_what_moved_splats_need() -> None:
    splats = _project(SCENES["small"], VIEW)
    padded = binning.bin_splats(splats, VIEW.width, VIEW.height, 8000, 4.0)
    ids, starts, ends = (
        np.asarray(x) for x in (padded.ids, padded.starts, padded.ends)
    )
    for shift in ([3.9, 0.0], [-2.5, -2.5], [0.0, -3.9]):
        means = splats.means + jnp.array(shift)
        moved = dataclasses.replace(splats, means=means)
        needed, _ = lists_of(moved, 8000)
        for wanted, first, last in zip(needed, starts, ends, strict=True):
            assert set(wanted) <= set(ids[first:last])


def test_batches_of_more_slots_than_32_bits_count_are_refused() -> None:
    splats = jax.tree.map(
        lambda x: jnp.broadcast_to(x, (70, *x.shape)), _project(cloud(N), VIEW)
    )

    def lists(*fields: jax.Array) -> jax.Array:
        return binning.bin_splats(Splats(*fields), 45, 37, 2**25).ids

    with pytest.raises(ConfigError, match="70 images with 33554432 slots each"):
        jax.eval_shape(jax.vmap(lists), *jax.tree.leaves(splats))


def test_more_pairs_than_32_bits_count_are_reported_as_the_most() -> None:
    counts = jnp.array([2**30, 2**30 - 5, 2**29, 7], jnp.int32)
    ends, needed = binning._ends(counts)
    assert int(needed) == 2**31 - 1
    np.testing.assert_array_equal(ends, [2**30] * 4)
    assert int(binning._ends(counts[2:])[1]) == 2**29 + 7


@pytest.mark.parametrize("backend", clouds.runnable()[1:])
def test_overflow_is_reported_and_bounded(backend: Backend) -> None:
    scene, view = cloud(), camera()
    drawn = clouds.draw(scene, view, backend, 40)
    assert int(drawn.needed) > 40
    assert clouds.all_finite(drawn)
    whole = clouds.draw(scene, view, backend)
    assert int(whole.needed) == int(drawn.needed)
    # Splats drop from the back: coverage can only be missing.
    assert float(jnp.max(drawn.alpha - whole.alpha)) <= 1e-6
    assert float(jnp.max(whole.alpha - drawn.alpha)) > 0.1


@pytest.mark.parametrize("size", [(1, 1), (8, 8), (9, 16), (45, 37)])
def test_grid_covers_the_image(size: tuple[int, int]) -> None:
    columns, rows = tiling.grid(*size)
    assert TILE * (columns - 1) < size[0] <= TILE * columns
    assert TILE * (rows - 1) < size[1] <= TILE * rows


def test_plan_fits_every_camera() -> None:
    scene = cloud(N, log_scale=-0.5)
    views = [
        camera(45, 37, eye=eye)
        for eye in [(0.4, -4.0, 1.0), (0.0, -2.0, 0.2), (9.0, 0.0, 0.0)]
    ]
    needed = [
        int(binning.count_pairs(_project(scene, view), view.width, view.height))
        for view in views
    ]
    planned = render.plan(scene, cameras.stack(views), slack=1.0)
    assert max(needed) > 1024
    assert max(needed) <= planned <= 1.15 * max(needed)
    assert render.plan(scene, views[0], slack=1.0) >= needed[0]
    assert render.plan(scene, cameras.stack(views), slack=2.0) >= 2 * max(needed)


def test_plan_takes_few_sizes() -> None:
    sizes = set()
    for scale in np.linspace(-3.0, 0.0, 25):
        scene = cloud(N, log_scale=float(scale))
        sizes.add(render.plan(scene, VIEW))
    assert 2 <= len(sizes) <= 12
