"""`.splat` files: their bytes, round trips within the quantisation, damaged files."""

import dataclasses
import logging
import pathlib
import struct

import jax.numpy as jnp
import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from jaxsplat import errors
from jaxsplat.scene import gaussians as scene
from jaxsplat.scene.splats import read_splats, write_splats
from tests.helpers import clouds

# Two splats, written by hand: position, scale, RGBA, (wxyz + 1) * 128.
GOLDEN = [
    struct.pack(
        "<6f8B", 1, -2, 0.5, 0.1, 0.2, 0.05, 255, 0, 51, 204, 255, 128, 128, 128
    ),
    struct.pack("<6f8B", 0, 0, 3, 1, 1, 0, 0, 102, 255, 255, 128, 218, 38, 128),
]


@pytest.fixture
def path(tmp_path: pathlib.Path) -> pathlib.Path:
    return tmp_path / "cloud.splat"


def test_bytes_say_what_the_format_says(path: pathlib.Path) -> None:
    path.write_bytes(b"".join(GOLDEN))
    found = read_splats(path)
    np.testing.assert_array_equal(found.means, [[1, -2, 0.5], [0, 0, 3]])
    np.testing.assert_allclose(scene.scales(found)[0], [0.1, 0.2, 0.05], rtol=1e-6)
    np.testing.assert_allclose(scene.scales(found)[1], [1, 1, 0], atol=1e-15)
    np.testing.assert_allclose(found.colors, [[1, 0, 0.2], [0, 0.4, 1]], atol=1e-6)
    np.testing.assert_allclose(scene.opacities(found), [0.8, 1], atol=1e-6)
    np.testing.assert_array_equal(found.quats[0] * 128, [127, 0, 0, 0])
    np.testing.assert_array_equal(found.quats[1] * 128, [0, 90, -90, 0])
    assert found.sh_rest is None


def test_a_splat_is_written_as_the_format_says(path: pathlib.Path) -> None:
    path.write_bytes(GOLDEN[0])
    write_splats(path, read_splats(path))
    written = path.read_bytes()
    assert written[:12] + written[24:] == GOLDEN[0][:12] + GOLDEN[0][24:]
    scales = struct.unpack("<3f", written[12:24])
    np.testing.assert_allclose(scales, [0.1, 0.2, 0.05], rtol=1e-6)


def test_a_round_trip_is_within_the_quantisation(path: pathlib.Path) -> None:
    cloud = clouds.cloud(300)
    write_splats(path, cloud)
    assert path.stat().st_size == 300 * 32
    found = read_splats(path)
    np.testing.assert_array_equal(found.means, cloud.means)
    np.testing.assert_allclose(found.log_scales, cloud.log_scales, atol=1e-6)
    np.testing.assert_allclose(found.colors, cloud.colors, atol=1 / 510 + 1e-6)
    np.testing.assert_allclose(
        scene.opacities(found), scene.opacities(cloud), atol=1 / 510 + 1e-6
    )
    turned = [Rotation.from_quat(np.roll(g.quats, -1, 1)) for g in (found, cloud)]
    # Four components of 1/256 each, 1/128 at 1.
    assert (turned[0] * turned[1].inv()).magnitude().max() < 0.03


def test_only_live_rows_are_written(path: pathlib.Path) -> None:
    cloud = clouds.cloud(5)
    live = jnp.array([True, False, True, True, False])
    write_splats(path, dataclasses.replace(cloud, live=live))
    np.testing.assert_array_equal(read_splats(path).means, cloud.means[live])


def test_what_the_format_cannot_hold_is_told(
    path: pathlib.Path, caplog: pytest.LogCaptureFixture
) -> None:
    cloud = clouds.changed(clouds.cloud(4, degree=1), "colors", 2, [1.5, 0, 0])
    with caplog.at_level(logging.WARNING):
        write_splats(path, cloud)
    assert "no view-dependent colour; dropped" in caplog.text
    assert "1 of 4 splats are clipped" in caplog.text


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "found 0 bytes"),
        (GOLDEN[0][:-1], "found 31 bytes"),
        (GOLDEN[0] + b"\n", "found 33 bytes"),
        (b"<!DOCTYPE html>\n" * 4, "no .splat file"),
        (struct.pack("<6f8B", np.nan, 0, 0, 1, 1, 1, *range(8)), "1 of 1 splats hold"),
        (struct.pack("<6f8B", 0, 0, 0, 1, -1, 1, *range(8)), "1 of 1 splats hold"),
    ],
)
def test_damaged_files_are_refused(
    path: pathlib.Path, content: bytes, message: str
) -> None:
    path.write_bytes(content)
    with pytest.raises(errors.DataError, match=message):
        read_splats(path)


def test_any_bytes_read_or_are_refused(path: pathlib.Path) -> None:
    rng = np.random.default_rng(5)
    for _ in range(20):
        path.write_bytes(rng.bytes(32 * 50))
        assert clouds.all_finite(read_splats(path))
