"""One object in other units and places: the same detector, poses in those units."""

import dataclasses
import json
import pathlib
from collections.abc import Callable

import jax.numpy as jnp
import numpy as np
import pytest

from jaxsplat import data, metrics
from jaxsplat.data.views import ObjectSet
from jaxsplat.errors import DataError
from jaxsplat.fitting import DensityConfig, FitConfig, Stage, trainer
from jaxsplat.methods import Detector, Inspection, best
from jaxsplat.pose import Lm
from jaxsplat.pose import Stage as PoseStage
from jaxsplat.study import findings, measuring, pose_errors, posing, render_quality
from tests.helpers import datasets, toy_object

QUICK = dataclasses.replace(best.FAST, refine=Lm((PoseStage(1, 2, 6, 1.0),)))
TINY = FitConfig(
    stages=(Stage(1.0, 10),),
    count=150,
    capacity=150,
    start_opacity=0.7,
    ssim_weight=0.0,
    density=DensityConfig(kind="fixed"),
)
FAR = np.array([4.5e5, -4.5e5, 4.5e5])
PLACES = {
    "as it is": (1.0, np.zeros(3)),
    "small": (1 / 500, np.zeros(3)),
    "large": (100.0, np.zeros(3)),
    "far": (1.0, FAR),
}
FLIP = np.diag([1.0, -1.0, -1.0, 1.0])


def write(root: pathlib.Path, scale: float, shift: np.ndarray) -> pathlib.Path:
    """Writes the toy's photographs; a point x of it stands at `scale * x + shift`.

    Every tenth training view is asked for again.
    """
    frames: dict[str, list[dict[str, object]]] = {"train": [], "test": []}
    for index, view in enumerate(toy_object.views(40, alpha=False)):
        pixels = np.rint(255 * view.image).astype(np.uint8)
        assert view.camera is not None
        pose = np.linalg.inv(np.asarray(view.camera.camera_from_world, np.float64))
        pose[:3, 3] = scale * pose[:3, 3] + shift
        matrix = (pose @ FLIP).tolist()
        for kind in ("train", "test") if index % 10 == 0 else ("train",):
            name = f"{kind}/good/{index}.png"
            datasets.save(root / name, pixels)
            frames[kind].append({"file_path": name, "transform_matrix": matrix})
    lens = {"fl_x": 60.0, "w": toy_object.SIDE, "h": toy_object.SIDE}
    for file, kind in (("transforms.json", "train"), ("test_poses.json", "test")):
        (root / file).write_text(json.dumps({**lens, "frames": frames[kind]}))
    return root


@dataclasses.dataclass(frozen=True)
class Case:
    """An object somewhere, its detector, and what that found of the test views."""

    path: pathlib.Path
    objects: ObjectSet
    detector: Detector
    found: list[Inspection]


@pytest.fixture(scope="module")
def case_of(
    tmp_path_factory: pytest.TempPathFactory,
) -> Callable[[str], Case]:
    made: dict[str, Case] = {}

    def make(place: str) -> Case:
        if place not in made:
            path = write(tmp_path_factory.mktemp("toy"), *PLACES[place])
            objects = data.load_object(path)
            detector = Detector.fit(objects, QUICK, calibration_views=2)
            made[place] = Case(path, objects, detector, detector.inspect(objects.test))
        return made[place]

    return make


def poses_in_toy_units(case: Case, scale: float, shift: np.ndarray) -> np.ndarray:
    """Returns found poses where the toy is as it was made, by hand."""
    found = np.stack([one.camera_from_world for one in case.found])
    rotations = found[:, :3, :3]
    eyes = -np.einsum("vji,vj->vi", rotations, found[:, :3, 3])
    found[:, :3, 3] = -np.einsum("vij,vj->vi", rotations, (eyes - shift) / scale)
    return found


@pytest.mark.parametrize("place", list(PLACES)[1:])
def test_units_and_place_change_nothing(
    case_of: Callable[[str], Case], place: str
) -> None:
    plain, other = case_of("as it is"), case_of(place)
    assert other.objects.warnings == plain.objects.warnings
    for one, two in zip(plain.objects.train, other.objects.train, strict=True):
        assert one.camera is not None and two.camera is not None
        np.testing.assert_allclose(
            one.camera.camera_from_world, two.camera.camera_from_world, atol=1e-6
        )
    poses = poses_in_toy_units(plain, *PLACES["as it is"])
    others = poses_in_toy_units(other, *PLACES[place])
    assert others.dtype == np.float64
    truth = data.read_test_poses(plain.path)
    assert truth is not None
    np.testing.assert_allclose(poses, others, atol=1e-3 * toy_object.DISTANCE)
    for case, found in ((plain, poses), (other, others)):
        for view, pose in zip(case.objects.test, found, strict=True):
            assert metrics.rotation_error(pose, truth[view.name]) < np.radians(2.0)
            error = metrics.relative_translation_error(
                pose, truth[view.name], np.zeros(3)
            )
            assert error < 0.05
    scale = PLACES[place][0]
    for one, two in zip(plain.found, other.found, strict=True):
        ratio = np.sqrt(np.diag(two.covariance) / np.diag(one.covariance))
        np.testing.assert_allclose(ratio[:3], scale, rtol=0.3)
        np.testing.assert_allclose(ratio[3:], 1.0, rtol=0.3)


def test_fits_are_the_same_in_other_units(tmp_path: pathlib.Path) -> None:
    clouds = []
    for place in ("as it is", "small", "far"):
        objects = data.load_object(write(tmp_path / place, *PLACES[place]))
        found = trainer.fit(objects.train, objects.background, TINY)
        clouds.append(found.gaussians)
        np.testing.assert_allclose(found.center, np.zeros(3), atol=1e-6)
    for other in clouds[1:]:
        # The cameras differ by roundings, which a fit's steps enlarge.
        shifts = np.abs(np.asarray(other.means) - np.asarray(clouds[0].means))
        assert np.median(shifts) < 1e-3


def test_found_rotations_are_orthonormal_in_float64(
    case_of: Callable[[str], Case],
) -> None:
    """Far away, what they lacked would move the camera by as much times the place."""
    for one in case_of("far").found:
        rotation = one.camera_from_world[:3, :3]
        np.testing.assert_allclose(rotation @ rotation.T, np.eye(3), atol=1e-14)
        eye = -rotation.T @ one.camera_from_world[:3, 3]
        assert np.linalg.norm(eye - FAR) == pytest.approx(4.0, rel=0.05)


def test_errors_are_measured_in_the_users_units(
    case_of: Callable[[str], Case],
) -> None:
    rows = {}
    for place in ("small", "far"):
        case = case_of(place)
        twin, world = case.detector.twin, case.detector.world
        asked = posing.of_views(case.path, case.objects.test, twin, world)
        poses = np.stack([one.camera_from_world for one in case.found])
        center = np.asarray(twin.center)
        inside = jnp.asarray(world.camera_to_inside(poses), jnp.float32)
        row = pose_errors.row(inside, asked, center)
        rows[place] = row
        assert row["translation_rel_median"] < 0.05
        distance = toy_object.DISTANCE * PLACES[place][0]
        share = row["translation_units_mean"] / distance
        assert share == pytest.approx(row["translation_rel_mean"], rel=0.05)
        kept = [
            findings.Finding(view, findings.stored(view, one)[0], None, None)
            for view, one in zip(case.objects.test, case.found, strict=True)
        ]
        true = data.read_test_poses(case.path)
        middle = world.points_to_user(center)
        errors, summary = measuring._pose_errors(kept, true, middle)
        assert summary is not None
        assert summary.translation_rel_median == pytest.approx(
            row["translation_rel_median"], rel=1e-3
        )
        assert len(errors) == len(kept)
        psnr = render_quality.psnr_of_good_views(case.objects, true, case.detector)
        assert psnr is not None and psnr > 15
        nothing = render_quality.psnr_of_good_views(case.objects, None, case.detector)
        assert nothing is not None and nothing > 15


def test_saved_and_loaded_the_place_is_the_same_bit_for_bit(
    case_of: Callable[[str], Case], tmp_path: pathlib.Path
) -> None:
    case = case_of("far")
    case.detector.save(tmp_path)
    record = json.loads((tmp_path / "detector.json").read_text())
    world = case.detector.world
    assert record["world"]["center"] == world.center.tolist()
    assert record["world"]["scale"] == world.scale
    assert "center) * scale" in record["world"]["formula"]
    again = Detector.load(tmp_path)
    np.testing.assert_array_equal(again.world.center, world.center)
    assert again.world.scale == world.scale
    for one, two in zip(case.found, again.inspect(case.objects.test), strict=True):
        np.testing.assert_array_equal(one.camera_from_world, two.camera_from_world)
        np.testing.assert_array_equal(one.covariance, two.covariance)


@pytest.mark.parametrize(
    ("key", "value"),
    [("scale", 0), ("scale", "x"), ("center", [1, 2]), ("center", [1, 2, 1e999])],
)
def test_a_damaged_place_is_refused(
    case_of: Callable[[str], Case], tmp_path: pathlib.Path, key: str, value: object
) -> None:
    case_of("as it is").detector.save(tmp_path)
    path = tmp_path / "detector.json"
    record = json.loads(path.read_text())
    record["world"][key] = value
    path.write_text(json.dumps(record))
    with pytest.raises(DataError, match="detector.json: is damaged"):
        Detector.load(tmp_path)


def test_an_object_made_by_hand_is_in_its_own_units(objects: ObjectSet) -> None:
    assert objects.world.scale == 1.0
    np.testing.assert_array_equal(objects.world.center, np.zeros(3))
