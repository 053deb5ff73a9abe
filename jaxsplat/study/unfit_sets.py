"""Sets of photographs from which no object can be learnt, made from a sound one."""

import dataclasses
from collections.abc import Callable, Sequence

import jax.numpy as jnp
import numpy as np
from jaxtyping import Float
from scipy.spatial.transform import Rotation

from jaxsplat.core import cameras
from jaxsplat.data.views import ObjectSet, View, over_background, posed_camera
from jaxsplat.study import sensor

_FEW = 5
_BLUR = 0.06  # deviation, of the picture's width
_NOISE = 2.0  # grey levels

Spoil = Callable[[ObjectSet, np.random.Generator], ObjectSet]


def spoiled(objects: ObjectSet, kind: str, seed: int) -> ObjectSet:
    """Returns an object's views made unfit; its test views stay.

    Args:
        objects: a sound set.
        kind: of `KINDS`.
        seed: of everything random.
    """
    changed = KINDS[kind](objects, np.random.default_rng(seed))
    # Not the digest of these views: nothing may take them for the sound ones.
    return dataclasses.replace(changed, train_digest=f"{objects.train_digest} {kind}")


def _with_train(objects: ObjectSet, train: Sequence[View]) -> ObjectSet:
    return dataclasses.replace(objects, train=tuple(train))


def _shuffled_poses(objects: ObjectSet, rng: np.random.Generator) -> ObjectSet:
    """Returns views each with the camera of another one."""
    count = len(objects.train)
    # A turn of a random order leaves none in its place.
    order = rng.permutation(count)
    taken = dict(zip(order, np.roll(order, 1), strict=True))
    return _with_train(
        objects,
        [
            dataclasses.replace(view, camera=objects.train[taken[i]].camera)
            for i, view in enumerate(objects.train)
        ],
    )


def _random_poses(objects: ObjectSet, rng: np.random.Generator) -> ObjectSet:
    """Returns views with cameras at their distance in random directions."""
    return _with_train(
        objects,
        [
            dataclasses.replace(view, camera=_turned(view, rng))
            for view in objects.train
        ],
    )


def _turned(view: View, rng: np.random.Generator) -> cameras.Camera:
    camera = posed_camera(view)
    turn = np.eye(4)
    turn[:3, :3] = Rotation.random(random_state=rng).as_matrix()
    pose = np.asarray(camera.camera_from_world, np.float64) @ turn
    return cameras.with_pose(camera, jnp.asarray(pose, jnp.float32))


def _five_views(objects: ObjectSet, rng: np.random.Generator) -> ObjectSet:
    del rng
    train = objects.train
    step = len(train) / min(_FEW, len(train))
    chosen = [train[int(step * i)] for i in range(min(_FEW, len(train)))]
    return _with_train(objects, chosen)


def _no_object(objects: ObjectSet, rng: np.random.Generator) -> ObjectSet:
    """Returns photographs of the background alone, with noise."""

    def empty(view: View) -> Float[np.ndarray, "h w 3"]:
        behind = np.empty_like(view.image)
        behind[:] = objects.background
        return sensor.noisy(behind, _NOISE, rng)

    return _of_images(objects, empty)


def _blurred(objects: ObjectSet, rng: np.random.Generator) -> ObjectSet:
    del rng

    def blurred(view: View) -> Float[np.ndarray, "h w 3"]:
        image = over_background(view, np.array(objects.background, np.float32))
        return sensor.blurred(image, _BLUR * view.image.shape[1])

    return _of_images(objects, blurred)


def _black(objects: ObjectSet, rng: np.random.Generator) -> ObjectSet:
    del rng
    made = _of_images(objects, lambda view: np.zeros_like(view.image))
    return dataclasses.replace(made, background=(0.0, 0.0, 0.0))


def _of_images(
    objects: ObjectSet, image_of: Callable[[View], Float[np.ndarray, "h w 3"]]
) -> ObjectSet:
    """Returns a set with other photographs, without alpha, in levels of 255."""

    def changed(view: View) -> View:
        pixels = sensor.to_bytes(image_of(view))
        image = pixels.astype(np.float32) / np.float32(255)
        return dataclasses.replace(view, image=image, alpha=None)

    return _with_train(objects, [changed(view) for view in objects.train])


KINDS: dict[str, Spoil] = {
    "shuffled_poses": _shuffled_poses,
    "random_poses": _random_poses,
    "five_views": _five_views,
    "no_object": _no_object,
    "blurred": _blurred,
    "black": _black,
}
