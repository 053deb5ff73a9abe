"""Comparisons by networks whose maps all have one stride, and their saved states."""

from collections.abc import Callable

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxsplat import features
from jaxsplat.features.config import NetworkConfig
from jaxsplat.methods import storage
from jaxsplat.scores import (
    ComparesByLevel,
    CosineDistance,
    ExpectedDistance,
    PublishedDistance,
    expected,
    levels,
)
from tests.helpers import networks, toy_object

VIEWS = toy_object.views(2)


COMPARED = [
    (networks.SMALL_DINOV2, ExpectedDistance(side=32)),
    (networks.SMALL_DINOV2, PublishedDistance()),
    (networks.SMALL_SAM, PublishedDistance()),
]


@pytest.mark.parametrize(("config", "compare"), COMPARED)
def test_a_change_stands_out_where_it_is(
    monkeypatch: pytest.MonkeyPatch,
    config: NetworkConfig,
    compare: ExpectedDistance | PublishedDistance,
) -> None:
    network = networks.by_formula(config)
    monkeypatch.setattr(features, "load_network", lambda *_: network)
    twin = toy_object.twin(VIEWS)
    state = compare.prepare(twin, VIEWS, (), jax.random.key(0))
    shown = jnp.asarray(toy_object.views(1, alpha=False)[0].image)[None]
    changed = shown.at[0, 12:20, 12:20].set(jnp.array([0.0, 0.0, 1.0]))
    estimate = toy_object.estimate_at(VIEWS[0], 2)
    both, known = jnp.concatenate([shown, changed]), jnp.tile(shown, (2, 1, 1, 1))
    called = jax.jit(compare.__call__)
    maps = np.asarray(called(twin, state, both, known, estimate))
    assert np.isfinite(maps).all()
    assert maps[1].max() > 3 * maps[0].max()
    row, column = np.unravel_index(maps[1].argmax(), maps[1].shape)
    scale = maps.shape[1] / shown.shape[1]
    assert 10 * scale <= row <= 22 * scale and 10 * scale <= column <= 22 * scale


def _geometric(each: np.ndarray) -> np.ndarray:
    weights = np.array([2.0, 2.0, 2.0, 2.0, 1.0, 1.0]) / 10
    return np.exp(np.tensordot(weights, np.log(each), 1))


@pytest.mark.parametrize(
    ("compare", "join"),
    [
        (ExpectedDistance(side=32), _geometric),
        (PublishedDistance(), lambda each: each.sum(0)),
        (CosineDistance(), lambda each: each.mean(0)),
    ],
    ids=lambda value: type(value).__name__,
)
def test_a_map_is_made_of_those_of_its_levels(
    monkeypatch: pytest.MonkeyPatch,
    compare: ComparesByLevel,
    join: Callable[[np.ndarray], np.ndarray],
) -> None:
    network = networks.by_formula(networks.SMALL)
    monkeypatch.setattr(features, "load_network", lambda *_: network)
    # A mean of logarithms and a blur cannot be exchanged, and levels have no edges of
    # the colours'.
    monkeypatch.setattr(expected, "blur", lambda maps, _: maps)
    monkeypatch.setattr(expected, "guided_filter", lambda maps, *_: maps)
    twin = toy_object.twin(VIEWS)
    state = compare.prepare(twin, VIEWS, (), jax.random.key(0))
    images = [toy_object.views(2, alpha=False)[n].image for n in (0, 1)]
    seen, known = (jnp.asarray(image, jnp.float32)[None] for image in images)
    arguments = (twin, state, seen, known, toy_object.estimate_at(VIEWS[0], 1))
    whole = np.asarray(jax.jit(compare.__call__)(*arguments))
    each = np.asarray(jax.jit(compare.level_maps)(*arguments))
    assert each.shape == (1, len(compare.level_names(state)), *whole.shape[1:])
    assert len(set(compare.level_names(state))) == each.shape[1]
    np.testing.assert_allclose(join(each[0]), whole[0], rtol=1e-4, atol=1e-6)


def test_levels_of_sam_are_its_map_and_colors() -> None:
    seen = jnp.asarray(toy_object.views(1, alpha=False)[0].image)[None]
    network = networks.by_formula(networks.SMALL_SAM)
    found = levels.distances(network, jnp.roll(seen, 5, 1), seen, 30, 1)
    # 30 pixels are stretched to 32, and the map of 8x8 cells to 30 pixels again.
    assert found.least.shape == found.variation.shape == (3, 1, 30, 30)
    assert np.isfinite(found.least).all() and float(found.least[0].max()) > 0


@pytest.mark.parametrize(
    "config",
    [networks.SMALL, networks.SMALL_RESNET, networks.SMALL_DINOV2, networks.SMALL_SAM],
    ids=lambda config: config.name,
)
def test_networks_come_back_from_a_file(config: NetworkConfig) -> None:
    saved, arrays = networks.by_formula(config), {}
    node = storage.encode(saved, arrays)
    again = storage.decode(node, arrays, "here")
    assert again.config == config and hash(again.config) == hash(config)
    for name, values in saved.params.items():
        np.testing.assert_array_equal(again.params[name], values)


def test_networks_saved_before_maps_could_be_chosen_come_back() -> None:
    node = storage.encode(networks.SMALL, {})
    del node["fields"]["tapped"]
    assert storage.decode(node, {}, "here") == networks.SMALL
