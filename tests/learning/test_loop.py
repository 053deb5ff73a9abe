"""The training loop minimises, sees every example, and goes on to the same bits."""

import dataclasses
import pathlib

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxsplat import learning
from jaxsplat.errors import ConfigError, NumericsError
from jaxsplat.learning import Checkpoint, Epoch, Steps, Training, loop

COUNT = 10
TRAINING = Training(epochs=4, batch=4, rate=Steps(((0, 0.1), (2, 0.01))))
KEY = jax.random.key(5)


def line(params, data, rows, key):
    """Squared error of a line, with noise on its batch."""
    x, y = learning.take(data, rows)
    noise = 1e-3 * jax.random.normal(key, x.shape)
    error = params["slope"] * x + params["offset"] - y + noise
    return jnp.mean(error**2), {"seen": jnp.sum(rows).astype(jnp.float32)}


def points() -> tuple[jax.Array, jax.Array]:
    x = jnp.linspace(-1.0, 1.0, COUNT, dtype=jnp.float32)
    return x, 2 * x + 0.5


def start() -> dict[str, jax.Array]:
    return {"slope": jnp.float32(0), "offset": jnp.float32(0)}


def run(training=TRAINING, loss=line, key=KEY, **options):
    return learning.train(start(), loss, points(), COUNT, training, key, **options)


def assert_same(found, expected) -> None:
    for name, value in expected.params.items():
        np.testing.assert_array_equal(found.params[name], value)
    losses = [[e.loss for e in trained.history] for trained in (found, expected)]
    assert losses[0] == losses[1]


def test_a_line_is_found() -> None:
    rate = Steps(((0, 0.1), (60, 0.01)))
    found = run(Training(epochs=80, batch=5, rate=rate))
    np.testing.assert_allclose(found.params["slope"], 2, atol=0.01)
    np.testing.assert_allclose(found.params["offset"], 0.5, atol=0.01)
    assert [epoch.number for epoch in found.history] == list(range(1, 81))
    assert found.history[-1].loss < 1e-4 < found.history[0].loss
    assert found.seconds > 0 and found.compile_seconds > 0


def test_every_step_is_adam_at_the_schedules_rate() -> None:
    """Against Kingma and Ba's algorithm 1 in float64, on batches of the whole set."""

    def exact(params, data, rows, key):
        x, y = learning.take(data, rows)
        return jnp.mean((params["slope"] * x + params["offset"] - y) ** 2), {}

    x, y = (np.asarray(column, np.float64) for column in points())
    params, mean, square = np.zeros(2), np.zeros(2), np.zeros(2)
    for step, rate in enumerate((0.1, 0.1, 0.01, 0.01), start=1):
        error = params[0] * x + params[1] - y
        gradient = 2 * np.array([np.mean(error * x), np.mean(error)])
        mean = 0.9 * mean + 0.1 * gradient
        square = 0.999 * square + 0.001 * gradient**2
        unbiased = mean / (1 - 0.9**step), square / (1 - 0.999**step)
        params -= rate * unbiased[0] / (np.sqrt(unbiased[1]) + 1e-8)
    training = Training(epochs=4, batch=COUNT, rate=TRAINING.rate)
    found = run(training, exact).params
    np.testing.assert_allclose([found["slope"], found["offset"]], params, rtol=1e-5)


def test_an_epoch_shows_every_example_and_fills_up_its_last_batch() -> None:
    shown: list[list[int]] = []

    def remember(params, data, rows, key):
        jax.debug.callback(lambda rows: shown.append([int(r) for r in rows]), rows)
        return params["slope"] ** 2, {}

    run(dataclasses.replace(TRAINING, epochs=2), remember)
    jax.effects_barrier()
    assert len(shown) == 6
    first, second = (sum(shown[n : n + 3], []) for n in (0, 3))
    for epoch in (first, second):
        assert set(epoch) == set(range(COUNT)) and epoch[COUNT:] == epoch[:2]
    assert first != second


def test_steps_in_one_call_are_the_same_steps() -> None:
    one, three = run(), run(dataclasses.replace(TRAINING, together=2))
    for name, value in one.params.items():
        np.testing.assert_allclose(three.params[name], value, rtol=1e-5)
    watched = [[epoch.watched["seen"] for epoch in t.history] for t in (one, three)]
    np.testing.assert_allclose(watched[0], watched[1])


def test_matrices_alone_decay() -> None:
    def nothing(params, data, rows, key):
        return 0.0 * jnp.sum(params["matrix"]) + 0.0 * jnp.sum(params["bias"]), {}

    training = Training(epochs=1, batch=1, rate=Steps(((0, 0.1),)), weight_decay=0.5)
    params = {"matrix": jnp.ones((2, 2)), "bias": jnp.ones(2)}
    found = learning.train(params, nothing, (), 1, training, KEY).params
    np.testing.assert_allclose(found["matrix"], 0.95, rtol=1e-6)
    np.testing.assert_array_equal(found["bias"], 1)


def test_a_long_gradient_is_shortened() -> None:
    def steep(params, data, rows, key):
        return 1e6 * params["slope"] + 0.0 * jnp.sum(rows.astype(jnp.float32)), {}

    moved = []
    for clip in (None, 1e-3):
        training = dataclasses.replace(TRAINING, epochs=1, clip=clip)
        moved.append(abs(float(run(training, steep).params["slope"])))
    # Adam forgets the size of a gradient, but for its epsilon of 1e-8.
    np.testing.assert_allclose(moved, 0.3, rtol=1e-4)


class Killed(Exception):
    pass


@pytest.mark.parametrize("at", [1, 3])
@pytest.mark.parametrize(
    ("by", "every_seconds"),
    [
        pytest.param(Killed, 0.0, id="killed"),
        pytest.param(KeyboardInterrupt, 3600.0, id="told to end"),
    ],
)
def test_ended_training_goes_on_to_the_same_bits(
    tmp_path: pathlib.Path, at: int, by: type[BaseException], every_seconds: float
) -> None:
    checkpoint = Checkpoint(tmp_path / "run", every_seconds)

    def kill(epoch: Epoch) -> None:
        if epoch.number == at:
            raise by

    with pytest.raises(by):
        run(watch=kill, checkpoint=checkpoint)
    seen: list[int] = []
    found = run(watch=lambda epoch: seen.append(epoch.number), checkpoint=checkpoint)
    assert seen == list(range(at + 1, 5))
    assert_same(found, run())
    # Another seed is another training.
    other = run(key=jax.random.key(6), checkpoint=checkpoint)
    assert len(other.history) == 4 and other.history[0] != found.history[0]


def test_trainings_within_keeping_have_checkpoints_by_their_names(
    tmp_path: pathlib.Path,
) -> None:
    assert learning.named("a") is None
    with learning.keeping(tmp_path / "outer"):
        with learning.keeping(tmp_path / "inner"):
            assert learning.named("a") == Checkpoint(tmp_path / "inner" / "a")
        assert learning.named("b") == Checkpoint(tmp_path / "outer" / "b")
        with learning.keeping(None):
            assert learning.named("b") is None
    assert learning.named("a") is None


def test_what_is_not_finite_is_told_by_its_step() -> None:
    def breaks(params, data, rows, key):
        return jnp.where(jnp.any(rows == 3), jnp.log(-1 + 0 * params["slope"]), 1.0), {}

    with pytest.raises(NumericsError, match="loss or gradient is not finite"):
        run(loss=breaks)
    state = loop.TrainState(
        start(), loop._optimizer(TRAINING, 1).init(start()), jnp.int32(0)
    )
    state, report = loop._advance(
        state, points(), KEY, loss=breaks, training=TRAINING, count=4, n=1
    )
    assert jnp.isnan(report["loss"]).all()
    assert float(state.params["slope"]) == 0 and int(state.step) == 1


def test_wrong_settings_are_told() -> None:
    rate = Steps(((0, 0.1),))
    for name in ("epochs", "batch", "together"):
        with pytest.raises(ConfigError, match=f"{name}: found 0"):
            dataclasses.replace(TRAINING, **{name: 0})
    with pytest.raises(ConfigError, match="clip: found 0"):
        Training(1, 1, rate, clip=0.0)
    with pytest.raises(ConfigError, match="weight_decay: found -1"):
        Training(1, 1, rate, weight_decay=-1.0)
    with pytest.raises(ConfigError, match="count: found 0"):
        learning.train(start(), line, points(), 0, TRAINING, KEY)
