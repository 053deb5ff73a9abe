"""What Numba's functions do on a CPU: the same as the others, bit for bit again."""

import dataclasses
import os
import pathlib
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxsplat.rendering import binning, projection, reference, xla
from jaxsplat.rendering.numba import compositing, target
from jaxsplat.rendering.projection import Splats
from tests.helpers.clouds import camera, cloud

pytestmark = pytest.mark.skipif(
    jax.default_backend() != "cpu", reason="its functions are for CPUs"
)

SIZE = (61, 45)
CAPACITY = 8192


def splats_of(seed: int, n: int = 200, log_scale: float = -2.0) -> Splats:
    scene = cloud(n, seed=seed, log_scale=log_scale)
    return jax.jit(projection.project)(scene, camera(*SIZE))


@jax.jit
def composite(splats: Splats) -> tuple[jax.Array, jax.Array]:
    return compositing.composite(splats, *SIZE, CAPACITY)


@jax.jit
def gradient(splats: Splats, pull: jax.Array) -> Splats:
    return jax.vjp(lambda s: compositing.composite(s, *SIZE, CAPACITY)[0], splats)[1](
        pull
    )[0]


def by_xla(splats: Splats) -> jax.Array:
    lists = binning.bin_splats(jax.lax.stop_gradient(splats), *SIZE, CAPACITY)
    return xla.composite(splats, lists, *SIZE)


def pull() -> jax.Array:
    return jax.random.normal(jax.random.key(0), (5, SIZE[1], SIZE[0]), jnp.float32)


@pytest.mark.parametrize("log_scale", [-4.0, -2.0, 0.5])
def test_an_image_is_that_of_the_specification(log_scale: float) -> None:
    # Splats of less than a pixel, and of more than the image.
    splats = splats_of(1, log_scale=log_scale)
    expected = reference.composite(splats, *SIZE)
    np.testing.assert_allclose(composite(splats)[0], expected, atol=2e-5)
    assert float(jnp.max(expected[4])) > 0.1


def test_pairs_are_counted_as_by_the_other_lists() -> None:
    splats = splats_of(2)
    assert int(composite(splats)[1]) == int(binning.count_pairs(splats, *SIZE))


def test_derivatives_are_those_of_xla() -> None:
    splats = splats_of(3)
    expected = jax.jit(lambda s: jax.vjp(by_xla, s)[1](pull())[0])(splats)
    found = gradient(splats, pull())
    for field in dataclasses.fields(found):
        wanted = np.asarray(getattr(expected, field.name))
        scale = max(np.abs(wanted).max(), 1e-3)
        seen = np.asarray(getattr(found, field.name)) / scale
        np.testing.assert_allclose(seen, wanted / scale, atol=1e-4)


def test_lists_that_are_too_short_lack_the_farthest_splats() -> None:
    splats = splats_of(4)
    needed = int(composite(splats)[1])
    room = needed // 2
    image, asked = jax.jit(lambda s: compositing.composite(s, *SIZE, room))(splats)
    lists = binning.bin_splats(splats, *SIZE, room)
    np.testing.assert_allclose(image, xla.composite(splats, lists, *SIZE), atol=2e-5)
    assert int(asked) == needed


def test_nothing_is_seen_of_no_splats() -> None:
    splats = jax.tree.map(lambda leaf: leaf[:1], splats_of(5))
    hidden = dataclasses.replace(splats, reach=jnp.zeros(1), extents=jnp.zeros((1, 2)))
    image, needed = composite(hidden)
    assert not np.asarray(image).any() and int(needed) == 0
    assert not any(
        np.asarray(x).any() for x in jax.tree.leaves(gradient(hidden, pull()))
    )


def test_images_of_a_batch_are_those_alone() -> None:
    each = [splats_of(seed) for seed in (6, 7, 8)]
    stacked = jax.tree.map(lambda *leaves: jnp.stack(leaves), *each)
    images = jax.jit(jax.vmap(composite))(stacked)[0]
    pulls = jax.jit(jax.vmap(gradient, (0, None)))(stacked, pull())
    for row, splats in enumerate(each):
        np.testing.assert_array_equal(images[row], composite(splats)[0])
        alone = gradient(splats, pull())
        for found, wanted in zip(jax.tree.leaves(pulls), jax.tree.leaves(alone)):
            np.testing.assert_array_equal(found[row], wanted)


def test_threads_that_call_at_once_get_the_same_bits() -> None:
    splats = splats_of(9)
    expected = jax.tree.leaves(gradient(splats, pull()))
    with ThreadPoolExecutor(8) as pool:
        calls = [pool.submit(gradient, splats, pull()) for _ in range(64)]
        for call in calls:
            for found, wanted in zip(jax.tree.leaves(call.result()), expected):
                np.testing.assert_array_equal(found, wanted)


_BITS = """
import hashlib, sys
import jax, numpy as np
from tests.rendering.test_numba import composite, gradient, pull, splats_of
splats = splats_of(3)
found = [composite(splats)[0], *jax.tree.leaves(gradient(splats, pull()))]
print(hashlib.md5(b"".join(np.asarray(x).tobytes() for x in found)).hexdigest())
"""


@pytest.mark.slow
def test_compiled_functions_that_were_kept_give_the_bits_of_fresh_ones(
    tmp_path: pathlib.Path,
) -> None:
    def bits() -> str:
        run = subprocess.run(
            [sys.executable, "-c", _BITS],
            capture_output=True,
            text=True,
            check=True,
            env={**os.environ, "NUMBA_CACHE_DIR": str(tmp_path)},
        )
        return run.stdout

    fresh = bits()
    assert list(tmp_path.rglob("*.nbc"))
    assert bits() == fresh


@pytest.mark.parametrize(
    ("header", "reason"),
    [
        (None, "comes without"),
        ("#define XLA_FFI_API_MAJOR 0", "in another way"),
        ("#define XLA_FFI_API_MAJOR 1", "in another way"),
    ],
)
def test_another_interface_of_xla_is_no_place_to_run(
    header: str | None,
    reason: str,
    tmp_path: pathlib.Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    if header is not None:
        real = pathlib.Path(jax.ffi.include_dir(), target.HEADER).read_text()
        path = tmp_path / target.HEADER
        path.parent.mkdir(parents=True)
        # The same functions in another order, or the same order of another version.
        path.write_text(
            real.replace("(XLA_FFI_Error_Create)", "(XLA_FFI_New)")
            .replace("(XLA_FFI_ThreadPool_Schedule)", "(XLA_FFI_Other)")
            .replace("#define XLA_FFI_API_MAJOR 0", header)
        )
    monkeypatch.setattr(target.ffi, "include_dir", lambda: str(tmp_path))
    assert reason in target.obstacle.__wrapped__()


def test_numba_that_does_not_go_with_numpy_is_no_place_to_run(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def refuse(name: str) -> None:
        raise ImportError(f"{name.title()} needs another NumPy")

    monkeypatch.setattr(target.importlib, "import_module", refuse)
    reason = target.obstacle.__wrapped__()
    assert reason == "numba cannot be imported (Numba needs another NumPy)"


def test_threads_that_ask_at_once_register_once(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    calls: list[tuple[str, bool]] = []

    def register(*which: Any) -> None:
        calls.append(which)
        time.sleep(0.05)

    monkeypatch.setattr(target, "_kept", {})
    monkeypatch.setattr(target, "_register", register)
    with ThreadPoolExecutor(4) as pool:
        names = list(pool.map(target.registered, [target.BIN, target.COMPOSITE] * 2))
    assert len(set(names)) == 1 and calls == [(names[0], False)]
    equations = target.registered(target.EQUATIONS)
    assert calls[1:] == [(equations, True)] and equations != names[0]
