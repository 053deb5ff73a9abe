"""3DGS PLY files: round trips, an independent reader, and damaged files."""

import dataclasses
import os
import pathlib
from collections.abc import Callable

import jax.numpy as jnp
import numpy as np
import pytest
import trimesh
from hypothesis import given, settings
from hypothesis import strategies as st

from jaxsplat import errors
from jaxsplat.scene import splats
from jaxsplat.scene.gaussians import Gaussians

EXACT = ["means", "log_scales", "quats", "opacity_logits"]
REST_BY_DEGREE = [0, 3, 8, 15]


def cloud(count: int = 7, rest: int = 3, seed: int = 0) -> Gaussians:
    rng = np.random.default_rng(seed)

    def normal(*shape: int) -> jnp.ndarray:
        return jnp.asarray(rng.normal(size=shape), dtype=jnp.float32)

    return Gaussians(
        means=normal(count, 3),
        log_scales=normal(count, 3) - 4,
        quats=normal(count, 4),
        opacity_logits=normal(count),
        colors=normal(count, 3) * 0.3 + 0.5,
        live=jnp.ones(count, dtype=bool),
        sh_rest=normal(count, rest, 3) if rest else None,
    )


def vertices(path: pathlib.Path) -> np.ndarray:
    """Returns the vertex table as trimesh reads it."""
    return trimesh.load(path).metadata["_ply_raw"]["vertex"]["data"]


@pytest.fixture
def path(tmp_path: pathlib.Path) -> pathlib.Path:
    return tmp_path / "point cloud é.ply"


@pytest.mark.parametrize("rest", REST_BY_DEGREE)
def test_round_trip(path: pathlib.Path, rest: int) -> None:
    scene = cloud(rest=rest)
    splats.write_splats(path, scene)
    found = splats.read_splats(path)
    for name in EXACT:
        np.testing.assert_array_equal(getattr(found, name), getattr(scene, name))
    np.testing.assert_allclose(found.colors, scene.colors, atol=1e-6)
    assert found.live.all()
    if rest:
        np.testing.assert_array_equal(found.sh_rest, scene.sh_rest)
    else:
        assert found.sh_rest is None


@pytest.mark.parametrize("rest", REST_BY_DEGREE)
def test_layout_is_the_original_one_for_another_reader(
    path: pathlib.Path, rest: int
) -> None:
    scene = cloud(rest=rest)
    splats.write_splats(path, scene)
    table = vertices(path)
    assert list(table.dtype.names) == [
        *["x", "y", "z", "nx", "ny", "nz", "f_dc_0", "f_dc_1", "f_dc_2"],
        *[f"f_rest_{k}" for k in range(3 * rest)],
        *["opacity", "scale_0", "scale_1", "scale_2"],
        *["rot_0", "rot_1", "rot_2", "rot_3"],
    ]
    assert {table.dtype[name].str for name in table.dtype.names} == {"<f4"}
    np.testing.assert_array_equal(table["y"], scene.means[:, 1])
    np.testing.assert_array_equal(table["nz"], 0)
    np.testing.assert_array_equal(table["opacity"], scene.opacity_logits)
    np.testing.assert_array_equal(table["scale_2"], scene.log_scales[:, 2])
    np.testing.assert_array_equal(table["rot_0"], scene.quats[:, 0])
    constant = 0.5 / np.sqrt(np.pi)
    expected = (np.asarray(scene.colors[:, 1], dtype=np.float64) - 0.5) / constant
    np.testing.assert_allclose(table["f_dc_1"], expected, rtol=1e-6)
    for channel in range(3):
        for k in range(rest):
            stored = table[f"f_rest_{channel * rest + k}"]
            np.testing.assert_array_equal(stored, scene.sh_rest[:, k, channel])


def test_second_round_trip_changes_no_byte_but_those_of_colors(
    path: pathlib.Path,
) -> None:
    splats.write_splats(path, cloud())
    first = vertices(path)
    splats.write_splats(path, splats.read_splats(path))
    second = vertices(path)
    for name in first.dtype.names:
        if name.startswith("f_dc"):
            np.testing.assert_allclose(first[name], second[name], atol=1e-6)
        else:
            np.testing.assert_array_equal(first[name], second[name])


def test_only_live_rows_are_written(path: pathlib.Path) -> None:
    live = jnp.array([False, True, True, False, True, False, False])
    scene = dataclasses.replace(cloud(), live=live)
    # A row that is not live may hold anything.
    scene = dataclasses.replace(scene, means=scene.means.at[0].set(jnp.nan))
    splats.write_splats(path, scene)
    found = splats.read_splats(path)
    np.testing.assert_array_equal(found.means, scene.means[live])
    np.testing.assert_array_equal(found.sh_rest, scene.sh_rest[live])


def test_no_live_row_makes_an_empty_cloud(path: pathlib.Path) -> None:
    splats.write_splats(
        path, dataclasses.replace(cloud(), live=jnp.zeros(7, dtype=bool))
    )
    found = splats.read_splats(path)
    assert found.means.shape == (0, 3)
    assert found.sh_rest.shape == (0, 3, 3)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("means", jnp.nan),
        ("log_scales", -jnp.inf),
        ("quats", jnp.nan),
        ("opacity_logits", jnp.inf),
        ("colors", jnp.nan),
        ("colors", 3e38),  # finite, but not as f_dc
        ("sh_rest", jnp.nan),
    ],
)
def test_rows_that_are_not_finite_are_refused(
    path: pathlib.Path, name: str, value: float
) -> None:
    path.write_text("old")
    scene = cloud()
    broken = getattr(scene, name).at[jnp.array([4, 6])].set(value)
    live = scene.live.at[0].set(False)
    scene = dataclasses.replace(scene, live=live, **{name: broken})
    with pytest.raises(errors.NumericsError, match="2 of 6 live .* first row 4"):
        splats.write_splats(path, scene)
    assert path.read_text() == "old"


def test_failed_write_leaves_the_old_file_and_no_rest(
    path: pathlib.Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path.write_text("old")

    def fail(descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", fail)
    with pytest.raises(OSError, match="No space"):
        splats.write_splats(path, cloud())
    assert path.read_text() == "old"
    assert os.listdir(path.parent) == [path.name]


def test_write_replaces_a_file_and_leaves_nothing_else(path: pathlib.Path) -> None:
    splats.write_splats(path, cloud(count=100))
    splats.write_splats(str(path), cloud(count=2))
    assert splats.read_splats(str(path)).means.shape == (2, 3)
    assert os.listdir(path.parent) == [path.name]


def edit(old: bytes, new: bytes) -> Callable[[bytes], bytes]:
    def apply(data: bytes) -> bytes:
        assert old in data
        return data.replace(old, new, 1)

    return apply


def count(number: str) -> Callable[[bytes], bytes]:
    return edit(b"vertex 7\n", f"vertex {number}\n".encode())


def split(data: bytes) -> tuple[bytes, bytes]:
    header, body = data.split(b"end_header\n", 1)
    return header + b"end_header\n", body


def with_crlf(data: bytes) -> bytes:
    header, body = split(data)
    return header.replace(b"\n", b"\r\n") + body


def in_text_mode(data: bytes) -> bytes:
    return with_nan(data).replace(b"\0", b"\n").replace(b"\n", b"\r\n")


def with_other(header: bytes, before: bytes, after: bytes) -> Callable[[bytes], bytes]:
    """Adds an element: in front of the vertices where it has rows there."""

    def apply(data: bytes) -> bytes:
        head, body = split(data)
        place = b"element vertex" if before else b"end_header"
        return head.replace(place, header + place) + before + body + after

    return apply


def without_z(data: bytes) -> bytes:
    return data.replace(b"property float z\n", b"")


def with_nan(data: bytes) -> bytes:
    header, body = split(data)
    return header + body[:4] + np.float32(np.nan).tobytes() + body[8:]


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (edit(b"binary_little_endian", b"ascii"), "numbers .*damaged|no number"),
        (edit(b"binary_little_endian", b"binary_pdp_endian"), "pdp_endian 1.0'"),
        (edit(b" 1.0\n", b" 2.0\n"), "little_endian 2.0"),
        (edit(b"format binary_little_endian 1.0\n", b""), "found 'element vertex 7'"),
        (lambda data: data.replace(b"\n", b"\r"), "end in CR; a text-mode"),
        (in_text_mode, "end in CR LF .* text-mode transfer"),
        (without_z, "properties missing: z"),
        (edit(b"property float opacity\n", b""), "missing: opacity"),
        (edit(b"f_rest_8", b"f_rest_9"), "missing: f_rest_8"),
        (edit(b"property float f_rest_8\n", b""), "8 f_rest properties"),
        (edit(b"float rot_2", b"int rot_2"), "rot_2 must be float"),
        (edit(b"float ny", b"float nx"), "named twice"),
        (edit(b"float nx", b"half nx"), "'property half nx'"),
        (edit(b"float nx", b"list uchar int nx"), "vertex has list properties"),
        (edit(b"float nx", b"list half int nx"), "list half int"),
        (edit(b"end_header", b"element vertex 0\nend_header"), "an element twice"),
        (edit(b"property float x", b"x"), "header line 'x'"),
        (edit(b"element vertex 7\n", b""), "header line 'property float x'"),
        (edit(b"vertex", b"points"), "no 'element vertex' line"),
        (
            with_other(b"element face 2\nproperty int a\n", b"", b"1234567"),
            "2 rows of 4",
        ),
        (lambda data: data[:-1], "promises 7 rows .* cut"),
        (lambda data: data[:-104], "promises 7 rows"),
        (lambda data: data + b"\0", "promises 7 rows"),
        (count("8"), "promises 8"),
        (count("6"), "promises 6"),
        (count("0"), "promises 0"),
        (count("1000000000"), "promises 1000000000 rows"),
        (count("9" * 5000), "promises 999"),
        (count("-1"), "'element vertex -1'"),
        (count("7.0"), "'element vertex 7.0'"),
        (count("nan"), "'element vertex nan'"),
        (lambda data: b"", "is empty; copy it again"),
        (lambda data: b"<!DOCTYPE html>", "not a splat file, starts with b'<!DOCTYP"),
        (lambda data: b"ply\n", "no end_header"),
        (lambda data: data[:300], "no end_header"),
        (edit(b"end_header", b"end_heater"), "no end_header"),
        (lambda data: b"ply\nend_header\n", "no format line"),
        (
            lambda data: b"ply\nformat binary_little_endian 1.0\nend_header\n",
            "no 'element vertex' line",
        ),
    ],
)
def test_damaged_file_is_refused_by_name(
    path: pathlib.Path, damage: Callable[[bytes], bytes], message: str
) -> None:
    splats.write_splats(path, cloud())
    path.write_bytes(damage(path.read_bytes()))
    with pytest.raises(errors.DataError, match=message) as caught:
        splats.read_splats(path)
    assert str(caught.value).startswith(str(path))
    assert len(str(caught.value)) < 600


@pytest.mark.parametrize(
    "change",
    [
        edit(b"format", b"comment J\xf6rg\nformat"),
        edit(b"end_header\n", b"end_header \n"),
        lambda data: split(data)[0].replace(b"\n", b" \n") + split(data)[1],
        lambda data: split(data)[0].replace(b"\n", b"\t\r\n") + split(data)[1],
    ],
    ids=["latin-1", "end_header", "spaces", "tabs and CR LF"],
)
def test_headers_as_other_programs_write_them(
    path: pathlib.Path, change: Callable[[bytes], bytes]
) -> None:
    splats.write_splats(path, cloud())
    expected = splats.read_splats(path)
    path.write_bytes(change(path.read_bytes()))
    np.testing.assert_array_equal(splats.read_splats(path).quats, expected.quats)


def test_missing_file_and_folder_are_refused(tmp_path: pathlib.Path) -> None:
    with pytest.raises(errors.DataError, match="No such file"):
        splats.read_splats(tmp_path / "none.ply")
    with pytest.raises(errors.DataError, match="directory"):
        splats.read_splats(tmp_path)


def test_extra_scalars_other_order_doubles_and_comments_are_read(
    path: pathlib.Path,
) -> None:
    scene = cloud(rest=0)
    splats.write_splats(path, scene)
    table = vertices(path)
    kinds = {"<f4": "float", "<f8": "double", "|u1": "uchar", "<i2": "short"}
    fields = [(name, "<f8" if name == "x" else "<f4") for name in table.dtype.names]
    fields = [f for f in fields if not f[0].startswith("n")][::-1]
    fields = [("red", "|u1"), *fields, ("label", "<i2")]
    other = np.zeros(len(table), dtype=fields)
    for name, _ in fields[1:-1]:
        other[name] = table[name]
    lines = ["ply", "format binary_little_endian 1.0", "comment made by hand"]
    lines += ["obj_info none", "element vertex 7"]
    lines += [f"property {kinds[kind]} {name}" for name, kind in fields]
    header = "\n".join([*lines, "end_header\n"])
    path.write_bytes(header.encode() + other.tobytes())
    found = splats.read_splats(path)
    for name in EXACT:
        np.testing.assert_array_equal(getattr(found, name), getattr(scene, name))


def test_double_that_overflows_is_refused(path: pathlib.Path) -> None:
    splats.write_splats(path, cloud(count=1, rest=0))
    data = path.read_bytes().replace(b"float x\n", b"double x\n")
    start = data.index(b"end_header\n") + len(b"end_header\n")
    huge = np.float64(1e300).tobytes()
    path.write_bytes(data[:start] + huge + data[start + 4 :])
    with pytest.raises(errors.DataError, match="1 of 1 splats hold NaN"):
        splats.read_splats(path)


# As ml-sharp writes behind its splats.
CAMERAS = b"""element extrinsic 4
property float extrinsic
element intrinsic 2
property float intrinsic
element image_size 2
property uint image_size
element color_space 1
property uchar color_space
"""
TAIL = bytes(range(4 * 4 + 2 * 4 + 2 * 4 + 1))
FACES = b"element face %d\nproperty list uchar int vertex_indices\n"


@pytest.mark.parametrize(
    "change",
    [
        with_other(CAMERAS, b"", TAIL),
        with_other(CAMERAS, TAIL, b""),
        with_other(FACES % 0, b"", b""),
        with_other(FACES % 2, b"", b"\x01\0\0\0\0\x02\0\0\0\0\0\0\0\0"),
        with_other(b"element nothing 999999999999\n", b"", b""),
        with_crlf,
        edit(b"float nx", b"float confidence"),
    ],
)
def test_other_elements_and_line_ends_change_nothing(
    path: pathlib.Path, change: Callable[[bytes], bytes]
) -> None:
    splats.write_splats(path, cloud())
    expected = splats.read_splats(path)
    path.write_bytes(change(path.read_bytes()))
    found = splats.read_splats(path)
    for name in [*EXACT, "colors", "sh_rest", "live"]:
        np.testing.assert_array_equal(getattr(found, name), getattr(expected, name))


def test_lists_before_the_vertices_are_refused(path: pathlib.Path) -> None:
    splats.write_splats(path, cloud())
    faces = with_other(FACES % 1, b"\x01\0\0\0\0", b"")
    path.write_bytes(faces(path.read_bytes()))
    with pytest.raises(errors.DataError, match="face holds lists and stands before"):
        splats.read_splats(path)


def as_text(header: bytes, table: np.ndarray) -> bytes:
    rows = [" ".join(repr(float(v)) for v in row) for row in table]
    return (
        header.replace(b"binary_little_endian", b"ascii") + "\r\n".join(rows).encode()
    )


def as_big_endian(header: bytes, table: np.ndarray) -> bytes:
    header = header.replace(b"little_endian", b"big_endian")
    return header + table.astype(">f4").tobytes()


@pytest.mark.parametrize("written", [as_text, as_big_endian])
def test_text_and_the_other_byte_order_are_read(
    path: pathlib.Path, written: Callable[[bytes, np.ndarray], bytes]
) -> None:
    splats.write_splats(path, cloud())
    expected = splats.read_splats(path)
    header, body = split(path.read_bytes())
    path.write_bytes(written(header, np.frombuffer(body, "<f4").reshape(7, -1)))
    found = splats.read_splats(path)
    for name in [*EXACT, "colors", "sh_rest"]:
        np.testing.assert_array_equal(getattr(found, name), getattr(expected, name))


def test_text_with_a_word_is_refused(path: pathlib.Path) -> None:
    splats.write_splats(path, cloud())
    header, body = split(path.read_bytes())
    text = as_text(header, np.frombuffer(body, "<f4").reshape(7, -1))
    path.write_bytes(text[:-3] + b"x.0")
    with pytest.raises(errors.DataError, match="no number"):
        splats.read_splats(path)


def test_a_row_with_nan_is_dropped_and_the_rest_read(
    path: pathlib.Path, caplog: pytest.LogCaptureFixture
) -> None:
    scene = cloud()
    splats.write_splats(path, scene)
    path.write_bytes(with_nan(path.read_bytes()))
    found = splats.read_splats(path)
    np.testing.assert_array_equal(found.means, scene.means[1:])
    assert "1 of 7 splats hold NaN or infinity, first 0; dropped" in caplog.text


def test_a_filter_that_is_not_fused_is_applied(path: pathlib.Path) -> None:
    scene = cloud(rest=0)
    splats.write_splats(path, scene)
    header, body = split(path.read_bytes())
    table = np.frombuffer(body, "<f4").reshape(7, -1)
    table = np.column_stack([table, np.full(7, 0.02, np.float32)])
    header = header.replace(b"end_header", b"property float filter_3D\nend_header")
    path.write_bytes(header + table.tobytes())
    variances = np.exp(2 * np.asarray(scene.log_scales, np.float64)) + 0.02**2
    np.testing.assert_allclose(
        np.exp(2 * splats.read_splats(path).log_scales), variances, rtol=1e-5
    )


def test_antialiased_fits_are_told(
    path: pathlib.Path, caplog: pytest.LogCaptureFixture
) -> None:
    splats.write_splats(path, cloud())
    data = path.read_bytes()
    path.write_bytes(edit(b"format", b"comment SplatRenderMode: mip\nformat")(data))
    splats.read_splats(path)
    assert "fitted with antialiasing" in caplog.text


@settings(deadline=None, max_examples=100, derandomize=True)
@given(st.data())
def test_any_flipped_byte_reads_or_is_refused(
    tmp_path_factory: pytest.TempPathFactory, data: st.DataObject
) -> None:
    path = tmp_path_factory.mktemp("flipped") / "cloud.ply"
    splats.write_splats(path, cloud(count=2, rest=0))
    content = bytearray(path.read_bytes())
    index = data.draw(st.integers(0, len(content) - 1))
    content[index] ^= data.draw(st.integers(1, 255))
    path.write_bytes(content)
    try:
        found = splats.read_splats(path)
    except errors.DataError:
        return
    assert all(np.isfinite(getattr(found, name)).all() for name in EXACT)
