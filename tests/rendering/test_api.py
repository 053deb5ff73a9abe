"""Which backend and which list capacity `render` takes."""

import types

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxsplat.errors import ConfigError
from jaxsplat.rendering import api, backends
from jaxsplat.rendering import api as render
from jaxsplat.rendering.backends import Backend
from jaxsplat.rendering.projection import Splats
from tests.helpers import clouds
from tests.helpers.clouds import camera, cloud


def pretend(
    monkeypatch: pytest.MonkeyPatch, platform: str, version: str, capability: str
) -> None:
    """Makes a device of this kind the one on which arrays are put."""
    device = types.SimpleNamespace(
        platform=platform,
        client=types.SimpleNamespace(platform_version=version),
        compute_capability=capability,
        device_kind="Toy",
    )
    monkeypatch.setattr(backends, "default_device", lambda: device)


def test_no_name_takes_what_is_best_on_the_device(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for platform, version, capability, expected in [
        ("cpu", "cpu", "", "numba"),
        ("gpu", "PJRT C API cuda 12090", "9.0", "pallas"),
        ("gpu", "cuda 12090", "7.5", "pallas"),
        ("gpu", "cuda 12090", "7.0", "xla"),
        ("gpu", "rocm 60300", "gfx942", "xla"),
    ]:
        pretend(monkeypatch, platform, version, capability)
        assert backends.resolve_backend(None) == expected


@pytest.mark.parametrize("name", ["reference", "xla", "numba", "pallas_interpret"])
def test_named_backend_is_taken(name: Backend, monkeypatch: pytest.MonkeyPatch) -> None:
    pretend(monkeypatch, "cpu", "cpu", "")
    assert backends.resolve_backend(name) == name


def test_pallas_says_why_it_cannot_run(monkeypatch: pytest.MonkeyPatch) -> None:
    pretend(monkeypatch, "cpu", "cpu", "")
    with pytest.raises(
        ConfigError, match="'pallas' cannot run on Toy: its kernels are for NVIDIA"
    ):
        render.render(cloud(), camera(), backend="pallas")
    pretend(monkeypatch, "gpu", "cuda 12090", "7.0")
    with pytest.raises(ConfigError, match="Toy: compute capability 7.0, expected 7.5"):
        backends.resolve_backend("pallas")


@pytest.mark.parametrize(
    ("platform", "obstacle"),
    [("gpu", "its functions are for CPUs"), ("cpu", "numba is not installed")],
)
def test_numba_says_why_it_cannot_run(
    platform: str, obstacle: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    pretend(monkeypatch, platform, "cuda 12090", "7.0")
    monkeypatch.setattr(backends.target, "obstacle", lambda: "numba is not installed")
    with pytest.raises(ConfigError, match=f"'numba' cannot run on Toy: {obstacle}"):
        backends.resolve_backend("numba")
    assert backends.resolve_backend(None) == "xla"


def test_the_default_device_decides() -> None:
    chosen = jax.devices("cpu")[-1]
    with jax.default_device(chosen):
        assert backends.default_device() == chosen
    assert backends.default_device() == jax.devices()[0]


def test_unknown_backend_is_refused() -> None:
    unwrapped = backends.resolve_backend.__wrapped__
    with pytest.raises(ConfigError, match="'cuda': expected one of reference, xla"):
        unwrapped("cuda")


@pytest.fixture
def capacities(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Returns the list of capacities that the compositor was traced with."""
    seen: list[int] = []
    composite = api.render_splats

    def record(splats: Splats, *rest: object) -> render.Rendered:
        seen.append(rest[-1])
        return composite(splats, *rest)

    monkeypatch.setattr(api, "render_splats", record)
    return seen


def test_capacity_is_planned_from_concrete_arrays(capacities: list[int]) -> None:
    # A size of its own, so that no earlier trace is reused; nothing is compiled.
    view, scene = camera(19, 11), cloud(log_scale=1.0)
    jax.eval_shape(lambda: render.render(scene, view).color)
    assert capacities == [render.plan(scene, view, slack=1.0)]


def test_capacity_is_the_default_under_jit(capacities: list[int]) -> None:
    jax.eval_shape(lambda s, v: render.render(s, v).color, cloud(), camera(19, 12))
    assert capacities == [render.default_capacity(24, 19, 12)]


def test_closed_over_scene_is_planned_under_jit(capacities: list[int]) -> None:
    view, scene = camera(19, 14), cloud(log_scale=1.0)
    traced = jax.jit(lambda b: render.render(scene, view, background=b).color)
    jax.eval_shape(traced, jnp.ones(3))
    assert capacities == [render.plan(scene, view, slack=1.0)]


def test_capacity_is_taken_as_given(capacities: list[int]) -> None:
    jax.eval_shape(lambda: render.render(cloud(), camera(19, 13), capacity=77).color)
    assert capacities == [77]


@pytest.mark.parametrize("minification", [0.0, -1.0, float("nan")])
def test_minification_must_be_positive(minification: float) -> None:
    with pytest.raises(ConfigError, match="minification .*above 0"):
        render.render(cloud(), camera(), minification=minification)


def test_background_is_black_unless_given() -> None:
    drawn = clouds.draw(cloud(), camera(), "xla", background=(0.0, 0.0, 0.0))
    plain = render.render(cloud(), camera(), backend="xla", capacity=clouds.CAPACITY)
    np.testing.assert_array_equal(plain.color, drawn.color)
    assert float(jnp.min(plain.alpha)) == 0


def test_reference_keeps_no_lists() -> None:
    drawn = clouds.draw(cloud(), camera(), "reference")
    assert int(drawn.needed) == 0
