"""mesh2splat: Gaussians lie flat on the surface, stretched as the Jacobian says."""

import jax.numpy as jnp
import numpy as np
import pytest

from jaxsplat.core import cameras, quaternions
from jaxsplat.data.chairs import read_chairs
from jaxsplat.errors import ConfigError, DataError
from jaxsplat.rendering import api, solids
from jaxsplat.scene import meshes
from jaxsplat.scene.meshes import Mesh, Mesh2Splat
from tests.helpers import chairs as made

SETTINGS = Mesh2Splat(density=0.1)


@pytest.mark.parametrize(
    "corner", [(0.0, 0.0), (0.3, 0.2), (-0.7, 0.4), (0.9, -0.9)], ids=str
)
@pytest.mark.parametrize("axis", range(3))
def test_covariances_are_the_jacobians(axis, corner) -> None:
    """On a plane of slopes a, b a cell's Gaussian is J (s cell)^2 J^T, J = dX / du, dv.

    In float64, by the formula; the small constant along the normal is taken out.
    """
    a, b = corner
    u, v = (axis + 1) % 3, (axis + 2) % 3
    flat = np.array([[0, 0], [1, 0], [1, 1], [0, 1]], float)
    vertices = np.zeros((4, 3))
    vertices[:, [u, v]] = flat
    vertices[:, axis] = flat @ (a, b)
    mesh = Mesh(vertices, np.array([[0, 1, 2], [0, 2, 3]]))
    cloud = meshes.splats_of_mesh(mesh, SETTINGS)
    cell = 1 / SETTINGS.cells
    extent = max(1.0, np.ptp(vertices[:, axis]))
    assert len(cloud.means) == pytest.approx((SETTINGS.cells / extent) ** 2, rel=0.05)
    jacobian = np.zeros((3, 2))
    jacobian[u], jacobian[v], jacobian[axis] = (1, 0), (0, 1), (a, b)
    expected = (SETTINGS.scale * cell * extent) ** 2 * jacobian @ jacobian.T
    quats = np.asarray(cloud.quats[:3], float)
    for mean, quat, log_scale in zip(cloud.means, quats, cloud.log_scales):
        axes = np.asarray(
            quaternions.to_rotation(jnp.asarray(quat, jnp.float32)), float
        )
        deviations = np.exp(np.asarray(log_scale, float))
        deviations[2] = 0
        covariance = axes @ np.diag(deviations**2) @ axes.T
        np.testing.assert_allclose(covariance, expected, atol=1e-4 * expected.max())
        place = np.asarray(mean, float)
        assert place[axis] == pytest.approx(place[[u, v]] @ (a, b), abs=1e-6)


def test_each_cell_of_a_face_has_one_gaussian() -> None:
    """Whatever triangles a face is cut into, only its edges may count twice."""
    cloud = meshes.splats_of_mesh(made.box((0, 0, 0), (1, 1, 1)), SETTINGS)
    assert len(cloud.means) == pytest.approx(6 * SETTINGS.cells**2, rel=0.03)


@pytest.fixture(scope="module")
def shape(tmp_path_factory):
    folder = made.write_folder(tmp_path_factory.mktemp("shape"), azimuths=(20,))
    return read_chairs(folder).shapes["1"]


def test_the_silhouette_is_the_meshs(shape) -> None:
    """Within IoU .98 of the triangles' own, drawn by OpenCV eight times as fine."""
    mesh = meshes.read_mesh(shape.mesh)
    settings = Mesh2Splat(density=0.25)
    cloud = meshes.splats_of_mesh(mesh, settings)
    camera = shape.references[0].camera
    capacity = api.plan(cloud, camera, 2.0)
    for azimuth, elevation in ((20, 20), (200, 50), (75, 0)):
        motion = made.pose(azimuth, elevation)
        opencv = np.diag([1.0, -1.0, -1.0, 1.0]) @ motion
        seen = api.render(
            cloud,
            cameras.with_pose(camera, jnp.asarray(opencv, jnp.float32)),
            capacity=capacity,
            minification=solids.SHARPNESS,
        )
        found = np.asarray(solids.coverage(seen.alpha, settings.scale))
        truth = made.silhouette(mesh, motion)
        assert made.iou(found, truth) > 0.98
        assert np.abs(found - truth).sum() < 0.03 * truth.sum()


def test_depth_is_the_surfaces() -> None:
    """Eq. 8 over alpha, on a wall 3 units away."""
    cloud = meshes.splats_of_mesh(made.box((-1, -1, -0.1), (1, 1, 0)), SETTINGS)
    pose = np.eye(4, dtype=np.float32)
    pose[:3, :3], pose[2, 3] = np.diag([1, -1, -1]), 3
    lens = (jnp.float32(number) for number in (300, 300, 16, 16))
    camera = cameras.Camera(jnp.asarray(pose), *lens, 32, 32)
    seen = api.render(cloud, camera, minification=solids.SHARPNESS)
    depth = np.asarray(seen.depth / seen.alpha)
    assert np.asarray(seen.alpha).min() > 0.98
    np.testing.assert_allclose(depth, 3, atol=0.02)


def test_files_that_are_no_meshes_are_refused(tmp_path) -> None:
    (tmp_path / "mesh.ply").write_text("ply\nnothing\n")
    with pytest.raises(DataError, match="mesh.ply"):
        meshes.read_mesh(tmp_path / "mesh.ply")
    (tmp_path / "mesh.obj").write_text("v 0 0 0\nv 1 0 0\nv 0 1 0\nf 1 2 3\n")
    mesh = meshes.read_mesh(tmp_path / "mesh.obj")
    assert mesh.faces.tolist() == [[0, 1, 2]]


@pytest.mark.parametrize("wrong", [{"scale": 0.0}, {"density": 1.5}], ids=str)
def test_settings_are_checked(wrong) -> None:
    with pytest.raises(ConfigError):
        Mesh2Splat(**wrong)
