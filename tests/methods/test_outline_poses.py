"""Poses of photographs are found by their masks alone."""

import dataclasses

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxsplat.data import images, mattes
from jaxsplat.data.chairs import read_chairs
from jaxsplat.data.views import View
from jaxsplat.methods import outline_poses, ptad
from jaxsplat.pose import photographs
from jaxsplat.pose.refine.lm import Lm
from jaxsplat.pose.starts.candidates import CandidateStarts
from jaxsplat.pose.starts.upright import UprightStarts
from jaxsplat.scene import meshes
from jaxsplat.scene.meshes import Mesh2Splat
from tests.helpers import chairs as made

AZIMUTHS = (20, 110, 200, 290)
SETTINGS = ptad.fast().poses


@pytest.fixture(scope="module")
def shape(tmp_path_factory):
    folder = made.write_folder(tmp_path_factory.mktemp("posed"), AZIMUTHS)
    return read_chairs(folder).shapes["1"]


@pytest.fixture(scope="module")
def masks() -> np.ndarray:
    mesh = made.chair()
    seen = [made.silhouette(mesh, made.pose(a, 35, 2.8)) for a in AZIMUTHS]
    return np.stack(seen)


def turned_by(pose: np.ndarray, azimuth: float) -> float:
    """Returns the angle in degrees to the true pose of a photograph."""
    true = np.diag([1.0, -1.0, -1.0]) @ made.pose(azimuth, 35, 2.8)[:3, :3]
    cosine = (np.trace(pose[:3, :3] @ true.T) - 1) / 2
    return float(np.degrees(np.arccos(np.clip(cosine, -1, 1))))


def test_fast_finds_them_within_a_degree(shape, masks) -> None:
    stages = SETTINGS.refine.stages[:2]
    fewer = dataclasses.replace(
        SETTINGS,
        starts=UprightStarts(k=6, azimuths=24, elevations=(20.0, 45.0)),
        refine=Lm(stages=stages, solid=SETTINGS.mesh.scale),
    )
    mesh = meshes.read_mesh(shape.mesh)
    found = outline_poses.find_poses(fewer, mesh, shape.references, masks)
    for pose, azimuth in zip(found.camera_from_world, AZIMUTHS):
        assert turned_by(pose, azimuth) < 1


def test_candidates_are_ordered_by_equation_3(shape, masks) -> None:
    """Against the formula in float64, over all pairs of pixels."""
    mesh = meshes.read_mesh(shape.mesh)
    twin = outline_poses.white_twin(
        mesh, shape.references, Mesh2Splat(density=0.06), False
    )
    views = [
        View(r.image.name, np.zeros((256, 256, 3), np.float32), camera=r.camera)
        for r in shape.references
    ]
    finder = CandidateStarts(k=8, side=32)
    state = finder.prepare(twin, views, jax.random.key(0))
    asked = photographs.on_plain(jnp.asarray(masks[..., None].repeat(3, axis=-1)))
    found = finder(twin, state, asked)
    places = [
        np.argwhere(np.asarray(share).reshape(32, 32) > 0) for share in state.share
    ]
    for mask, poses, costs in zip(masks, found.camera_from_world, found.costs):
        own = np.argwhere(mask.reshape(32, 8, 32, 8).mean(axis=(1, 3)) > 0.5)
        expected = []
        for other in places:
            away = np.linalg.norm(own[:, None] - other[None], axis=-1)
            expected.append(away.min(axis=0).mean() + away.min(axis=1).mean())
        order = np.argsort(expected)
        np.testing.assert_allclose(costs, np.array(expected)[order], rtol=1e-4)
        np.testing.assert_allclose(poses[0], state.poses[order[0]], atol=1e-6)


def test_an_empty_mask_has_no_finite_cost(shape) -> None:
    mesh = meshes.read_mesh(shape.mesh)
    coarse = dataclasses.replace(
        SETTINGS, starts=UprightStarts(k=2, azimuths=4, elevations=(20.0,)), refine=None
    )
    nothing = np.zeros((1, 256, 256), np.float32)
    found = outline_poses.find_poses(coarse, mesh, shape.references, nothing)
    assert np.isinf(found.losses).all()
    assert np.isfinite(found.camera_from_world).all()


def test_mattes_of_files_are_the_masks(shape, masks) -> None:
    folder = shape.mesh.parents[2] / "images" / "1"
    for azimuth, mask in zip(AZIMUTHS, masks):
        image, _ = images.read_image(
            folder / f"render_1_7_9.9_{azimuth}_77_1_normal.png"
        )
        assert made.iou(mattes.matte(image), mask) > 0.99
