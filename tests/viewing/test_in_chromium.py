"""The viewer's controls in a browser: the slider paints, a click flies there."""

import dataclasses
import threading
from collections.abc import Iterator

import numpy as np
import pytest
from PIL import Image

from jaxsplat.viewing import Exhibit, looks, placing
from jaxsplat.viewing.drawing import Drawer
from jaxsplat.viewing.looks import Looks
from jaxsplat.viewing.stage import Stage
from tests.helpers import chromium, shown, viewer_page
from tests.helpers.viewer_page import SLIDER, ViewerPage
from tests.viewing.test_placing import rolled

pytest.importorskip("viser")
# Between the largest and the smallest of red, green and blue.
COLOURED = 30


@pytest.fixture(scope="module")
def tilted(toy: Exhibit) -> Exhibit:
    """Returns the toy whose second photograph was taken with a tilted camera."""
    shot = toy.shots[1]
    camera = rolled(shot.camera, 0.7)
    drawn, _ = Drawer(toy.detector.twin).draw(toy.detector.twin.gaussians, camera)
    second = dataclasses.replace(shot, camera=camera, picture=drawn)
    return dataclasses.replace(toy, shots=(toy.shots[0], second))


@pytest.fixture
def page(tilted: Exhibit, loopback: None) -> Iterator[ViewerPage]:
    with viewer_page.opened(tilted) as opened:
        yield opened


def sent(page: ViewerPage) -> np.ndarray:
    """Returns the colours that the browser was sent last, bytes, [n, 3]."""
    return page.stage._splats.rgbs


def expected(exhibit: Exhibit, threshold: float) -> np.ndarray:
    """Returns the colours of all photographs' anomaly, bytes, [n, 3]."""
    made = Looks(exhibit)
    look = dataclasses.replace(made.first, threshold=threshold)
    return np.rint(255 * looks.splats_of(made.scene(look)).colors)


def coloured(picture: np.ndarray) -> int:
    return int((np.ptp(picture, axis=-1) > COLOURED).sum())


def test_the_slider_paints_the_object(page: ViewerPage, tilted: Exhibit) -> None:
    threshold = page.stage._threshold
    begun = page.settled()
    np.testing.assert_allclose(sent(page), expected(tilted, shown.THRESHOLD), atol=1)
    page.browser.press(SLIDER, chromium.HOME)
    viewer_page.until(lambda: threshold.value == 0)
    lowest = page.settled()
    np.testing.assert_allclose(sent(page), expected(tilted, 0.0), atol=1)
    assert coloured(lowest) > coloured(begun) + 1000
    # What changed is the object, which is in the middle.
    y, x = np.nonzero(np.ptp([begun, lowest], axis=0).max(axis=-1))
    middle_x, middle_y = page.pixel(np.zeros(3))
    assert len(x) > 1000 and np.hypot(x - middle_x, y - middle_y).max() < 250

    left, top, width, height = page.browser.run(
        f"const box = document.querySelector('{SLIDER}').parentElement"
        ".getBoundingClientRect(); return [box.x, box.y, box.width, box.height]"
    )
    middle = top + height / 2
    along = [(left + width * share, middle) for share in (0.02, 0.3, 0.6, 0.9)]
    page.browser.drag(*along)
    viewer_page.until(lambda: threshold.value > 0.85 * 2 * shown.THRESHOLD)
    highest = page.settled()
    np.testing.assert_allclose(sent(page), expected(tilted, threshold.value), atol=1)
    assert coloured(highest) < coloured(begun)


def test_a_click_on_a_photograph_flies_there(page: ViewerPage, tilted: Exhibit) -> None:
    shot = tilted.shots[1]
    told: list[np.ndarray] = []
    page.client.camera.on_update(lambda seen: told.append(np.array(seen.position)))
    page.stage._color.value = "photograph"
    page.settled()
    place = page.picture_of(shot.camera)
    assert place is not None
    page.browser.drag(place)
    target = placing.frustum(shot.camera)
    # As the browser tells it.
    viewer_page.until(
        lambda: told and np.allclose(told[-1], target.position, atol=1e-3)
    )
    seen = page.settled()
    camera = page.client.camera
    assert abs(np.dot(camera.wxyz, target.wxyz)) == pytest.approx(1, abs=1e-5)
    assert camera.fov == pytest.approx(target.fov, abs=1e-4)
    assert page.stage._look.shot == 1 and page.stage._picture.visible
    assert page.browser.run("return document.body.innerText").count("defective") == 1
    # What is seen from there is the photograph, as high as the window.
    height, width = seen.shape[:2]
    square = seen[:, (width - height) // 2 : (width + height) // 2].astype(np.uint8)
    side = shot.picture.shape[0]
    small = np.asarray(
        Image.fromarray(square).resize((side, side), Image.Resampling.BOX)
    )
    differs = np.abs(small.astype(int) - shot.picture.astype(int))
    assert differs.mean() < 10


def test_of_what_is_asked_for_meanwhile_the_last_is_made(
    toy: Exhibit, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = []
    scene = Looks.scene
    with Stage(toy, "127.0.0.1", 8400) as stage:
        monkeypatch.setattr(
            Looks, "scene", lambda self, look: made.append(look) or scene(self, look)
        )
        values = (0.5, 1.0, 1.5, 3.0)
        with stage._lock:
            threads = []
            for value in values:
                thread = threading.Thread(
                    target=setattr, args=(stage._threshold, "value", value)
                )
                thread.start()
                threads.append(thread)
                viewer_page.until(lambda: stage._threshold.value == value)
        for thread in threads:
            thread.join()
        assert [look.threshold for look in made] == [values[-1]]
