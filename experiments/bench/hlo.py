"""Reads what XLA made of a program: how many kernels it starts, what they move."""

import collections
import dataclasses
import re
from collections.abc import Iterator, Mapping

# Operations that start nothing on a GPU.
_FREE = {
    "parameter",
    "constant",
    "get-tuple-element",
    "tuple",
    "bitcast",
    "after-all",
    "copy-done",
    "async-done",
    "partition-id",
    "replica-id",
}
# Bytes are what library calls have as scratch memory, of which most is never touched.
_WIDTHS = {"s8": 0, "u8": 0, "pred": 1, "s16": 2, "u16": 2, "f16": 2, "bf16": 2}
_WIDTHS |= {"s32": 4, "u32": 4, "f32": 4, "s64": 8, "u64": 8, "f64": 8}


@dataclasses.dataclass(frozen=True)
class Program:
    """What one run of a compiled program does.

    Attributes:
        launches: kernels started, loops counted as often as they turn.
        by_name: of these, custom calls by target, and the others by kind; a fusion
            that sorts is a sort.
        bytes_moved: of the operands and results of all launches, without scratch memory
            of library calls. A kernel that gathers counts with all it could read, one
            that turns over a list likewise.
        unknown_loops: loops whose number of turns is not known; they count once.
        temporary_bytes: memory beside arguments and results; 0 when not known.
    """

    launches: int
    by_name: Mapping[str, int]
    bytes_moved: int
    unknown_loops: int
    temporary_bytes: int = 0


@dataclasses.dataclass(frozen=True)
class _Operation:
    name: str
    shape: str
    kind: str
    rest: str  # operands, attributes

    def called(self, attribute: str) -> str:
        match = re.search(rf"\b{attribute}=%?([\w.-]+)", self.rest)
        return match[1] if match else ""

    def operands(self) -> list[tuple[str, str]]:
        """Returns names, and which part of a tuple is meant, "" for all of it."""
        inside = self.rest.split(")", 1)[0]
        return re.findall(r"%([\w.-]+)(?:#(\d+))?", inside)


def read(text: str) -> Program:
    """Returns what a program does, from XLA's text of it after optimisation."""
    computations, entry = _computations(text)
    names: collections.Counter[str] = collections.Counter()
    moved = unknown = 0
    waiting = [(entry, 1)]
    while waiting:
        computation, times = waiting.pop()
        operations = computations[computation]
        sizes = {operation.name: _bytes(operation.shape) for operation in operations}
        for operation in operations:
            if operation.kind in _FREE:
                continue
            if operation.kind == "while":
                turns = re.search(r'known_trip_count":\{"n":"(\d+)"', operation.rest)
                unknown += turns is None
                often = times * (int(turns[1]) if turns else 1)
                for part in ("body", "condition"):
                    waiting.append((operation.called(part), often))
            elif operation.kind == "call":
                waiting.append((operation.called("to_apply"), times))
            elif operation.kind == "conditional":
                branch = re.search(r"branch_computations=\{%?([\w.-]+)", operation.rest)
                waiting.append(
                    (
                        branch[1] if branch else operation.called("true_computation"),
                        times,
                    )
                )
            else:
                names[_name(operation, computations)] += times
                read_bytes = 0
                for name, part in operation.operands():
                    found = sizes.get(name, [])
                    read_bytes += found[int(part)] if part else sum(found)
                moved += times * (sum(sizes[operation.name]) + read_bytes)
    return Program(sum(names.values()), dict(names), moved, unknown)


def _name(operation: _Operation, computations: Mapping[str, list[_Operation]]) -> str:
    if target := re.search(r'custom_call_target="([^"]+)"', operation.rest):
        return target[1]
    inside = computations.get(operation.called("calls"), [])
    return "sort" if any(part.kind == "sort" for part in inside) else operation.kind


def _computations(text: str) -> tuple[dict[str, list[_Operation]], str]:
    found: dict[str, list[_Operation]] = {}
    entry = ""
    for line in text.splitlines():
        if head := re.match(r"(ENTRY )?%?([\w.-]+) \(.*\{$", line):
            current = found.setdefault(head[2], [])
            entry = head[2] if head[1] else entry
        elif operation := next(_operations(line), None):
            current.append(operation)
    return found, entry


def _operations(line: str) -> Iterator[_Operation]:
    match = re.match(r"\s+(?:ROOT )?%?([\w.-]+) = (\(.*?\)|\S+) ([\w-]+)\((.*)", line)
    if match:
        yield _Operation(*match.groups())


def _bytes(shape: str) -> list[int]:
    """Returns the size of each array of a shape."""
    sizes = []
    for kind, sides in re.findall(r"\b([a-z]+\d*)\[([\d,]*)\]", shape):
        count = 1
        for side in filter(None, sides.split(",")):
            count *= int(side)
        sizes.append(_WIDTHS.get(kind, 0) * count)
    return sizes
