"""Networks in Flax and their parameters as flat dictionaries of published names.

So a weights file and a network are compared name by name, and parameters are plain
arrays in a dictionary everywhere else.
"""

import functools
from collections.abc import Callable, Hashable, Mapping
from typing import Any, NamedTuple

import jax.numpy as jnp
import numpy as np
from flax import nnx
from jax import Array
from jaxtyping import Float

from jaxsplat.features.layers import Kernel

# A network's class: its attributes have the published names, without the class's
# `PREFIX` where it has one. A feature network is called with images [b, h, w, 3] and
# returns the tapped maps.
Model = Callable[[Any], nnx.Module]


class Structure(NamedTuple):
    """An empty network.

    Attributes:
        graph: the network without variables.
        paths: NNX's path to every variable, by published name.
        variables: without their values, by published name.
    """

    graph: nnx.GraphDef
    paths: dict[str, Any]
    variables: dict[str, nnx.Variable]


@functools.cache
def structure(model: Model, config: Hashable) -> Structure:
    """Returns the network that a config describes, without parameters."""
    graph, state = nnx.split(nnx.eval_shape(lambda: model(config)))
    prefix = getattr(model, "PREFIX", "")
    result = Structure(graph, {}, {})
    for path, variable in nnx.to_flat_state(state):
        *modules, leaf = path
        parts = [str(m) if isinstance(m, int) else f"{prefix}{m}" for m in modules]
        name = ".".join([*parts, str(leaf)])
        result.paths[name], result.variables[name] = path, variable
    return result


def file_shapes(model: Model, config: Hashable) -> dict[str, tuple[int, ...]]:
    """Returns the shape of every parameter as files have it, by published name."""
    variables = structure(model, config).variables
    return {name: _file_shape(variable) for name, variable in variables.items()}


def _file_shape(variable: nnx.Variable) -> tuple[int, ...]:
    shape = variable.shape
    if not isinstance(variable, Kernel):
        return shape
    if len(shape) == 4:
        height, width, inputs, outputs = shape
        return outputs, inputs, height, width
    return (*shape[::-1], 1, 1)


def to_params(
    model: Model,
    config: Hashable,
    tensors: Mapping[str, Float[np.ndarray, "..."]],
) -> dict[str, Float[Array, "..."]]:
    """Returns parameters from a file's tensors: convolutions from OIHW to HWIO."""
    variables = structure(model, config).variables
    return {
        name: jnp.asarray(
            np.ascontiguousarray(
                values.transpose(2, 3, 1, 0)
                if isinstance(variables[name], Kernel)
                else values
            ).reshape(variables[name].shape)
        )
        for name, values in tensors.items()
    }


def with_params(
    model: Model, config: Hashable, params: Mapping[str, Float[Array, "..."]]
) -> Any:
    """Returns the network, ready to be called.

    Args:
        model: the network's class.
        config: which member of its family.
        params: from `to_params`.
    """
    empty = structure(model, config)
    state = {
        empty.paths[name]: variable.replace(params[name])
        for name, variable in empty.variables.items()
    }
    return nnx.merge(empty.graph, nnx.from_flat_state(state))
