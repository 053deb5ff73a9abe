"""Other rasterisers get the scene in the form that they expect."""

import inspect
from typing import Any

import jax
import pytest

from experiments.bench import peers, scenes

SCENE = scenes.clusters(50)
VIEWS = scenes.orbit(3, 16)


@pytest.mark.parametrize("peer", peers.PEERS)
def test_peers_that_cannot_run_say_why(peer: str) -> None:
    if jax.devices()[0].platform != "gpu":
        assert peers.missing(peer) in ("not installed", "needs an NVIDIA GPU")


def test_gsplat_is_called_by_its_signature(monkeypatch: pytest.MonkeyPatch) -> None:
    torch = pytest.importorskip("torch")
    package = pytest.importorskip("gsplat")
    signature = inspect.signature(package.rasterization)
    calls = []

    def record(*arguments: Any) -> tuple[Any, ...]:
        calls.append(signature.bind(*arguments).arguments)
        means, colors, poses = (calls[-1][k] for k in ("means", "colors", "viewmats"))
        total = means.sum() + colors.sum() + poses.sum()
        return (total.expand(3, 16, 16, 3),)

    monkeypatch.setattr(package, "rasterization", record)
    monkeypatch.setattr(torch.cuda, "synchronize", lambda: None)
    runs = peers.gsplat(SCENE, VIEWS, device="cpu")
    for name in ("image", "gradient"):
        for leaf in jax.tree.leaves(runs[name]()):
            leaf.block_until_ready()
    assert len(calls) == 2
    shapes = {name: tuple(getattr(x, "shape", ())) for name, x in calls[0].items()}
    assert shapes["means"] == shapes["scales"] == shapes["colors"] == (50, 3)
    assert shapes["quats"] == (50, 4) and shapes["opacities"] == (50,)
    assert shapes["viewmats"] == (3, 4, 4) and shapes["Ks"] == (3, 3, 3)
    assert calls[0]["width"] == calls[0]["height"] == 16


def test_splax_accepts_the_scene() -> None:
    pytest.importorskip("splax")
    inputs = SCENE.means, SCENE.colors, VIEWS.camera_from_world
    images, gradients = peers.splax_products(SCENE, VIEWS)
    assert jax.eval_shape(images, *inputs).shape == (3, 16, 16, 3)
    slopes = jax.eval_shape(gradients, *inputs)
    assert [leaf.shape for leaf in slopes] == [(50, 3), (50, 3), (3, 4, 4)]
