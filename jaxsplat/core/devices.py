"""The devices that JAX runs on, and how photographs are shared among them.

A batch is split over the devices of a mesh with one axis, `PHOTOGRAPHS`. Each runs the
program that a single device would run on its part; nothing passes between them, so the
numbers of a photograph do not depend on how many devices there are.
"""

import os
from collections.abc import Sequence
from typing import Any, TypeVar

import jax
import numpy as np
from jax.sharding import Mesh, NamedSharding, PartitionSpec

from jaxsplat.errors import ConfigError

PHOTOGRAPHS = "photographs"

Tree = TypeVar("Tree")


def find_devices() -> list[jax.Device]:
    """Returns the devices that JAX runs on, one or more.

    Raises:
        ConfigError: there is none; the sentence says what to do.
    """
    try:
        return jax.devices()
    except (RuntimeError, AssertionError) as error:
        wanted = os.environ.get("JAX_PLATFORMS", "")
        # An assertion without words is what JAX has for a platform that it knows but
        # whose plugin is not installed, such as cuda.
        reason = str(error) or "what that platform needs is not installed"
        raise ConfigError(
            f"JAX finds no device to run on (JAX_PLATFORMS={wanted!r}): {reason}; "
            "set JAX_PLATFORMS=cpu to run on the processor"
        ) from error


def working_devices() -> list[jax.Device]:
    """Returns the devices that share the work here, the first one first.

    They are all of this process. Within `jax.default_device(device)` it is that device
    alone, so that threads can have a device each.
    """
    chosen = getattr(jax.config, "jax_default_device")
    if isinstance(chosen, jax.Device):
        return [chosen]
    return jax.local_devices(backend=chosen)


def mesh_of(devices: Sequence[jax.Device]) -> Mesh | None:
    """Returns the mesh over which photographs are shared, None for a single device."""
    if len(devices) < 2:
        return None
    return Mesh(np.array(devices), (PHOTOGRAPHS,))


def copied(tree: Tree, mesh: Mesh | None) -> Tree:
    """Returns arrays as all devices of a mesh have them whole."""
    return _placed(tree, mesh, PartitionSpec())


def shared(tree: Tree, mesh: Mesh | None) -> Tree:
    """Returns arrays whose first axis is split over the devices of a mesh.

    Args:
        tree: arrays on the host. Where the mesh spans processes, each gives the part
            of its own devices.
        mesh: see `mesh_of`; None leaves arrays as they are.
    """
    return _placed(tree, mesh, PartitionSpec(PHOTOGRAPHS))


def _placed(tree: Tree, mesh: Mesh | None, spec: PartitionSpec) -> Tree:
    if mesh is None:
        return tree
    sharding = NamedSharding(mesh, spec)
    if mesh.is_multi_process:
        put: Any = jax.make_array_from_process_local_data
        return jax.tree.map(lambda leaf: put(sharding, np.asarray(leaf)), tree)
    return jax.device_put(tree, sharding)
