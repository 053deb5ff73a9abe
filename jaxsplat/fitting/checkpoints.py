"""What a long fit leaves on disk, so that a killed one goes on where it was.

Orbax takes long to import, and most fits are short: only those that use it import it.
"""

import dataclasses
import hashlib
import pathlib
import time
from collections.abc import Iterable, Sequence
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from absl import logging

from jaxsplat.data.views import View
from jaxsplat.fitting.state import FitState


@dataclasses.dataclass(frozen=True)
class Checkpoint:
    """Where and how often a fit is saved.

    Attributes:
        folder: of this fit alone; whoever asked for the fit removes it when the result
            is safe.
        every_seconds: time between two savings. A fit that takes less leaves nothing.
    """

    folder: pathlib.Path
    every_seconds: float = 60.0


@dataclasses.dataclass(frozen=True)
class Standing:
    """All that a fit is between two steps.

    Attributes:
        state: of the optimiser; its step says in which stage the fit is, and where.
        psnr: of the last interval's views, in dB.
        capacity: of the lists in use.
        seconds: time so far, compilation included.
        compile_seconds: time of compilation so far.
    """

    state: FitState
    psnr: float
    capacity: int
    seconds: float
    compile_seconds: float


def fingerprint(views: Sequence[View], settings: object) -> str:
    """Returns a digest of all that the numbers of a fit depend on.

    Args:
        views: the training views: names, pixels and cameras count.
        settings: all else, of which `repr` is taken.
    """
    inputs = [(view.image, view.alpha, view.camera) for view in views]
    names = [view.name for view in views]
    return _digest(repr((jax.__version__, settings, names)), jax.tree.leaves(inputs))


def _digest(text: str, arrays: Iterable[jax.Array | np.ndarray]) -> str:
    digest = hashlib.blake2b(text.encode(), digest_size=16)
    for array in arrays:
        digest.update(f"{array.dtype} {array.shape}".encode())
        digest.update(np.ascontiguousarray(array).data)
    return digest.hexdigest()


class Store:
    """The last two checkpoints of one fit."""

    def __init__(self, checkpoint: Checkpoint, identity: str) -> None:
        # Fits do not see each other's checkpoints.
        self._folder = checkpoint.folder.absolute() / identity
        self._every_seconds = checkpoint.every_seconds
        self._last = time.monotonic()

    def latest(self, like: FitState) -> Standing | None:
        """Returns the last checkpoint that is whole, or None where there is none.

        Args:
            like: a state of the same shapes.
        """
        if not self._folder.is_dir():
            if any(self._folder.parent.glob("*/")):
                logging.warning(
                    "%s: its checkpoints are of another fit (other views, settings, "
                    "seed or backend); this fit begins at its start",
                    self._folder.parent,
                )
            return None
        with _manager(self._folder) as manager:
            for step in sorted(manager.all_steps(), reverse=True):
                try:
                    return _read(manager, step, like)
                # Where files are damaged, anything in Orbax and below it can fail.
                except Exception as error:
                    logging.warning(
                        "%s: the checkpoint is damaged and is not used: %s",
                        self._folder / str(step),
                        str(error).partition("\n")[0],
                    )
                    manager.delete(step)
        return None

    def save_if_due(self, standing: Standing) -> None:
        """Saves when the last time is long enough ago.

        A checkpoint that cannot be written is a warning: the fit itself is not harmed.
        """
        if time.monotonic() - self._last < self._every_seconds:
            return
        try:
            with _manager(self._folder) as manager:
                _write(manager, standing)
        except (OSError, ValueError, RuntimeError) as error:  # also tensorstore's
            logging.warning("%s: no checkpoint was saved: %s", self._folder, error)
        self._last = time.monotonic()


def _manager(folder: pathlib.Path) -> Any:
    """Returns Orbax's manager of a folder's checkpoints, which closes as a context."""
    import orbax.checkpoint as ocp

    options = ocp.CheckpointManagerOptions(
        max_to_keep=2,
        cleanup_tmp_directories=True,
        enable_async_checkpointing=False,
    )
    return ocp.CheckpointManager(folder, options=options)


def _write(manager: Any, standing: Standing) -> None:
    from orbax.checkpoint import args

    leaves = [np.asarray(leaf) for leaf in jax.tree.leaves(standing.state)]
    host = {
        "psnr": standing.psnr,
        "capacity": standing.capacity,
        "seconds": standing.seconds,
        "compile_seconds": standing.compile_seconds,
    }
    record = {**host, "digest": _digest(repr(host), leaves)}
    manager.save(
        int(standing.state.step),
        args=args.Composite(
            state=args.StandardSave(leaves), host=args.JsonSave(record)
        ),
    )


def _read(manager: Any, step: int, like: FitState) -> Standing:
    """Returns a checkpoint.

    Raises:
        Exception: of any kind, when it is damaged.
    """
    from orbax.checkpoint import args

    # As NumPy arrays: Orbax ties JAX's to a device, and programs compile again.
    leaves, structure = jax.tree.flatten(like)
    leaves = [np.asarray(leaf) for leaf in leaves]
    found = manager.restore(
        step,
        args=args.Composite(
            state=args.StandardRestore(leaves), host=args.JsonRestore()
        ),
    )
    host = dict(found.host)
    digest = host.pop("digest")
    # Not every flipped bit is seen by those who decode the files.
    if _digest(repr(host), found.state) != digest:
        raise ValueError("its content is not what was written")
    state = jax.tree.unflatten(structure, [jnp.array(leaf) for leaf in found.state])
    return Standing(state, **host)
