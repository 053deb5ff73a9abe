"""Formats are told by content, written by name; others say how to convert them."""

import dataclasses
import gzip
import pathlib

import jax.numpy as jnp
import numpy as np
import pytest

from jaxsplat import errors
from jaxsplat.scene.splats import read_splats, write_splats
from tests.helpers import clouds


@pytest.mark.parametrize("name", ["a.ply", "A.COMPRESSED.PLY", "a.Splat", "x/b.ply"])
def test_what_is_written_is_read(tmp_path: pathlib.Path, name: str) -> None:
    write_splats(tmp_path / name, clouds.cloud(5))
    assert read_splats(str(tmp_path / name)).means.shape == (5, 3)


def test_the_content_tells_what_the_name_does_not(tmp_path: pathlib.Path) -> None:
    cloud = clouds.cloud(5)
    write_splats(tmp_path / "a.ply", cloud)
    exact = tmp_path / "scene.splat"
    (tmp_path / "a.ply").rename(exact)
    np.testing.assert_array_equal(read_splats(exact).quats, cloud.quats)
    write_splats(tmp_path / "a.compressed.ply", cloud)
    packed = tmp_path / "scene.ply"
    (tmp_path / "a.compressed.ply").rename(packed)
    assert read_splats(packed).means.shape == (5, 3)


@pytest.mark.parametrize("name", ["scene.spz", "scene", "scene.npz", "ply"])
def test_other_names_are_not_written(tmp_path: pathlib.Path, name: str) -> None:
    with pytest.raises(errors.ConfigError, match=r"in .ply, .compressed.ply or .splat"):
        write_splats(tmp_path / name, clouds.cloud(2))
    assert not list(tmp_path.iterdir())


def test_properties_are_numbers_of_live_rows_and_have_names_of_their_own(
    tmp_path: pathlib.Path,
) -> None:
    cloud = clouds.cloud(5)
    live = jnp.array([True, False, True, True, True])
    cloud = dataclasses.replace(cloud, live=live)
    write_splats(tmp_path / "a.ply", cloud, {"heat": np.arange(5.0)})
    table = (tmp_path / "a.ply").read_bytes().split(b"end_header\n")[1]
    found = np.frombuffer(table, "<f4").reshape(4, -1)[:, -1]
    np.testing.assert_array_equal(found, [0, 2, 3, 4])
    for name, properties, message in [
        ("b.ply", {"opacity": np.zeros(5)}, "property 'opacity': expected a word"),
        ("b.ply", {"two words": np.zeros(5)}, "expected a word"),
        ("b.ply", {"heat": np.zeros(4)}, r"found shape \(4,\), expected \(5,\)"),
        ("b.splat", {"heat": np.zeros(5)}, "has no room for heat"),
    ]:
        with pytest.raises(errors.ConfigError, match=message):
            write_splats(tmp_path / name, cloud, properties)
    assert [path.name for path in tmp_path.iterdir()] == ["a.ply"]


SPZ = b"NGSP\x03\0\0\0\x05\0\0\0"
ZIP = b"PK\x03\x04\x14\0\0\0meta.json"


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        (
            "a.spz",
            gzip.compress(SPZ, mtime=0),
            "is an .spz .*`splat-transform a.spz scene.ply`",
        ),
        ("a.ply", gzip.compress(SPZ, mtime=0), "is an .spz file"),
        ("a.bin", SPZ + bytes(100), "is an .spz file"),
        (
            "a.ply.gz",
            gzip.compress(b"ply\nformat", mtime=0),
            "packed with gzip.*`gunzip a.ply.gz`",
        ),
        ("a.sog", ZIP, "zip archive, as .sog .*splat-transform a.sog"),
        ("meta.json", b'{"version": 2, "means": {}}', "meta.json of an unpacked .sog"),
        ("a.ksplat", b"\0\1" + bytes(5000), "a .ksplat file"),
        ("a.SPZ", b"\x28\xb5\x2f\xfd of a later version", "an .spz .*splat-transform"),
        ("a.sog", b"cut", "a .sog file .*splat-transform a.sog"),
        ("a.pt", b"PK\x03\x04archive/data.pkl", "a PyTorch checkpoint.* as .ply"),
        ("a.ply", b"version https://git-lfs.github.com/spec/v1", "run `git lfs pull`"),
        ("a.spz", b"", "is empty; copy it again"),
        ("meta.lcc", b'{"version": "5.0"}', "LCC file"),
        ("a.glb", b"glTF\x02\0\0\0", "glTF .* as .ply from the program"),
        ("a.gltf", b'{"asset": {"version": "2.0"}}', "glTF"),
        ("a.x", b'{"extensionsUsed": ["KHR_gaussian_splatting"]}', "is glTF"),
        ("a.x", b"\x1f\x8b\x08 no gzip", "not a splat file, starts with b'.x1f.x8b"),
        ("a.png", b"\x89PNG\r\n", "not a splat file, .* expected a PLY"),
    ],
)
def test_other_formats_are_named_with_the_way_to_convert(
    tmp_path: pathlib.Path, name: str, content: bytes, message: str
) -> None:
    (tmp_path / name).write_bytes(content)
    with pytest.raises(errors.DataError, match=message) as caught:
        read_splats(tmp_path / name)
    assert str(caught.value).startswith(str(tmp_path / name))
    assert "\n" not in str(caught.value)
