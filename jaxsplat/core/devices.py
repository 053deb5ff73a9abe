"""The devices that JAX runs on, and what is said where it finds none."""

import os

import jax

from jaxsplat.errors import ConfigError


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
