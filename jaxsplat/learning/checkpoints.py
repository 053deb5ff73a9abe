"""What a long optimisation leaves on disk, so that a killed one goes on where it was.

Orbax takes long to import, and most runs are short: only those that use it import it.
"""

import contextlib
import contextvars
import dataclasses
import hashlib
import pathlib
import time
from collections.abc import Iterable, Iterator
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from absl import logging


@dataclasses.dataclass(frozen=True)
class Checkpoint:
    """Where and how often a run is saved.

    Attributes:
        folder: of this run alone; whoever asked for it removes it when the result is
            safe.
        every_seconds: time between two savings. A run that takes less leaves nothing.
    """

    folder: pathlib.Path
    every_seconds: float = 60.0


_kept_in: contextvars.ContextVar[pathlib.Path | None] = contextvars.ContextVar(
    "kept_in", default=None
)


@contextlib.contextmanager
def keeping(folder: pathlib.Path | None) -> Iterator[None]:
    """Has trainings within the context leave checkpoints in a folder.

    What is saved changes no result, so those between need not know of it.

    Args:
        folder: of these trainings alone. None saves nothing.
    """
    before = _kept_in.set(folder)
    try:
        yield
    finally:
        _kept_in.reset(before)


def named(name: str) -> Checkpoint | None:
    """Returns where a training saves, as `keeping` says; None where it is not asked."""
    folder = _kept_in.get()
    return None if folder is None else Checkpoint(folder / name)


class Saved(NamedTuple):
    """What a checkpoint holds.

    Attributes:
        state: a pytree of arrays.
        host: numbers and text beside it, as JSON has them.
    """

    state: Any
    host: dict[str, Any]


def digest(text: str, arrays: Iterable[jax.Array | np.ndarray]) -> str:
    """Returns a digest of a text and of arrays: types, shapes, bits."""
    found = hashlib.blake2b(text.encode(), digest_size=16)
    for array in arrays:
        found.update(f"{array.dtype} {array.shape}".encode())
        found.update(np.ascontiguousarray(array).data)
    return found.hexdigest()


class Store:
    """The last two checkpoints of one run."""

    def __init__(self, checkpoint: Checkpoint, identity: str, kind: str) -> None:
        """Keeps checkpoints apart from those of other runs.

        Args:
            checkpoint: where and how often.
            identity: a digest of all that the run's numbers depend on.
            kind: what a run is called in messages, such as "fit".
        """
        self._folder = checkpoint.folder.absolute() / identity
        self._every_seconds = checkpoint.every_seconds
        self._kind = kind
        self._last = time.monotonic()
        self._step = 0
        self._offered: tuple[int, Saved] | None = None

    def latest(self, like: Any) -> Saved | None:
        """Returns the last checkpoint that is whole, or None where there is none.

        Args:
            like: a state of the same structure and shapes.
        """
        if not self._folder.is_dir():
            if any(self._folder.parent.glob("*/")):
                logging.warning(
                    "%s: its checkpoints are of another %s (other views, settings, "
                    "seed or backend); this %s begins at its start",
                    self._folder.parent,
                    self._kind,
                    self._kind,
                )
            return None
        with _manager(self._folder) as manager:
            for step in sorted(manager.all_steps(), reverse=True):
                try:
                    found = _read(manager, step, like)
                    self._step = step
                    return found
                # Where files are damaged, anything in Orbax and below it can fail.
                except Exception as error:
                    logging.warning(
                        "%s: the checkpoint is damaged and is not used: %s",
                        self._folder / str(step),
                        str(error).partition("\n")[0],
                    )
                    manager.delete(step)
        return None

    def save_if_due(self, step: int, saved: Saved) -> None:
        """Saves when the last time is long enough ago, see `save`."""
        self._offered = step, saved
        if time.monotonic() - self._last >= self._every_seconds:
            self.save(step, saved)

    def save(self, step: int, saved: Saved) -> None:
        """Saves, unless the step is the start's or the last that was saved.

        A checkpoint that cannot be written is a warning: the run itself is not harmed.
        """
        if step == self._step:
            return
        try:
            with _manager(self._folder) as manager:
                _write(manager, step, saved)
            self._step = step
        except (OSError, ValueError, RuntimeError) as error:  # also tensorstore's
            logging.warning("%s: no checkpoint was saved: %s", self._folder, error)
        self._last = time.monotonic()

    @contextlib.contextmanager
    def kept_at_interrupt(self) -> Iterator[None]:
        """Saves what was last offered, due or not, where a KeyboardInterrupt comes.

        Also that of other signals which end a command.
        """
        try:
            yield
        except KeyboardInterrupt:
            if self._offered is not None:
                self.save(*self._offered)
            raise


def _manager(folder: pathlib.Path) -> Any:
    """Returns Orbax's manager of a folder's checkpoints, which closes as a context."""
    import orbax.checkpoint as ocp

    options = ocp.CheckpointManagerOptions(
        max_to_keep=2,
        cleanup_tmp_directories=True,
        enable_async_checkpointing=False,
    )
    return ocp.CheckpointManager(folder, options=options)


def _write(manager: Any, step: int, saved: Saved) -> None:
    from orbax.checkpoint import args

    leaves = [np.asarray(leaf) for leaf in jax.tree.leaves(saved.state)]
    record = {**saved.host, "digest": digest(repr(saved.host), leaves)}
    manager.save(
        step,
        args=args.Composite(
            state=args.StandardSave(leaves), host=args.JsonSave(record)
        ),
    )


def _read(manager: Any, step: int, like: Any) -> Saved:
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
    written = host.pop("digest")
    # Not every flipped bit is seen by those who decode the files.
    if digest(repr(host), found.state) != written:
        raise ValueError("its content is not what was written")
    state = jax.tree.unflatten(structure, [jnp.array(leaf) for leaf in found.state])
    return Saved(state, host)
