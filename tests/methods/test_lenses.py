"""Photographs of lenses with distortion, and of lenses of their own."""

import dataclasses
import json
import pathlib

import cv2
import jax.numpy as jnp
import numpy as np
import pytest

from jaxsplat import data, metrics
from jaxsplat.core.cameras import Camera
from jaxsplat.data.lens import Lens
from jaxsplat.data.views import ObjectSet, View
from jaxsplat.methods import Detector, Inspection, photographs
from jaxsplat.pose import Outcome
from tests.helpers import datasets, toy_object
from tests.helpers.toy_detector import QUICK

SIDE = toy_object.SIDE
# As of an action camera: lines near the frame are bent by half a pixel of the toy's 32.
DISTORTION = (-0.9, 0.2, 0.01, -0.02)
FLIP = np.diag([1.0, -1.0, -1.0, 1.0])
ASKED = (3, 14, 25)


def distorted(image: np.ndarray, scale: int) -> np.ndarray:
    """Returns a photograph, `scale` times as large, that shows what the image shows."""
    large = cv2.resize(image, None, None, scale, scale, cv2.INTER_CUBIC)
    side = scale * SIDE
    focal, middle = 60.0 * scale, side / 2 - 0.5
    matrix = np.array([[focal, 0, middle], [0, focal, middle], [0, 0, 1]])
    pixels = np.stack(np.meshgrid(np.arange(side), np.arange(side)), axis=-1)
    straight = cv2.undistortPoints(
        pixels.reshape(-1, 1, 2).astype(np.float64),
        matrix,
        np.array(DISTORTION),
        P=matrix,
    )
    shown = straight.reshape(side, side, 2).astype(np.float32)
    bent = cv2.remap(
        large, shown, None, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE
    )
    return np.rint(255 * bent.clip(0, 1)).astype(np.uint8)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> pathlib.Path:
    """Returns the toy as a lens with distortion shows it, some views asked for again.

    The last of those is a photograph of twice the size.
    """
    root = tmp_path_factory.mktemp("bent")
    frames = []
    for index, view in enumerate(toy_object.views(40, alpha=False)):
        assert view.camera is not None
        pose = np.linalg.inv(np.asarray(view.camera.camera_from_world, np.float64))
        name = f"train/good/{index}.png"
        datasets.save(root / name, distorted(view.image, 1))
        frames.append({"file_path": name, "transform_matrix": (pose @ FLIP).tolist()})
        if index in ASKED:
            scale = 2 if index == ASKED[-1] else 1
            pixels = distorted(view.image, scale)
            datasets.save(root / f"test/good/{index}.png", pixels)
    lens = {"fl_x": 60.0, "w": SIDE, "h": SIDE}
    lens |= dict(zip(("k1", "k2", "p1", "p2"), DISTORTION, strict=True))
    (root / "transforms.json").write_text(json.dumps({**lens, "frames": frames}))
    return root


@pytest.fixture(scope="module")
def bent(folder: pathlib.Path) -> ObjectSet:
    return data.load_object(folder)


@pytest.fixture(scope="module")
def detector(bent: ObjectSet) -> Detector:
    return Detector.fit(bent, QUICK, calibration_views=2)


def assert_same(one: Inspection, other: Inspection) -> None:
    """Checks that two findings are the same to the last bit, but for time and name."""
    for field in dataclasses.fields(Inspection):
        if field.name not in ("stage_seconds", "name"):
            np.testing.assert_array_equal(
                getattr(one, field.name), getattr(other, field.name)
            )


def rotation_error(found: Inspection, index: int) -> float:
    camera = toy_object.cameras_around(40)[index]
    true = np.asarray(camera.camera_from_world, np.float64)
    return float(np.degrees(metrics.rotation_error(found.camera_from_world, true)))


def test_a_photograph_as_it_was_taken_is_found_as_its_view(
    folder: pathlib.Path, bent: ObjectSet, detector: Detector, tmp_path: pathlib.Path
) -> None:
    paths = [folder / view.name for view in bent.test]
    arrays = [cv2.imread(str(path))[..., ::-1] for path in paths]
    views = detector.inspect(bent.test)
    detector.save(tmp_path)
    again = Detector.load(tmp_path)
    assert again.lens == bent.lens == detector.lens
    for items, asked in ((paths, detector), (arrays, detector), (paths, again)):
        for one, other in zip(views, asked.inspect(items), strict=True):
            assert_same(one, other)
    for one, view in zip(views, bent.test, strict=True):
        assert rotation_error(one, int(pathlib.Path(view.name).stem)) < 2.0


def test_without_distortion_photographs_stay(
    bent: ObjectSet, folder: pathlib.Path
) -> None:
    path = folder / bent.test[0].name
    lens = bent.lens
    assert lens is not None
    none = dataclasses.replace(lens, distortion=())
    as_taken = View("as taken", data.read_image(path)[0])
    images = []
    for item, used in (
        (path, lens),
        (bent.test[0], None),
        (path, none),
        (path, None),
        (as_taken, lens),
    ):
        taken = photographs.take(item, 0, bent.intrinsics, np.ones(3, np.float32), used)
        assert isinstance(taken, photographs.Taken)
        images.append(taken.image)
    np.testing.assert_array_equal(images[0], images[1])
    for image in images[3:]:
        np.testing.assert_array_equal(images[2], image)
    assert np.abs(images[0] - images[2]).max() > 0.1


def test_a_lens_of_another_shape_is_not_used(bent: ObjectSet) -> None:
    wide = np.ones((SIDE, 2 * SIDE, 3), np.float32)
    found = photographs.take(wide, 0, bent.intrinsics, np.ones(3), bent.lens)
    assert isinstance(found, Inspection)
    assert found.outcome == Outcome.WRONG_SHAPE


def part(view: View, left: int, top: int, width: int, height: int) -> View:
    """Returns a part of a photograph with the lens that it is seen through.

    It may reach a few pixels beyond the frame, where it is white.
    """
    assert view.camera is not None
    margin = 4
    beyond = ((margin, margin), (margin, margin), (0, 0))
    wider = np.pad(view.image, beyond, constant_values=1.0)
    rows = slice(top + margin, top + margin + height)
    columns = slice(left + margin, left + margin + width)
    lens = Camera(
        jnp.eye(4),
        view.camera.fx,
        view.camera.fy,
        view.camera.cx - left,
        view.camera.cy - top,
        width,
        height,
    )
    return View(f"{left},{top}", wider[rows, columns], intrinsics=lens)


@pytest.mark.parametrize("batch", [1, pytest.param(2, marks=pytest.mark.slow)])
def test_lenses_of_their_own_are_used_and_kept_apart(
    bent: ObjectSet, detector: Detector, tmp_path: pathlib.Path, batch: int
) -> None:
    """Parts of one photograph, of one size or another, have the photograph's pose."""
    detector.save(tmp_path)
    asked = Detector.load(tmp_path)
    asked.method = dataclasses.replace(QUICK, batch=batch)
    whole = bent.train[8]
    # Of the detector's own size, whose programs are compiled already.
    parts = [part(whole, -2, 1, SIDE, SIDE), part(whole, 2, 1, SIDE, SIDE)]
    if batch > 1:  # one by one, another size has nothing to be kept apart from
        parts.append(part(whole, 1, 2, 30, 27))
    assert whole.camera is not None
    told = asked.inspect(parts)
    for one, item in zip(told, parts, strict=True):
        assert one.render is not None and one.render.shape == item.image.shape
        assert rotation_error(one, 8) < 2.0
        # The lens of another part would be 4 pixels, that is .27, off.
        np.testing.assert_allclose(
            one.camera_from_world, whole.camera.camera_from_world, atol=0.2
        )
        assert_same(one, asked.inspect([item])[0])


CAMERA = Camera(
    jnp.eye(4), *(jnp.float32(x) for x in (60, 60, 16, 16)), width=32, height=32
)


def own_lens(width: int, height: int, fx: float, fy: float) -> View:
    lens = Camera(
        3 * jnp.eye(4),
        *(jnp.float32(x) for x in (fx, fy, width / 2, height / 4)),
        width=width,
        height=height,
    )
    return View("v", np.ones((height, width, 3), np.float32), intrinsics=lens)


@pytest.mark.parametrize(
    ("view", "size", "focal"),
    [
        (own_lens(90, 40, 60, 60), (90, 40), (60, 60)),
        (own_lens(90, 40, 30, 50), (90, 40), (30, 50)),
        (own_lens(90, 40, 120, 60), (45, 20), (60, 30)),
        (own_lens(200, 100, 240, 300), (40, 20), (48, 60)),
    ],
)
def test_own_lenses_are_reduced_to_the_focal_length(
    view: View, size: tuple[int, int], focal: tuple[float, float]
) -> None:
    taken = photographs.take(view, 0, CAMERA, np.ones(3, np.float32))
    assert isinstance(taken, photographs.Taken)
    found = taken.camera
    assert (found.width, found.height) == size == taken.image.shape[1::-1]
    assert (float(found.fx), float(found.fy)) == pytest.approx(focal)
    assert float(found.cy) == pytest.approx(size[1] / 4)
    np.testing.assert_array_equal(found.camera_from_world, np.eye(4))


def test_own_lenses_that_cannot_be_are_findings() -> None:
    views = {
        "for 90x40 pixels, expected one for 32x32": dataclasses.replace(
            own_lens(90, 40, 60, 60), image=np.ones((32, 32, 3), np.float32)
        ),
        "fx, fy, cx, cy = -1.0, 60.0": own_lens(32, 32, -1, 60),
        "fx, fy, cx, cy = nan": own_lens(32, 32, np.nan, 60),
        "32x3 is too small": own_lens(320, 32, 600, 60),
    }
    for text, view in views.items():
        found = photographs.take(view, 0, CAMERA, np.ones(3, np.float32))
        assert isinstance(found, Inspection)
        assert text in found.reason


def test_sizes_that_are_one_shape_but_for_rounding() -> None:
    """A photograph of 3:2 has no whole height at the size that a set was read at."""
    camera = dataclasses.replace(CAMERA, width=50, height=33)
    large = np.ones((2000, 3000, 3), np.uint8)
    lens = Lens(60.0, 60.0, 25.0, 16.5, 50, 33, (-0.05, *[0.0] * 7))
    taken = photographs.take(large, 0, camera, np.ones(3, np.float32), lens)
    assert isinstance(taken, photographs.Taken)
    assert taken.image.shape == (33, 50, 3)
