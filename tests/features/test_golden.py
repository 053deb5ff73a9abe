"""The networks and the score against PyTorch implementations (see make_golden.py)."""

import pathlib

import jax.numpy as jnp
import numpy as np
import pytest

from jaxsplat import features
from jaxsplat.scores import published
from tests.features import test_efficientnet
from tests.helpers import networks

FILE = pathlib.Path(__file__).parent / "golden.npz"
RELATIVE = 1e-5  # two float32 implementations; the worst seen is 1.2e-6


def load(name: str) -> features.FeatureNetwork:
    if name == "lite0":
        return features.load_network()
    return networks.by_formula(networks.B4)


@pytest.fixture(scope="module")
def golden() -> dict[str, np.ndarray]:
    with np.load(FILE, allow_pickle=False) as file:
        return dict(file)


def test_golden_file_is_small() -> None:
    assert FILE.stat().st_size <= 100_000


@pytest.mark.parametrize("name", ["lite0", "b4"])
def test_maps_agree_with_pytorch(name: str, golden: dict[str, np.ndarray]) -> None:
    image = jnp.asarray(golden[f"{name}_image"].astype(np.float32) / np.float32(255))
    maps = features.extract(load(name), image[None])
    expected = [golden[f"{name}_tap{level}"] for level in range(4)]
    test_efficientnet.assert_maps_close(maps, expected, RELATIVE)


@pytest.mark.parametrize("name", ["lite0", "b4"])
def test_score_agrees_with_pytorch(name: str, golden: dict[str, np.ndarray]) -> None:
    pair = jnp.asarray(golden["pair"].astype(np.float32) / np.float32(255))
    maps = published.raw_maps(load(name), pair[:1], pair[1:])
    assert maps.shape == (1, 280, 224)
    expected = golden[f"{name}_score"]
    np.testing.assert_allclose(maps[0, ::8, ::8], expected, rtol=RELATIVE)
