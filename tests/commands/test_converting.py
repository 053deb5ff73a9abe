"""Weights under the names that timm, Transformers, ONNX and the authors give them."""

import dataclasses
import pathlib

import numpy as np
import pytest
import safetensors.numpy

from experiments import convert_weights
from experiments.converting import names, onnx
from jaxsplat import errors, features, matchers
from jaxsplat.features import registry, structure
from jaxsplat.features.config import NetworkConfig
from jaxsplat.features.weights import RawTensor
from jaxsplat.matchers import registry as matching
from jaxsplat.matchers.lightglue import LightGlueConfig
from jaxsplat.matchers.loftr import LoftrConfig
from jaxsplat.matchers.loftr_matcher import LoftrMatcherConfig
from tests.helpers import formula_weights, networks

Tensors = dict[str, np.ndarray]


@pytest.fixture(autouse=True)
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    """Puts the small networks of the tests into the registry."""
    for config in (networks.SMALL_RESNET, networks.SMALL_DINOV2, networks.SMALL_SAM):
        entry = registry.Entry(config, "nowhere")
        monkeypatch.setitem(registry.NETWORKS, config.name, entry)


def assert_converts(config: NetworkConfig, source: pathlib.Path) -> None:
    """Checks that a file gives the network with weights by formula."""
    output = source.with_name("converted.safetensors")
    convert_weights.convert(config.name, source, output)
    found = features.load_network(config.name, str(output)).params
    expected = networks.by_formula(config).params
    assert found.keys() == expected.keys()
    for name, values in expected.items():
        np.testing.assert_array_equal(found[name], values)


def as_transformers(tensors: Tensors, beginning: str = "") -> Tensors:
    """Returns DINOv2's tensors as Transformers names and splits them."""
    result = {}
    for name, values in tensors.items():
        name = name.replace("blocks.", "encoder.layer.")
        for old, new in (
            ("cls_token", "embeddings.cls_token"),
            ("pos_embed", "embeddings.position_embeddings"),
            ("patch_embed.proj", "embeddings.patch_embeddings.projection"),
            ("attn.proj", "attention.output.dense"),
            ("ls1.gamma", "layer_scale1.lambda1"),
            ("ls2.gamma", "layer_scale2.lambda1"),
        ):
            name = name.replace(old, new)
        if "attn.qkv" in name:
            for part, third in zip(("query", "key", "value"), np.split(values, 3)):
                kind = f"attention.attention.{part}"
                result[beginning + name.replace("attn.qkv", kind)] = third.copy()
        else:
            result[beginning + name] = values
    return result


def test_residual_networks_as_torchvision_has_them(tmp_path: pathlib.Path) -> None:
    tensors = networks.published(networks.SMALL_RESNET)
    tensors["fc.bias"] = np.zeros(3, np.float32)
    tensors["bn1.num_batches_tracked"] = np.array(7)
    source = tmp_path / "resnet.safetensors"
    safetensors.numpy.save_file(tensors, source)
    assert_converts(networks.SMALL_RESNET, source)


@pytest.mark.parametrize("name", ["authors", "timm"])
def test_sam_as_timm_and_its_authors_have_it(tmp_path: pathlib.Path, name: str) -> None:
    tensors = networks.published(networks.SMALL_SAM)
    if name == "timm":
        named = {k.replace("mlp.lin", "mlp.fc"): v for k, v in tensors.items()}
    else:
        named = {f"image_encoder.{k}": v for k, v in tensors.items()}
        named["mask_decoder.iou_token.weight"] = np.zeros((1, 4), np.float32)
    source = tmp_path / "sam.safetensors"
    safetensors.numpy.save_file(named, source)
    assert_converts(networks.SMALL_SAM, source)


@pytest.mark.parametrize("beginning", ["", "dinov2.", "backbone."])
def test_dinov2_as_transformers_has_it(tmp_path: pathlib.Path, beginning: str) -> None:
    tensors = networks.published(networks.SMALL_DINOV2)
    tensors["norm.weight"] = np.ones(16, np.float32)
    source = tmp_path / "dinov2.safetensors"
    safetensors.numpy.save_file(as_transformers(tensors, beginning), source)
    assert_converts(networks.SMALL_DINOV2, source)


def test_what_is_missing_of_a_joined_tensor_is_named(tmp_path: pathlib.Path) -> None:
    tensors = as_transformers(networks.published(networks.SMALL_DINOV2))
    del tensors["encoder.layer.1.attention.attention.key.bias"]
    source, output = tmp_path / "cut.safetensors", tmp_path / "out"
    safetensors.numpy.save_file(tensors, source)
    with pytest.raises(errors.DataError, match="'blocks.1.attn.qkv.bias' is missing"):
        convert_weights.convert("small_dinov2", source, output)
    assert not output.exists()


def varint(value: int) -> bytes:
    data = bytearray()
    while value > 127:
        data.append(value & 127 | 128)
        value >>= 7
    return bytes([*data, value])


def field(number: int, value: int | bytes | str) -> bytes:
    """Returns a field of a protocol buffer."""
    if isinstance(value, int):
        return varint(number << 3) + varint(value)
    data = value.encode() if isinstance(value, str) else value
    return varint(number << 3 | 2) + varint(len(data)) + data


def constant(name: str, values: np.ndarray, *, packed: bool = False) -> bytes:
    """Returns a constant of a graph."""
    kind = {"float32": 1, "float16": 10, "int64": 7, "float64": 11}[values.dtype.name]
    dims = b"".join(field(1, size) for size in values.shape)
    if packed:
        dims = field(1, b"".join(varint(size) for size in values.shape))
    number = 4 if packed and kind == 1 else 9
    return field(
        5, dims + field(2, kind) + field(8, name) + field(number, values.tobytes())
    )


def node(name: str, operator: str, *inputs: str) -> bytes:
    parts = [field(1, name) for name in inputs]
    return field(1, b"".join(parts) + field(3, name) + field(4, operator))


def exported(tensors: Tensors) -> bytes:
    """Returns DINOv2 as PyTorch exports Transformers' to ONNX.

    The exporter loses the names of what is not in the module as it is used: matrices,
    which are transposed, and the two parts of the positions.
    """
    graph, count = b"", 0
    for name, values in as_transformers(tensors, "backbone.").items():
        if name.endswith("position_embeddings"):
            graph += constant("onnx::Concat_1", values[:, :1])
            graph += constant("onnx::Reshape_2", values[:, 1:])
            graph += node(
                "/backbone/embeddings/Reshape_1", "Reshape", "onnx::Reshape_2"
            )
            graph += node("/backbone/embeddings/Concat_6", "Concat", "onnx::Concat_1")
        elif name.endswith(".weight") and values.ndim == 2:
            matrix, count = f"onnx::MatMul_{count}", count + 1
            graph += constant(matrix, np.ascontiguousarray(values.T))
            path = "/" + name.removesuffix(".weight").replace(".layer.", ".layer*")
            path = path.replace(".", "/").replace("layer*", "layer.")
            graph += node(f"{path}/MatMul", "MatMul", "tokens", matrix)
        else:
            graph += constant(name, values, packed=values.ndim == 1)
    graph += constant("onnx::Resize_9", np.array([1, 2, 3]))
    graph += constant("onnx::Sqrt_9", np.array(2.0))
    return field(1, 8) + field(2, "pytorch") + field(7, graph)


def test_dinov2_out_of_onnx(tmp_path: pathlib.Path) -> None:
    source = tmp_path / "dinov2.onnx"
    source.write_bytes(exported(networks.published(networks.SMALL_DINOV2)))
    assert_converts(networks.SMALL_DINOV2, source)


def test_cut_onnx_files_are_refused(tmp_path: pathlib.Path) -> None:
    config = dataclasses.replace(networks.SMALL_DINOV2, depth=1)
    whole = exported(networks.published(config))
    for size in [*range(0, 60), len(whole) // 2, len(whole) - 1]:
        with pytest.raises(errors.DataError, match="file: not a.* ONNX file"):
            onnx.read(whole[:size], "file")


@pytest.mark.parametrize("data", [b"PK\3\4 a zip file", b"\x80\2}q\0.", b"\xff" * 40])
def test_other_files_are_no_onnx(data: bytes) -> None:
    with pytest.raises(errors.DataError, match="file: not a.* ONNX file"):
        onnx.read(data, "file")


def test_onnx_weights_must_be_inside_and_whole() -> None:
    outside = field(5, field(2, 1) + field(8, "w") + field(14, 1))
    with pytest.raises(errors.DataError, match="weights are in another file"):
        onnx.read(field(7, outside), "file")
    short = field(5, field(1, 3) + field(2, 1) + field(8, "w") + field(9, b"1234"))
    with pytest.raises(errors.DataError, match=r"w: 4 bytes, expected F32 of \(3,\)"):
        onnx.read(field(7, short), "file")


def test_half_precision_and_fixed_width_fields_are_read() -> None:
    values = np.arange(6, dtype=np.float16).reshape(2, 3)
    other = varint(20 << 3 | 1) + bytes(8) + varint(21 << 3 | 5) + bytes(4)
    found = onnx.read(other + field(7, constant("w", values)), "file")
    assert (found["w"].dtype, found["w"].shape) == ("F16", (2, 3))
    assert np.array_equal(np.frombuffer(found["w"].data, np.float16), values.ravel())


def test_names_of_lightglues_first_release_and_of_xfeats_file() -> None:
    config = LightGlueConfig(name="small", channels=8)
    tensor = RawTensor("F32", (1,), bytes(4))
    found = names.as_published(
        config,
        {
            "self_attn.3.Wqkv.bias": tensor,
            "cross_attn.0.ffn.1.weight": tensor,
            "matcher.transformers.2.cross_attn.to_v.bias": tensor,
            "posenc.Wr.weight": tensor,
        },
    )
    assert set(found) == {
        "transformers.3.self_attn.Wqkv.bias",
        "transformers.0.cross_attn.ffn.1.weight",
        "transformers.2.cross_attn.to_v.bias",
        "posenc.Wr.weight",
    }


def test_loftrs_checkpoint_gives_one_file_for_detector_and_matcher(
    tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    name = "small_loftr"
    detector = LoftrConfig(name=name, channels=8, width=4, finer=(4, 6))
    matcher = LoftrMatcherConfig(name=name, channels=8, depth=1, heads=2)
    monkeypatch.setitem(matching.DETECTORS, name, matching.Entry(detector, "nowhere"))
    monkeypatch.setitem(matching.MATCHERS, name, matching.Entry(matcher, "nowhere"))
    tensors = {
        tensor: formula_weights.tensor(tensor, shape)
        for tensor, shape in matching.file_shapes(name).items()
    }
    checkpoint = {f"matcher.{tensor}": values for tensor, values in tensors.items()}
    checkpoint["matcher.loftr_fine.layers.0.q_proj.weight"] = np.ones(
        (4, 4), np.float32
    )
    checkpoint["matcher.backbone.bn1.num_batches_tracked"] = np.array(7, np.int64)
    source, output = tmp_path / "loftr.safetensors", tmp_path / "out.safetensors"
    safetensors.numpy.save_file(checkpoint, str(source))
    convert_weights.convert(name, source, output)
    assert safetensors.numpy.load_file(str(output)).keys() == tensors.keys()
    loaded = (
        matchers.load_detector(name, str(output)),
        matchers.load_matcher(name, str(output)),
    )
    assert sum(len(part.params) for part in loaded) == len(tensors)
    for part in loaded:
        model = matching.model_of(part.config)
        own = {tensor: tensors[tensor] for tensor in part.params}
        expected = structure.to_params(model, part.config, own)
        for tensor, values in expected.items():
            np.testing.assert_array_equal(part.params[tensor], values)
