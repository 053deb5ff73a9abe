"""Weights out of an ONNX file, read by the wire format of protocol buffers.

Only the graph's constants and which operator uses them are read. Nothing is executed.
The numbers of fields are those of `onnx.proto` (onnx.ai/onnx/repo-docs/IR.html), the
wire format that of protobuf.dev/programming-guides/encoding.
"""

import math
from collections.abc import Iterator
from typing import NamedTuple

import numpy as np

from jaxsplat import errors
from jaxsplat.features.weights import RawTensor

_GRAPH = 7  # of a model
_NODE, _CONSTANT = 1, 5  # of a graph
_INPUT, _NAME, _OPERATOR = 1, 3, 4  # of a node
_DIMS, _TYPE, _FLOATS, _TENSOR_NAME, _RAW, _LOCATION = 1, 2, 4, 8, 9, 14  # of a tensor
_EXTERNAL = 1  # of locations
_TYPES = {1: ("F32", 4), 7: ("I64", 8), 10: ("F16", 2)}
# Exporters give this beginning to constants that they made themselves.
_ANONYMOUS = "onnx::"

Field = tuple[int, int | memoryview]


class Node(NamedTuple):
    """An operator of the graph.

    Attributes:
        name: its path through the exported modules, such as "/encoder/fc1/MatMul".
        operator: such as "MatMul".
        inputs: names of what it takes.
    """

    name: str
    operator: str
    inputs: tuple[str, ...]


def read(data: bytes, where: str) -> dict[str, RawTensor]:
    """Returns the constants of an ONNX file, those of matrix products as out-in.

    Constants that the exporter named itself have the name of the module that uses them:
    the matrix of "/encoder/fc1/MatMul" is "encoder.fc1.weight", what is used otherwise
    "encoder.Concat" by its operator.

    Args:
        data: the file's bytes.
        where: what to call the file in messages.

    Raises:
        DataError: the bytes are no ONNX file with its weights inside.
    """
    nodes, tensors = [], {}
    for number, graph in _fields(memoryview(data), where):
        if number != _GRAPH or isinstance(graph, int):
            continue
        for kind, part in _fields(graph, where):
            if kind == _NODE and not isinstance(part, int):
                nodes.append(_node(part, where))
            elif kind == _CONSTANT and not isinstance(part, int):
                name, tensor = _tensor(part, where)
                if tensor is not None:
                    tensors[name] = tensor
    if not tensors:
        raise errors.DataError(f"{where}: not an ONNX file with weights")
    return _named(tensors, nodes)


def _named(tensors: dict[str, RawTensor], nodes: list[Node]) -> dict[str, RawTensor]:
    result = {n: t for n, t in tensors.items() if not n.startswith(_ANONYMOUS)}
    for node in nodes:
        for name in node.inputs:
            if name not in tensors or name in result:
                continue
            *modules, operator = node.name.strip("/").split("/")
            path = ".".join(modules)
            if node.operator == "MatMul" and len(tensors[name].shape) == 2:
                result[f"{path}.weight"] = _transposed(tensors[name])
            else:
                result[f"{path}.{operator}"] = tensors[name]
    return result


def _transposed(tensor: RawTensor) -> RawTensor:
    kind = {"F32": "<f4", "F16": "<f2", "I64": "<i8"}[tensor.dtype]
    values = np.frombuffer(tensor.data, kind).reshape(tensor.shape)
    return RawTensor(tensor.dtype, tensor.shape[::-1], values.T.tobytes())


def _node(data: memoryview, where: str) -> Node:
    name, operator, inputs = "", "", []
    for number, value in _fields(data, where):
        if number == _INPUT:
            inputs.append(_text(value, where))
        elif number == _NAME:
            name = _text(value, where)
        elif number == _OPERATOR:
            operator = _text(value, where)
    return Node(name, operator, tuple(inputs))


def _tensor(data: memoryview, where: str) -> tuple[str, RawTensor | None]:
    """Returns a tensor and its name; None where its numbers are of no use here."""
    name, shape, kind, raw = "", [], 0, b""
    for number, value in _fields(data, where):
        if number == _DIMS:
            shape += [value] if isinstance(value, int) else _integers(value, where)
        elif number == _TYPE and isinstance(value, int):
            kind = value
        elif number == _TENSOR_NAME:
            name = _text(value, where)
        elif number in (_RAW, _FLOATS) and not isinstance(value, int):
            raw += bytes(value)
        elif number == _LOCATION and value == _EXTERNAL:
            raise errors.DataError(
                f"{where}: its weights are in another file; save it as one file first"
            )
    if kind not in _TYPES:
        return name, None
    dtype, size = _TYPES[kind]
    if len(raw) != size * math.prod(shape):
        if dtype == "I64":
            return name, None
        raise errors.DataError(
            f"{where}: {name}: {len(raw)} bytes, expected {dtype} of {tuple(shape)}"
        )
    return name, RawTensor(dtype, tuple(shape), raw)


def _text(value: int | memoryview, where: str) -> str:
    try:
        return "" if isinstance(value, int) else str(value, "utf-8")
    except UnicodeDecodeError as error:
        raise errors.DataError(f"{where}: not an ONNX file ({error})") from error


def _integers(data: memoryview, where: str) -> list[int]:
    result, place = [], 0
    while place < len(data):
        value, place = _varint(data, place, where)
        result.append(value)
    return result


def _fields(data: memoryview, where: str) -> Iterator[Field]:
    """Yields the fields of a message: number, and an integer or bytes."""
    place = 0
    while place < len(data):
        key, place = _varint(data, place, where)
        number, wire = key >> 3, key & 7
        if wire == 0:
            value, place = _varint(data, place, where)
            yield number, value
            continue
        if wire == 2:
            size, place = _varint(data, place, where)
        elif wire in (1, 5):
            size = 8 if wire == 1 else 4
        else:
            raise errors.DataError(f"{where}: not an ONNX file (wire type {wire})")
        if place + size > len(data):
            raise errors.DataError(f"{where}: not a complete ONNX file")
        yield number, data[place : place + size]
        place += size


def _varint(data: memoryview, place: int, where: str) -> tuple[int, int]:
    """Returns an integer of seven bits a byte, lowest first, and where it ends."""
    value = 0
    for shift in range(0, 70, 7):
        if place >= len(data):
            break
        byte = data[place]
        value, place = value | (byte & 127) << shift, place + 1
        if byte < 128:
            return value, place
    raise errors.DataError(f"{where}: not a complete ONNX file")
