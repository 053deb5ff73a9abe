"""What is said when JAX finds no device."""

import importlib.util
import subprocess
import sys

import jax
import pytest

from jaxsplat.core.devices import find_devices
from jaxsplat.errors import ConfigError


def test_devices_are_those_of_jax() -> None:
    assert find_devices() == jax.devices() != []


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (RuntimeError("Backend 'foo' is not known"), "Backend 'foo' is not known; set"),
        (AssertionError(), "is not installed; set"),
    ],
)
def test_no_device_is_told_in_a_sentence(
    monkeypatch: pytest.MonkeyPatch, error: Exception, words: str
) -> None:
    def devices() -> list[jax.Device]:
        raise error

    monkeypatch.setattr(jax, "devices", devices)
    monkeypatch.setenv("JAX_PLATFORMS", "foo")
    with pytest.raises(ConfigError, match=rf"\(JAX_PLATFORMS='foo'\): .*{words}"):
        find_devices()


@pytest.mark.parametrize("platform", ["foo", "cuda"])
def test_a_platform_that_is_not_there_is_refused_by_name(platform: str) -> None:
    plugins = ("jax_cuda12_plugin", "jax_cuda13_plugin")
    if platform == "cuda" and any(map(importlib.util.find_spec, plugins)):
        pytest.skip("the CUDA plugin is installed, so that cuda may be there")
    code = f"""if True:
        import os
        os.environ["JAX_PLATFORMS"] = {platform!r}
        from jaxsplat.errors import ConfigError
        from jaxsplat.core.devices import find_devices
        try:
            find_devices()
        except ConfigError as error:
            print(error)
        """
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    assert f"no device to run on (JAX_PLATFORMS='{platform}'): " in done.stdout
    assert "set JAX_PLATFORMS=cpu" in done.stdout
