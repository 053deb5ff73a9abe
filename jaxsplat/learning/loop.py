"""The training loop: shuffled epochs, one XLA program for every step.

What is learnt is a pytree of arrays, and a loss is a function of it, of data that stay
as they are, of the rows of a batch and of a key. The loss makes its batch itself, from
rows of arrays (`take`) or from nothing but the rows' numbers and the key, such as by
rendering: either way it is a part of the step's program.

Everything random is a function of the seed and of the step's number: a training that
was killed goes on to the same bits.
"""

import contextlib
import dataclasses
import functools
import time
from collections.abc import Callable, Sequence
from typing import Any, Protocol, runtime_checkable

import jax
import jax.numpy as jnp
import numpy as np
import optax
from jax import Array, lax
from jaxtyping import Float, Int, PRNGKeyArray

from jaxsplat.errors import ConfigError, NumericsError
from jaxsplat.learning import checkpoints
from jaxsplat.learning.checkpoints import Checkpoint, Saved, Store
from jaxsplat.learning.schedules import Cosine, Steps


@runtime_checkable
class Loss(Protocol):
    """What is minimised; hashable, since it is a static argument of the program."""

    def __call__(
        self, params: Any, data: Any, rows: Int[Array, " b"], key: PRNGKeyArray
    ) -> tuple[Float[Array, ""], dict[str, Float[Array, ""]]]:
        """Returns the mean loss of a batch, and further numbers to watch by name.

        Args:
            params: what is learnt.
            data: what is not, such as photographs, a scene or a frozen network.
            rows: numbers of the batch's examples.
            key: of what is random in this step.
        """


@dataclasses.dataclass(frozen=True)
class Training:
    """Settings of a training.

    Attributes:
        epochs: how often every example is seen.
        batch: examples of a step. The last one of an epoch is filled up from the
            epoch's first examples.
        rate: of learning.
        weight_decay: AdamW's, of matrices and convolutions only: biases, scales and
            statistics of normalisations are left alone (Loshchilov and Hutter 2019).
        clip: largest norm of a step's gradient; longer ones are shortened. None leaves
            them.
        together: steps in one call of the program, which saves time on a GPU. On a CPU
            XLA runs what is inside a loop on fewer threads.
    """

    epochs: int
    batch: int
    rate: Steps | Cosine
    weight_decay: float = 0.0
    clip: float | None = None
    together: int = 1

    def __post_init__(self) -> None:
        for name in ("epochs", "batch", "together"):
            if getattr(self, name) < 1:
                raise ConfigError(
                    f"{name}: found {getattr(self, name)}, expected 1 or more"
                )
        if self.weight_decay < 0:
            raise ConfigError(f"weight_decay: found {self.weight_decay}, expected >= 0")
        if self.clip is not None and not self.clip > 0:
            raise ConfigError(f"clip: found {self.clip}, expected a number above 0")

    def steps(self, count: int) -> int:
        """Returns the steps of an epoch of so many examples."""
        return -(-count // self.batch)


@dataclasses.dataclass(frozen=True)
class Epoch:
    """What an epoch gave.

    Attributes:
        number: of the epoch, from 1 on.
        loss: mean over its steps.
        watched: means of the loss's other numbers, by name.
        seconds: since the training began, compilation included.
    """

    number: int
    loss: float
    watched: dict[str, float]
    seconds: float


@dataclasses.dataclass(frozen=True)
class Trained:
    """The result of a training.

    Attributes:
        params: what was learnt.
        history: of all epochs.
        seconds: compilation not included.
        compile_seconds: of compilation.
    """

    params: Any
    history: tuple[Epoch, ...]
    seconds: float
    compile_seconds: float


@jax.tree_util.register_dataclass
@dataclasses.dataclass(frozen=True)
class TrainState:
    """Everything that a step changes.

    Attributes:
        params: what is learnt, float32.
        moments: of the optimiser.
        step: steps taken.
    """

    params: Any
    moments: Any
    step: Int[Array, ""]


def take(data: Any, rows: Int[Array, " b"]) -> Any:
    """Returns the rows of every array of a pytree."""
    return jax.tree.map(lambda leaf: leaf[rows], data)


def train(
    params: Any,
    loss: Loss,
    data: Any,
    count: int,
    training: Training,
    key: PRNGKeyArray,
    *,
    watch: Callable[[Epoch], None] | None = None,
    checkpoint: Checkpoint | None = None,
) -> Trained:
    """Returns parameters that make a loss small, by AdamW.

    Args:
        params: to begin with, a pytree of float32 arrays.
        loss: what is minimised. The same object again is not compiled again.
        data: passed on to the loss, a pytree of arrays.
        count: examples of an epoch: the rows are numbers below it.
        training: settings.
        key: of everything random.
        watch: called after every epoch.
        checkpoint: where the training is saved after an epoch, now and then and at a
            KeyboardInterrupt; one that was killed goes on from there, to the same bits.
            None saves nothing.

    Raises:
        ConfigError: there are no examples.
        NumericsError: loss or gradient of a step was not finite.
    """
    if count < 1:
        raise ConfigError(f"count: found {count}, expected 1 example or more")
    begin, compile_seconds = time.monotonic(), 0.0
    # Copies, since steps take the memory of their input.
    params = jax.tree.map(jnp.array, params)
    moments = _optimizer(training, count).init(params)
    state = TrainState(params, moments, jnp.int32(0))
    history: list[Epoch] = []
    store = None
    if checkpoint:
        store = Store(checkpoint, _identity(state, loss, data, training, key), "run")
        saved = store.latest(state)
        if saved is not None:
            state, host = saved
            history = [Epoch(**epoch) for epoch in host["history"]]
            compile_seconds = host["compile_seconds"]
            begin -= host["seconds"]
    per_epoch, together = training.steps(count), training.together
    lengths = [min(together, per_epoch - n) for n in range(0, per_epoch, together)]
    compiled: set[int] = set()
    advance = functools.partial(
        _advance, data=data, key=key, loss=loss, training=training, count=count
    )
    with store.kept_at_interrupt() if store else contextlib.nullcontext():
        for number in range(len(history) + 1, training.epochs + 1):
            state, reports, compiling = _epoch(state, advance, lengths, compiled)
            compile_seconds += compiling
            means = _means(reports, per_epoch * (number - 1))
            spent = time.monotonic() - begin
            history.append(Epoch(number, means.pop("loss"), means, spent))
            if store and number < training.epochs:
                host = {
                    "history": [dataclasses.asdict(epoch) for epoch in history],
                    "seconds": spent,
                    "compile_seconds": compile_seconds,
                }
                # A copy, since the next step takes the memory of its input.
                copied = jax.tree.map(jnp.copy, state)
                store.save_if_due(number, Saved(copied, host))
            if watch:
                watch(history[-1])
    spent = time.monotonic() - begin - compile_seconds
    return Trained(state.params, tuple(history), spent, compile_seconds)


def _epoch(
    state: TrainState,
    advance: Callable[..., tuple[TrainState, dict[str, Array]]],
    lengths: Sequence[int],
    compiled: set[int],
) -> tuple[TrainState, list[dict[str, Array]], float]:
    """Returns the state after an epoch, its steps' numbers, and seconds of compilation.

    Args:
        state: before.
        advance: takes as many steps as it is told.
        lengths: of the calls of an epoch, in steps.
        compiled: lengths that have had their first call; takes those that now have.
    """
    reports, compiling = [], 0.0
    for length in lengths:
        before = time.monotonic()
        state, report = advance(state, n=length)
        if length not in compiled:
            # The call returns when it has compiled, before the steps have run.
            compiled.add(length)
            compiling += time.monotonic() - before
        reports.append(report)
    return state, reports, compiling


def _optimizer(training: Training, count: int) -> optax.GradientTransformation:
    def decayed(params: Any) -> Any:
        return jax.tree.map(lambda leaf: leaf.ndim > 1, params)

    rate = training.rate.schedule(training.epochs, training.steps(count))
    adam = optax.adamw(rate, weight_decay=training.weight_decay, mask=decayed)
    if training.clip is None:
        return adam
    return optax.chain(optax.clip_by_global_norm(training.clip), adam)


@functools.partial(
    jax.jit,
    static_argnames=("loss", "training", "count", "n"),
    donate_argnames="state",
)
def _advance(
    state: TrainState,
    data: Any,
    key: PRNGKeyArray,
    *,
    loss: Loss,
    training: Training,
    count: int,
    n: int,
) -> tuple[TrainState, dict[str, Float[Array, " n"]]]:
    """Returns the state after n steps, and the numbers of each."""
    optimizer = _optimizer(training, count)
    per_epoch = training.steps(count)

    def step(state: TrainState) -> tuple[TrainState, dict[str, Array]]:
        epoch, place = state.step // per_epoch, state.step % per_epoch
        every = jnp.arange(count, dtype=jnp.int32)
        order = jax.random.permutation(jax.random.fold_in(key, epoch), every)
        slot = jnp.arange(training.batch, dtype=jnp.int32)
        rows = order[(place * training.batch + slot) % count]
        # Epochs and steps have keys of their own.
        drawn = jax.random.fold_in(jax.random.fold_in(key, epoch), place + 1)
        slope = jax.value_and_grad(loss, has_aux=True)
        (value, watched), gradient = slope(state.params, data, rows, drawn)
        with jax.numpy_dtype_promotion("standard"):  # optax has float ** int32
            updates, moments = optimizer.update(gradient, state.moments, state.params)
            params = optax.apply_updates(state.params, updates)
        leaves = [value, *jax.tree.leaves(gradient)]
        finite = jnp.all(jnp.stack([jnp.all(jnp.isfinite(leaf)) for leaf in leaves]))
        params, moments = jax.tree.map(
            lambda new, old: jnp.where(finite, new.astype(old.dtype), old),
            (params, moments),
            (state.params, state.moments),
        )
        reported = {"loss": jnp.where(finite, value, jnp.nan), **watched}
        return TrainState(params, moments, state.step + 1), reported

    if n == 1:
        state, reported = step(state)
        return state, jax.tree.map(lambda leaf: leaf[None], reported)
    return lax.scan(lambda state, _: step(state), state, length=n)


def _means(reports: list[dict[str, Array]], first: int) -> dict[str, float]:
    """Returns the mean of every number over an epoch whose first step is given.

    Raises:
        NumericsError: a step was not finite.
    """
    every = {
        name: np.concatenate([np.asarray(report[name]) for report in reports])
        for name in reports[0]
    }
    bad = np.flatnonzero(~np.isfinite(every["loss"]))
    if bad.size:
        raise NumericsError(
            f"step {first + bad[0]}: loss or gradient is not finite; lower the "
            "learning rate or set clip"
        )
    return {name: float(np.mean(values)) for name, values in every.items()}


def _identity(
    state: TrainState, loss: Loss, data: Any, training: Training, key: PRNGKeyArray
) -> str:
    """Returns a digest of all that the numbers of a training depend on.

    Of the loss that is its representation, without the address of a plain function.
    """
    told = getattr(loss, "__qualname__", None) or repr(loss)
    arrays = jax.tree.leaves((state.params, data, jax.random.key_data(key)))
    return checkpoints.digest(repr((jax.__version__, told, training)), arrays)
