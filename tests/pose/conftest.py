"""A small cloud, a camera, and queries whose pose is known."""

import dataclasses

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxsplat import pose
from jaxsplat.core import cameras, se3
from jaxsplat.core.cameras import Camera
from jaxsplat.pose.refine import photometric
from jaxsplat.rendering import api as render
from jaxsplat.rendering.exposure import Exposure
from jaxsplat.rendering.twin import Twin, look
from jaxsplat.scene.gaussians import Gaussians

DISTANCE = 4.0
# Room for every view of this cloud.
CAPACITY = 1536
# Rotation of 5 degrees about a slanted axis, shift of 3 % of the distance.
TWIST = (0.06, -0.08, 0.06, 0.05, 0.06, -0.04)


@dataclasses.dataclass(frozen=True)
class Toy:
    """Three queries of one cloud; their starts are all `motion` away from the truth."""

    gaussians: Gaussians
    camera: Camera
    truth: jax.Array
    queries: jax.Array
    starts: jax.Array

    @property
    def twin(self) -> Twin:
        """The cloud on white, fitted from as far away as the queries are."""
        return Twin(
            self.gaussians,
            self.camera,
            center=jnp.zeros(3),
            background=jnp.ones(3),
            sampling_rate=self.camera.fx / DISTANCE,
            capacity=CAPACITY,
            backend="xla",
        )

    def scene(self) -> photometric.Scene:
        """Returns what `adam_screw` renders."""
        return photometric.Scene(self.twin, jnp.float32(1.0), ssim_weight=0.2)


def toy_cloud(n: int = 60) -> Gaussians:
    """Returns Gaussians in a box without symmetry, each of another colour."""
    rng = np.random.default_rng(1)
    arrays = (
        rng.uniform(-0.8, 0.8, (n, 3)),
        rng.uniform(-2.6, -1.6, (n, 3)),
        rng.normal(size=(n, 4)),
        np.full(n, 2.0),
        rng.uniform(0.0, 0.9, (n, 3)),
    )
    return Gaussians(
        *(jnp.asarray(a, jnp.float32) for a in arrays), live=jnp.ones(n, bool)
    )


@pytest.fixture(scope="session")
def toy() -> Toy:
    """Returns the cloud and three of its views at 48 pixels, on white."""
    cloud = toy_cloud()
    eyes = np.array([(4.0, 0.0, 0.5), (0.0, 3.5, 2.0), (-2.0, -3.0, 1.5)])
    up = np.array([0.0, 0.0, 1.0])
    poses = [cameras.look_at(eye, np.zeros(3), up) for eye in eyes]
    focal = jnp.float32(80.0)
    middle = jnp.float32(24.0)
    camera = Camera(jnp.eye(4), focal, focal, middle, middle, 48, 48)
    truth = jnp.stack([jnp.asarray(pose) for pose in poses])
    queries = [
        render.render(
            cloud,
            cameras.with_pose(camera, pose),
            background=jnp.ones(3),
            capacity=CAPACITY,
        ).color
        for pose in truth
    ]
    motion = se3.exp(jnp.array(TWIST))
    starts = jnp.stack([se3.matmul(pose, motion) for pose in truth])[:, None]
    return Toy(cloud, camera, truth, jnp.stack(queries), starts)


def cluttered(toy: Toy, poses: jax.Array, seed: int) -> jax.Array:
    """Returns photographs [b, 48, 48, 3] of the toy before patches of random colours.

    Args:
        toy: the object.
        poses: `camera_from_world` of the photographs, [b, 4, 4].
        seed: of the clutter.
    """
    rng = np.random.default_rng(seed)
    clutter = np.zeros((len(poses), 48, 48, 3), np.float32)
    for behind in clutter:
        behind[:] = rng.uniform(size=3)
        for _ in range(30):
            row, column = rng.integers(-8, 44, 2)
            height, width = rng.integers(6, 20, 2)
            place = (
                slice(max(row, 0), max(row + height, 0)),
                slice(max(column, 0), max(column + width, 0)),
            )
            behind[place] = rng.uniform(size=3)
    color, alpha = drawn_before(toy, poses)
    return color + (1 - alpha[..., None]) * clutter


def drawn_before(
    toy: Toy, poses: jax.Array, background: jax.Array | None = None
) -> tuple[jax.Array, jax.Array]:
    """Returns the toy's colours before one, black when None, and its coverage."""
    color, alpha = _drawn(dataclasses.replace(toy.twin, capacity=4096), poses)
    if background is not None:
        color = color + (1 - alpha[..., None]) * background
    return color, alpha


@jax.jit
def _drawn(twin: Twin, poses: jax.Array) -> tuple[jax.Array, jax.Array]:
    def one(matrix: jax.Array) -> tuple[jax.Array, jax.Array]:
        found = look(twin, cameras.with_pose(twin.camera, matrix))
        return found.color, found.alpha

    return jax.lax.map(one, poses)


def estimated(
    toy: Toy, gain: float | np.ndarray, behind: jax.Array
) -> pose.PoseEstimate:
    """Returns the true poses, as of photographs with a gain before a colour."""
    gains = jnp.broadcast_to(jnp.asarray(gain, jnp.float32), (3, 3))
    exposure = Exposure(gains, jnp.zeros((3, 3)), jnp.tile(behind, (3, 1)))
    return pose.PoseEstimate(
        camera_from_world=toy.truth,
        loss=jnp.zeros(3),
        steps=jnp.zeros(3, jnp.int32),
        outcome=jnp.zeros(3, jnp.int32),
        covariance=jnp.zeros((3, 6, 6)),
        exposure=exposure,
        needed=jnp.zeros(3, jnp.int32),
    )
