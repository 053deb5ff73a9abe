"""The viewer's page in a browser: where things are in it, and what it shows."""

import contextlib
import io
import math
import time
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
from PIL import Image

from jaxsplat.core.cameras import Camera
from jaxsplat.viewing import Exhibit, placing
from jaxsplat.viewing.placing import Frustum
from jaxsplat.viewing.stage import _SHOT_SCALE, Stage
from tests.helpers import chromium

SLIDER = "[role=slider]"


class ViewerPage:
    """A stage and the one browser that looks at it.

    Attributes:
        stage: that serves the page.
        browser: that shows it.
        client: the browser as the stage knows it.
    """

    def __init__(self, stage: Stage, browser: chromium.Browser) -> None:
        """Opens the page and waits until it shows the object."""
        self.stage, self.browser = stage, browser
        browser.open(f"http://127.0.0.1:{stage.port}")
        browser.until(f"return document.querySelector('{SLIDER}') !== null")
        until(lambda: len(stage._server.get_clients()) == 1)
        (self.client,) = stage._server.get_clients().values()
        # A notice of WebGL without GPU covers a corner.
        browser.until("return document.querySelector('.mantine-Notification-root')")
        browser.run(
            "document.querySelector('.mantine-Notification-closeButton').click()"
        )
        self.settled()

    def canvas(self) -> np.ndarray:
        """Returns what the canvas shows, RGB, [h, w, 3]."""
        with Image.open(io.BytesIO(self.browser.picture())) as image:
            pixels = np.asarray(image.convert("RGB"), int)
        seen = self.client.camera
        return pixels[: seen.image_height, : seen.image_width]

    def settled(self) -> np.ndarray:
        """Returns what the canvas shows once it no longer changes."""
        pictures = [self.canvas()]

        def is_still() -> bool:
            time.sleep(0.7)
            pictures.append(self.canvas())
            return np.array_equal(*pictures[-2:])

        until(is_still)
        return pictures[-1]

    def pixel(self, point: np.ndarray) -> tuple[float, float]:
        """Returns where in the window a point of the world is, x and y."""
        seen = self.client.camera
        frustum = Frustum(tuple(seen.wxyz), tuple(seen.position), seen.fov, seen.aspect)
        camera = placing.of_viewer(frustum, seen.image_width, seen.image_height)
        pose = np.asarray(camera.camera_from_world, float)
        x, y, z = pose[:3, :3] @ point + pose[:3, 3]
        return (
            float(camera.fx) * x / z + float(camera.cx),
            float(camera.fy) * y / z + float(camera.cy),
        )

    def picture_of(self, camera: Camera) -> tuple[int, int] | None:
        """Returns where in the canvas the middle of a photograph is, None outside."""
        seen, frustum = self.client.camera, placing.frustum(camera)
        ahead = np.asarray(camera.camera_from_world, float)[2, :3]
        # viser's pyramids have a volume by their scale, whatever their angle.
        volume = math.tan(0.5 * frustum.fov) ** 2 * frustum.aspect / 3
        depth = _SHOT_SCALE * self.stage._distance / volume ** (1 / 3)
        x, y = map(round, self.pixel(np.asarray(frustum.position) + depth * ahead))
        is_inside = 0 <= x < seen.image_width and 0 <= y < seen.image_height
        return (x, y) if is_inside else None


@contextlib.contextmanager
def opened(exhibit: Exhibit) -> Iterator[ViewerPage]:
    """Yields the page of an exhibit; skips the test where there is no browser."""
    with chromium.browser() as browser, Stage(exhibit, "127.0.0.1", 8400) as stage:
        yield ViewerPage(stage, browser)


def until(is_so: Callable[[], Any], seconds: float = 60.0) -> None:
    """Returns once something is so.

    Raises:
        TimeoutError: it never was.
    """
    end = time.monotonic() + seconds
    while not is_so():
        if time.monotonic() > end:
            raise TimeoutError(is_so)
        time.sleep(0.05)
