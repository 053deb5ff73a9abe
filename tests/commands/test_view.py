"""A detector and photographs that are inspected for the viewer, up to the browser."""

import pathlib

import numpy as np
import pytest

from jaxsplat import report
from jaxsplat.commands import opened, view
from jaxsplat.data.views import ObjectSet
from jaxsplat.viewing import Exhibit, placing
from tests.helpers import toy_detector, viewer_page

# Of the toy's views, those that are photographed anew: a good one and a marred one.
GOOD, MARRED = 3, 7


@pytest.fixture(scope="module")
def photographs(
    toy: ObjectSet, tmp_path_factory: pytest.TempPathFactory
) -> pathlib.Path:
    """Returns a folder with photographs, of which the last one is cut off."""
    folder = tmp_path_factory.mktemp("photographs")
    toy_detector.save(folder / "a.png", toy_detector.pixels(toy, GOOD))
    marred = toy_detector.pixels(toy, MARRED, marred=True)
    whole = toy_detector.save(folder / "b.png", marred).read_bytes()
    (folder / "c.png").write_bytes(whole[: len(whole) // 2])
    return folder


@pytest.fixture(scope="module")
def shown(detector_folder: pathlib.Path, photographs: pathlib.Path) -> Exhibit:
    config = view.Config(str(detector_folder), images=(str(photographs),))
    with report.Progress() as progress:
        return opened.open_exhibit(config, progress)


def test_photographs_are_shown_where_they_were_taken(
    shown: Exhibit, toy: ObjectSet, photographs: pathlib.Path
) -> None:
    assert shown.is_one_part
    names = [str(photographs / name) for name in ("a.png", "b.png")]
    assert [shot.name for shot in shown.shots] == names
    assert [shot.defective for shot in shown.shots] == [False, True]
    for shot, number in zip(shown.shots, (GOOD, MARRED), strict=True):
        taken = toy.train[number].camera
        assert taken is not None
        found = shot.camera.camera_from_world
        np.testing.assert_allclose(found, taken.camera_from_world, atol=0.05)
        pixels = toy_detector.pixels(toy, number, marred=number == MARRED)
        np.testing.assert_array_equal(shot.picture, pixels)
    (without,) = [
        note for note in shown.notes if "not shown: " in note and "c.png" in note
    ]
    assert "a.png" not in without


@pytest.mark.slow
def test_photographs_stand_in_the_browser_and_lead_there(
    shown: Exhibit, loopback: None
) -> None:
    pytest.importorskip("viser")
    with viewer_page.opened(shown) as page:
        text = page.browser.run("return document.body.innerText")
        assert "2 photographs together" in text and "c.png" in text
        seen = page.settled()
        page.stage._with_shots.value = False
        hidden = page.settled()
        page.stage._with_shots.value = True
        page.settled()
        places = [page.picture_of(shot.camera) for shot in shown.shots]
        # The page begins where most are in sight.
        in_sight = [number for number, place in enumerate(places) if place is not None]
        assert in_sight
        for number in in_sight:
            x, y = places[number]
            around = np.s_[max(y - 10, 0) : y + 10, max(x - 10, 0) : x + 10]
            assert (seen[around] != hidden[around]).any(axis=-1).mean() > 0.5
        number = in_sight[-1]
        shot = shown.shots[number]
        page.browser.drag(places[number])
        eye = placing.frustum(shot.camera).position
        viewer_page.until(
            lambda: np.allclose(page.client.camera.position, eye, atol=1e-3)
        )
        told = f"return document.body.innerText.includes('{shot.told}')"
        assert page.browser.until(told)
        np.testing.assert_array_equal(page.stage._picture.image, shot.picture)
