"""A batch on one device, on several, and on those of two processes."""

import os
import pathlib
import socket
import subprocess
import sys

import jax
import numpy as np
import pytest

from jaxsplat.core import devices
from jaxsplat.methods.best import FAST
from tests.helpers import spread

pytestmark = pytest.mark.usefixtures("all_devices")

ROOT = pathlib.Path(__file__).parents[2]
# Sums over a photograph, which XLA adds up in another order where devices share it.
SUMS = {"agreement", "beside", "hidden"}


@pytest.fixture(scope="module")
def alone() -> dict[str, np.ndarray]:
    """Returns what one device finds of each photograph, one after another."""
    images = spread.toy()[2]
    found = [spread.judge(image[None], None) for image in images]
    return {name: np.concatenate([one[name] for one in found]) for name in found[0]}


def check_equal(found: dict[str, np.ndarray], alone: dict[str, np.ndarray]) -> None:
    assert found.keys() == alone.keys()
    for name, expected in alone.items():
        rounding = 1e-6 if name in SUMS else 0.0
        np.testing.assert_allclose(
            found[name], expected, rounding, rounding, err_msg=name
        )


def test_devices_that_share_a_batch_find_what_one_finds(
    alone: dict[str, np.ndarray],
) -> None:
    mesh = devices.mesh_of(jax.local_devices())
    assert mesh is not None and mesh.size == 2
    images = spread.toy()[2]
    pairs = [spread.judge(images[first : first + 2], mesh) for first in (0, 2)]
    found = {name: np.concatenate([one[name] for one in pairs]) for name in pairs[0]}
    check_equal(found, alone)
    assert alone["agreement"].min() > 0.9  # the poses were found


def test_work_is_for_all_devices_or_for_the_one_that_was_chosen() -> None:
    assert devices.working_devices() == jax.devices()
    assert FAST.together == 2
    with jax.default_device(jax.devices()[1]):
        assert devices.working_devices() == [jax.devices()[1]]
        assert FAST.together == 1
        assert devices.mesh_of(devices.working_devices()) is None


def command(path: pathlib.Path, *arguments: object) -> subprocess.Popen[str]:
    """Starts `tests.helpers.spread` in a process without the devices of this one."""
    words = [str(path), *map(str, arguments)]
    return subprocess.Popen(
        [sys.executable, "-m", "tests.helpers.spread", *words],
        cwd=ROOT,
        env={**os.environ, "JAX_PLATFORMS": "cpu", "PYTHONPATH": str(ROOT)},
        stderr=subprocess.PIPE,
        text=True,
    )


def read(path: pathlib.Path) -> dict[str, np.ndarray]:
    with np.load(path) as file:
        return dict(file)


@pytest.mark.slow
def test_four_devices(tmp_path: pathlib.Path, alone: dict[str, np.ndarray]) -> None:
    path = tmp_path / "four.npz"
    process = command(path, 4)
    _, told = process.communicate(timeout=600)
    assert process.returncode == 0, told
    check_equal(read(path), alone)


@pytest.mark.slow
def test_a_batch_that_spans_two_processes(
    tmp_path: pathlib.Path, alone: dict[str, np.ndarray]
) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        address = f"127.0.0.1:{free.getsockname()[1]}"
    paths = [tmp_path / f"{number}.npz" for number in range(2)]
    both = [command(path, 2, address, 2, k) for k, path in enumerate(paths)]
    for process in both:
        _, told = process.communicate(timeout=600)
        assert process.returncode == 0, told
    parts = [read(path) for path in paths]
    found = {name: np.concatenate([part[name] for part in parts]) for name in alone}
    check_equal(found, alone)
