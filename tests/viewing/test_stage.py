"""The viewer as a process in a browser: it shows, flies, draws, and ends."""

import os
import pathlib
import signal
import subprocess
import sys

import numpy as np
import pytest
from PIL import Image

from jaxsplat.errors import ConfigError
from jaxsplat.viewing import Exhibit, stage
from tests.helpers import chromium, shown

# Whoever starts the tests in the background has SIGINT ignored.
START = """
import signal, sys
signal.signal(signal.SIGINT, signal.default_int_handler)
from jaxsplat.commands.entry import main
main(["jaxsplat", "view", *sys.argv[1:]])
"""
ROOT = pathlib.Path(__file__).parents[2]
# viser 1.1.1 keeps the corners of its splats in two coordinates, where three.js, which
# sorts what is transparent, looks for three. It says so of any splats, harms nothing.
OF_VISER = "THREE.BufferGeometry.computeBoundingSphere(): Computed radius is NaN."


def test_without_viser_the_extra_is_named(
    toy: Exhibit, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "viser", None)
    with pytest.raises(ConfigError, match=r"pip install jaxsplat\[view\]"):
        stage.Stage(toy, "127.0.0.1", 8080)


@pytest.mark.slow
def test_the_viewer_shows_a_run_and_ends_at_ctrl_c(
    loopback: None, tmp_path: pathlib.Path
) -> None:
    pytest.importorskip("viser")
    run = shown.write_run(tmp_path, shown.views())
    viewer = subprocess.Popen(
        [sys.executable, "-c", START, str(run), "--port=8311"],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        assert viewer.stdout is not None
        address, *words = viewer.stdout.readline().split()
        assert address.startswith("http://127.0.0.1:") and words == ["shows", "toy"]
        with chromium.browser() as page:
            page.open(address)
            text = "return document.body.innerText"
            assert page.until(f"{text}.includes('2 photographs together')")
            page.until("return document.querySelector('canvas') !== null")
            picture = tmp_path / "shot.png"
            page.until("return new Promise(r => setTimeout(() => r(true), 3000))")
            page.screenshot(picture)
            wrong = page.console_errors()
            with Image.open(picture) as image:
                pixels = np.asarray(image.convert("RGB"), int)
        assert len(wrong) <= 1 and all(OF_VISER in message for message in wrong)
        # The threshold's colours are those of heat: much more red than blue.
        left = pixels[:, : pixels.shape[1] * 3 // 5]
        assert ((left[..., 0] - left[..., 2]) > 60).sum() > 50
        viewer.send_signal(signal.SIGINT)
        assert viewer.wait(60) == 0
        assert viewer.stdout.read() == ""
    finally:
        viewer.kill()
        viewer.wait()
        viewer.stdout.close()
