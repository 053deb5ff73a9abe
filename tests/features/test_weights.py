"""Weights files: every way in which one can be wrong, and the float16 policy."""

import hashlib
import json
import pathlib
import pickle
import shutil
import socket

import jax
import numpy as np
import pytest
import safetensors.numpy

from jaxsplat import errors, features
from jaxsplat.features import weights

BUNDLED = weights.BUNDLED / "efficientnet_lite0_taps.safetensors"
NAME = "_blocks.3._depthwise_conv.weight"


@pytest.fixture
def tensors() -> dict[str, np.ndarray]:
    return safetensors.numpy.load_file(str(BUNDLED))


def written(
    tmp_path: pathlib.Path, tensors: dict[str, np.ndarray]
) -> features.FeatureNetwork:
    path = tmp_path / "weights.safetensors"
    path.write_bytes(safetensors.numpy.save(tensors))
    return features.load_network("efficientnet_lite0", str(path))


def refused(tmp_path: pathlib.Path, data: bytes, message: str) -> None:
    path = tmp_path / "weights.safetensors"
    path.write_bytes(data)
    with pytest.raises(errors.DataError, match=message) as caught:
        features.load_network("efficientnet_lite0", str(path))
    assert str(path) in str(caught.value)


def test_bundled_file_is_the_published_one(shared: pathlib.Path) -> None:
    full = safetensors.numpy.load_file(
        str(shared / "weights" / "efficientnet_lite0.safetensors")
    )
    own = safetensors.numpy.load_file(str(BUNDLED))
    assert all(np.array_equal(value, full[name]) for name, value in own.items())
    assert BUNDLED.stat().st_size < 10_000_000


def test_notice_beside_the_bundled_file_names_its_sha256() -> None:
    notice = (weights.BUNDLED / "NOTICE.md").read_text()
    assert hashlib.sha256(BUNDLED.read_bytes()).hexdigest() in notice
    assert "Apache" in notice


def test_convolutions_are_turned(tensors: dict[str, np.ndarray]) -> None:
    params = features.load_network().params
    stem, expand = "_conv_stem.weight", "_blocks.1._expand_conv.weight"
    np.testing.assert_array_equal(params[stem], np.einsum("oihw->hwio", tensors[stem]))
    np.testing.assert_array_equal(params[expand], tensors[expand][:, :, 0, 0].T)
    assert {leaf.dtype for leaf in jax.tree.leaves(params)} == {np.dtype(np.float32)}


def test_float16_file_gives_float32_parameters(
    tmp_path: pathlib.Path, tensors: dict[str, np.ndarray]
) -> None:
    half = {name: value.astype(np.float16) for name, value in tensors.items()}
    params = written(tmp_path, half).params
    assert params["_bn0.bias"].dtype == np.float32
    np.testing.assert_array_equal(
        params["_bn0.bias"], half["_bn0.bias"].astype(np.float32)
    )


@pytest.mark.parametrize("dtype", [np.float64, np.int32])
def test_other_types_are_refused(
    tmp_path: pathlib.Path, tensors: dict[str, np.ndarray], dtype: type
) -> None:
    tensors[NAME] = tensors[NAME].astype(dtype)
    with pytest.raises(errors.DataError, match=f"{NAME}: type .64|type I32"):
        written(tmp_path, tensors)


def test_bfloat16_is_refused(tmp_path: pathlib.Path) -> None:
    header = json.dumps({NAME: dict(dtype="BF16", shape=[1], data_offsets=[0, 2])})
    data = len(header).to_bytes(8, "little") + header.encode() + b"\0\0"
    raw = weights.parse(data, "file")
    with pytest.raises(errors.DataError, match=f"file: {NAME}: type BF16"):
        weights.select(raw, {NAME: (1,)}, "file")


def test_missing_and_extra_tensors_are_named(
    tmp_path: pathlib.Path, tensors: dict[str, np.ndarray]
) -> None:
    extra = {**tensors, "_fc.bias": np.zeros(3, np.float32)}
    with pytest.raises(errors.DataError, match="'_fc.bias' is not part of"):
        written(tmp_path, extra)
    del tensors[NAME]
    with pytest.raises(errors.DataError, match=f"'{NAME}' is missing"):
        written(tmp_path, tensors)


def test_another_architecture_is_refused() -> None:
    with pytest.raises(errors.DataError, match="'_blocks.0._se_expand.bias' is miss"):
        features.load_network("efficientnet_b4", str(BUNDLED))


def test_wrong_shape_is_named(
    tmp_path: pathlib.Path, tensors: dict[str, np.ndarray]
) -> None:
    tensors[NAME] = tensors[NAME][:, :, :3, :3].copy()
    with pytest.raises(errors.DataError, match=r"\(144, 1, 3, 3\), expected \(144, 1"):
        written(tmp_path, tensors)


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_numbers_that_are_not_finite_are_named(
    tmp_path: pathlib.Path, tensors: dict[str, np.ndarray], value: float
) -> None:
    tensors[NAME] = tensors[NAME].copy()
    tensors[NAME].reshape(-1)[11] = value
    with pytest.raises(errors.DataError, match=f"{NAME}: (nan|inf) at flat index 11"):
        written(tmp_path, tensors)


def test_negative_variance_is_refused(
    tmp_path: pathlib.Path, tensors: dict[str, np.ndarray]
) -> None:
    tensors["_bn0.running_var"] = -tensors["_bn0.running_var"]
    with pytest.raises(errors.DataError, match="_bn0.running_var: .* as a variance"):
        written(tmp_path, tensors)


@pytest.mark.parametrize("size", [0, 7, 8, 1000, -1])
def test_cut_file_is_refused(tmp_path: pathlib.Path, size: int) -> None:
    data = BUNDLED.read_bytes()[:size]
    refused(tmp_path, data, "not a complete safetensors file")


@pytest.mark.parametrize(
    "header",
    [
        "{}}",
        '{"a": 1}',
        '{"a": {"dtype": "F32", "shape": [2], "data_offsets": [0, 4]}}',
        '{"a": {"dtype": "F32", "shape": [2], "data_offsets": [0, 80000]}}',
        '{"a": {"dtype": "F32", "shape": [4611686018427387904, 4], '
        '"data_offsets": [0, 8]}}',
        '{"a": {"dtype": "F32", "shape": [1], "data_offsets": [0, 4]}, '
        '"b": {"dtype": "F32", "shape": [2], "data_offsets": [0, 8]}}',
    ],
)
def test_lying_header_is_refused(tmp_path: pathlib.Path, header: str) -> None:
    data = len(header).to_bytes(8, "little") + header.encode() + bytes(8)
    refused(tmp_path, data, "not a complete safetensors file")


def test_header_longer_than_the_file_is_refused(tmp_path: pathlib.Path) -> None:
    data = (1 << 40).to_bytes(8, "little") + b"{}"
    refused(tmp_path, data, "not a complete safetensors file")


def test_renamed_pickle_is_refused_and_not_run(tmp_path: pathlib.Path) -> None:
    canary = tmp_path / "canary"

    class Evil:
        def __reduce__(self) -> tuple[object, ...]:
            return (pathlib.Path.touch, (canary,))

    data = pickle.dumps(Evil())
    refused(tmp_path, data, "not a complete safetensors.*convert_weights")
    assert not canary.exists()
    pickle.loads(data)
    assert canary.exists()


def test_missing_file_and_folder(tmp_path: pathlib.Path) -> None:
    for path in (tmp_path / "none.safetensors", tmp_path):
        with pytest.raises(errors.DataError, match="cannot read the weights file"):
            features.load_network("efficientnet_lite0", str(path))


def test_huge_file_is_not_read(tmp_path: pathlib.Path) -> None:
    path = tmp_path / "huge.safetensors"
    with open(path, "wb") as file:
        file.truncate(1 << 40)  # sparse
    with pytest.raises(errors.DataError, match="1099511627776 bytes"):
        features.load_network("efficientnet_lite0", str(path))


def test_changed_bundled_file_is_refused(
    tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    copy = tmp_path / BUNDLED.name
    shutil.copy(BUNDLED, copy)
    monkeypatch.setattr(weights, "BUNDLED", tmp_path)
    features.load_network()
    data = bytearray(copy.read_bytes())
    data[-1] ^= 1
    copy.write_bytes(data)
    with pytest.raises(errors.DataError, match="sha256 is .*install the package again"):
        features.load_network()


def test_unknown_name() -> None:
    with pytest.raises(errors.ConfigError, match="'vgg', expected one of"):
        features.load_network("vgg")


def test_without_network_b4_names_the_file_to_fetch(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def refuse(*args: object, **kwargs: object) -> None:
        raise AssertionError("load_network opened a socket")

    monkeypatch.setattr(socket, "socket", refuse)
    with pytest.raises(errors.DataError) as caught:
        features.load_network("efficientnet_b4")
    message = str(caught.value)
    assert "efficientnet-b4-6ed6700e.pth" in message
    assert "python -m experiments.convert_weights" in message
    features.load_network()
