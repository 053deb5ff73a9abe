"""Photographs as users may take them: turned, off centre, nearer, marred, too dark.

A camera that turns in its place, or zooms, sees the same photograph through a
homography, so the true pose stays known exactly. A zoom stands for another distance.
"""

import dataclasses
from typing import NamedTuple

import jax.numpy as jnp
import numpy as np
from jaxtyping import Float
from scipy import ndimage
from scipy.spatial.transform import Rotation

from jaxsplat.core import cameras
from jaxsplat.core.cameras import Camera

_OFF_CENTER = 0.2  # of the image's width
_DEFECT = 0.2  # of the object's pixels
_OBJECT = 0.04  # difference from the background


class Change(NamedTuple):
    """What happens to a photograph."""

    turned: bool = False
    off_center: bool = False
    zoom: float = 1.0
    marred: bool = False
    brightness: float = 1.0


CHANGES = {
    "turned": Change(turned=True),
    "off_center": Change(off_center=True),
    "nearer": Change(zoom=1.2),
    "farther": Change(zoom=0.8),
    "marred": Change(marred=True),
    "darker": Change(brightness=0.8),
    "brighter": Change(brightness=1.2),
    "all": Change(True, True, 0.8, True, 0.8),
}


def zoomed(camera: Camera, change: Change) -> Camera:
    """Returns the camera that takes the changed photographs."""
    focal = camera.fx * change.zoom, camera.fy * change.zoom
    return dataclasses.replace(camera, fx=focal[0], fy=focal[1])


def disturb(
    photo: Float[np.ndarray, "h w 3"],
    camera: Camera,
    change: Change,
    background: Float[np.ndarray, "3"],
    rng: np.random.Generator,
) -> tuple[Float[np.ndarray, "h w 3"], Camera]:
    """Returns the changed photograph and the camera that took it.

    Args:
        photo: RGB, [h, w, 3].
        camera: that took it, with its pose.
        change: what happens to it.
        background: RGB behind the object, [3].
        rng: of angles, directions, and the defect's place and colour.
    """
    after = zoomed(camera, change)
    turn = np.eye(3)
    if change.turned:
        turn = Rotation.from_euler("z", rng.uniform(-np.pi, np.pi)).as_matrix()
    if change.off_center:
        angle = rng.uniform(-np.pi, np.pi)
        tilt = np.arctan(_OFF_CENTER * camera.width / float(after.fx))
        axis = np.array([np.cos(angle), np.sin(angle), 0.0])
        turn = Rotation.from_rotvec(tilt * axis).as_matrix() @ turn
    if after.fx != camera.fx or (turn != np.eye(3)).any():
        photo = retaken(photo, camera, after, turn, background)
    if change.marred:
        photo = _marred(photo, background, rng)
    photo = np.clip(change.brightness * photo, 0.0, 1.0).astype(np.float32)
    motion = np.eye(4)
    motion[:3, :3] = turn
    pose = motion @ np.asarray(camera.camera_from_world, np.float64)
    return photo, cameras.with_pose(after, jnp.asarray(pose, jnp.float32))


def lens_matrix(camera: Camera) -> Float[np.ndarray, "3 3"]:
    """Returns what takes points of a camera to pixels, [3, 3]."""
    fx, fy, cx, cy = (float(x) for x in (camera.fx, camera.fy, camera.cx, camera.cy))
    return np.array([[fx, 0, cx], [0, fy, cy], [0, 0, 1]])


def retaken(
    photo: Float[np.ndarray, "h w c"],
    before: Camera,
    after: Camera,
    turn: Float[np.ndarray, "3 3"],
    background: Float[np.ndarray, " c"],
) -> Float[np.ndarray, "h w c"]:
    """Returns what another camera sees from the same place.

    Args:
        photo: any channels in [0, 1], [h, w, c].
        before: the camera that took it.
        after: the other lens and size.
        turn: rotation from the axes of `before` to those of `after`.
        background: what stands outside of the photograph, by channel, [c].
    """
    rows, columns = np.mgrid[: after.height, : after.width] + 0.5
    there = np.stack([columns, rows, np.ones_like(rows)])
    back = lens_matrix(before) @ turn.T @ np.linalg.inv(lens_matrix(after))
    x, y, z = np.einsum("ij,jhw->ihw", back, there)
    place = np.stack([y / z, x / z]) - 0.5
    channels = [
        ndimage.map_coordinates(photo[..., c], place, cval=float(background[c]))
        for c in range(photo.shape[2])
    ]
    return np.clip(np.stack(channels, axis=-1), 0.0, 1.0)


def _marred(
    photo: Float[np.ndarray, "h w 3"],
    background: Float[np.ndarray, "3"],
    rng: np.random.Generator,
) -> Float[np.ndarray, "h w 3"]:
    """Returns the photograph with a patch of one colour on the object."""
    rows, columns = np.nonzero(np.abs(photo - background).max(axis=-1) > _OBJECT)
    if not len(rows):
        return photo
    spot = rng.integers(len(rows))
    distance = (rows - rows[spot]) ** 2 + (columns - columns[spot]) ** 2
    patch = np.argsort(distance, kind="stable")[: int(_DEFECT * len(rows))]
    marred = photo.copy()
    marred[rows[patch], columns[patch]] = rng.uniform(0.0, 1.0, 3)
    return marred
