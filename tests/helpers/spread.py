"""Photographs of the toy judged on any devices, by a method that compiles quickly.

    python -m tests.helpers.spread FILE DEVICES [ADDRESS PROCESSES PROCESS]

writes what this process has of a batch that all devices of all processes share.
"""

import dataclasses
import pathlib
import sys
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array
from jax.sharding import Mesh

from jaxsplat.core import devices
from jaxsplat.methods import programs
from jaxsplat.methods.best import FAST
from jaxsplat.methods.programs import States
from jaxsplat.pose import AdamScrew, Photographs
from jaxsplat.pose.estimate import CoarsePoses
from jaxsplat.rendering.twin import Twin, make_twin
from tests.helpers import toy_object

COUNT = 4


@dataclasses.dataclass(frozen=True)
class Anywhere:
    """The poses in the state, for every photograph."""

    def prepare(self, *_: Any) -> Array:
        """Returns nothing: the poses are given."""
        raise NotImplementedError

    def __call__(self, twin: Twin, state: Array, photographs: Photographs) -> Any:
        """Returns the poses, of equal costs."""
        b, k = len(photographs.images), len(state)
        return CoarsePoses(
            jnp.broadcast_to(state, (b, k, 4, 4)), jnp.zeros((b, k), jnp.float32)
        )


@dataclasses.dataclass(frozen=True)
class Difference:
    """The difference of two photographs."""

    def prepare(self, *_: Any) -> tuple[()]:
        """Returns an empty state."""
        return ()

    def __call__(
        self, twin: Twin, state: Any, photographs: Array, expected: Array, estimate: Any
    ) -> Array:
        """Returns its mean over colours."""
        return jnp.abs(photographs - expected).mean(-1)


@dataclasses.dataclass(frozen=True)
class Highest:
    """The highest value of a map."""

    def __call__(self, maps: Array) -> Array:
        """Returns it for each map."""
        return maps.max((1, 2))


SOLVER = AdamScrew(steps=1, keep=2, side=32)
METHOD = dataclasses.replace(
    FAST,
    starts=Anywhere(),
    refine=SOLVER,
    compare=Difference(),
    score=Highest(),
)


def toy() -> tuple[Twin, States, np.ndarray]:
    """Returns the toy's twin, where to look for it from, and photographs of it."""
    views = toy_object.views(COUNT, alpha=False)
    cameras = toy_object.cameras_around(COUNT)
    stacked = jax.tree.map(lambda *leaves: jnp.stack(leaves), *cameras)
    twin = make_twin(
        toy_object.cloud(), stacked, center=np.zeros(3), background=toy_object.WHITE
    )
    state = SOLVER.prepare(twin, views, jax.random.key(0))
    states = States(stacked.camera_from_world, state, ())
    return twin, states, np.stack([view.image for view in views])


def judge(images: np.ndarray, mesh: Mesh | None) -> dict[str, np.ndarray]:
    """Returns what is found of photographs, of this process's part of the results.

    Args:
        images: this process's part of the batch.
        mesh: see `core.devices.mesh_of`.
    """
    twin, states, _ = toy()
    twin, states = devices.copied((twin, states), mesh)
    given = Photographs(jnp.asarray(images), jnp.ones(len(images), bool))
    given, whole = devices.shared((given, jnp.asarray(images)), mesh)
    estimate, judged, _ = programs.run(METHOD, twin, states, given, whole, mesh)
    found = {"poses": estimate.camera_from_world, **judged._asdict()}
    # What has no elements, as levels that nobody asked for, XLA splits over no devices.
    return {name: _own(array) for name, array in found.items() if array.size}


def _own(array: Array) -> np.ndarray:
    """Returns the rows that are on this process's devices."""
    shards = {
        shard.index[0].start or 0: shard.data for shard in array.addressable_shards
    }
    return np.concatenate([np.asarray(shards[first]) for first in sorted(shards)])


def main(path: str, count: str, *spanning: str) -> None:
    """Writes what this process has of the batch."""
    jax.config.update("jax_num_cpu_devices", int(count))
    first, share = 0, COUNT
    if spanning:
        address, processes, process = spanning
        jax.distributed.initialize(address, int(processes), int(process))
        share = COUNT // int(processes)
        first = int(process) * share
    images = toy()[2][first : first + share]
    np.savez(pathlib.Path(path), **judge(images, devices.mesh_of(jax.devices())))


if __name__ == "__main__":
    main(*sys.argv[1:])
