"""Learning rates over a training, told in epochs."""

import dataclasses

import optax

from jaxsplat.errors import ConfigError


@dataclasses.dataclass(frozen=True)
class Steps:
    """A rate that changes at once after some epochs.

    Attributes:
        rates: (epoch from which it holds, rate), the first one from epoch 0 on.
    """

    rates: tuple[tuple[int, float], ...]

    def __post_init__(self) -> None:
        epochs = [epoch for epoch, _ in self.rates]
        if not epochs or epochs[0] != 0 or epochs != sorted(set(epochs)):
            raise ConfigError(
                f"rates: found epochs {epochs}, expected 0 and then rising ones"
            )
        for _, rate in self.rates:
            _check_rate(rate)

    def schedule(self, epochs: int, steps: int) -> optax.Schedule:
        """Returns the rate of every step.

        Args:
            epochs: of the whole training.
            steps: of an epoch.
        """
        del epochs
        return optax.join_schedules(
            [optax.constant_schedule(rate) for _, rate in self.rates],
            [epoch * steps for epoch, _ in self.rates[1:]],
        )


@dataclasses.dataclass(frozen=True)
class Cosine:
    """A rate that rises at first and then falls to nothing along a cosine.

    Loshchilov and Hutter, "SGDR" (ICLR 2017), equation 5, without restarts.

    Attributes:
        rate: the highest.
        rising: share of the training in which it rises in proportion.
    """

    rate: float
    rising: float = 0.05

    def __post_init__(self) -> None:
        _check_rate(self.rate)
        if not 0 <= self.rising < 1:
            raise ConfigError(f"rising: found {self.rising}, expected 0 to below 1")

    def schedule(self, epochs: int, steps: int) -> optax.Schedule:
        """Returns the rate of every step; arguments as in `Steps.schedule`."""
        whole = epochs * steps
        rising = int(self.rising * whole)
        return optax.warmup_cosine_decay_schedule(0.0, self.rate, rising, whole)


def _check_rate(rate: float) -> None:
    if not rate > 0:
        raise ConfigError(f"rate: found {rate}, expected a number above 0")
