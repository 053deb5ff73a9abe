"""Flax modules as settings and flat dictionaries of parameters.

A network is a frozen dataclass that builds it; what it learns is a dictionary of arrays
by dotted name, which can be trained, saved and passed to a jitted function as it is.
"""

import functools
from collections.abc import Mapping
from typing import Any, NamedTuple, Protocol, runtime_checkable

import jax
from flax import nnx
from jax import Array
from jaxtyping import Float, PRNGKeyArray

Params = dict[str, Float[Array, "..."]]


@runtime_checkable
class Architecture(Protocol):
    """Settings of a network; frozen and hashable."""

    def __hash__(self) -> int: ...

    def build(self, rngs: nnx.Rngs) -> nnx.Module:
        """Returns the network, its parameters drawn.

        Its modules keep nothing but parameters: noise is drawn from a key that is an
        input, and normalisations use the batch of an example alone.
        """


class _Structure(NamedTuple):
    """A network without values.

    Attributes:
        graph: the network without variables.
        paths: NNX's path to every variable, by dotted name.
        variables: without their values, by dotted name.
    """

    graph: nnx.GraphDef
    paths: dict[str, Any]
    variables: dict[str, nnx.Variable]


@functools.cache
def _structure(architecture: Architecture) -> _Structure:
    graph, state = nnx.split(nnx.eval_shape(lambda: architecture.build(nnx.Rngs(0))))
    flat = {
        _name(path): (path, variable) for path, variable in nnx.to_flat_state(state)
    }
    paths = {name: path for name, (path, _) in flat.items()}
    return _Structure(graph, paths, {name: leaf for name, (_, leaf) in flat.items()})


def _name(path: tuple[Any, ...]) -> str:
    return ".".join(str(part) for part in path)


def initial(architecture: Architecture, key: PRNGKeyArray) -> Params:
    """Returns a network's parameters before training, by dotted name."""

    @jax.jit
    def drawn(key: PRNGKeyArray) -> Params:
        state = nnx.state(architecture.build(nnx.Rngs(key)))
        return {_name(path): leaf[...] for path, leaf in nnx.to_flat_state(state)}

    return drawn(key)


def apply(architecture: Architecture, params: Mapping[str, Array], *inputs: Any) -> Any:
    """Returns what a network makes of its inputs.

    Args:
        architecture: the network.
        params: from `initial`, or a training.
        inputs: of the network's call.
    """
    empty = _structure(architecture)
    state = {
        empty.paths[name]: variable.replace(params[name])
        for name, variable in empty.variables.items()
    }
    return nnx.merge(empty.graph, nnx.from_flat_state(state))(*inputs)
