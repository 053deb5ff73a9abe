"""The poses of photographs of untextured shapes, by their masks."""

import dataclasses
import functools
from collections.abc import Sequence
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array
from jaxtyping import Float

from jaxsplat.core import cameras
from jaxsplat.data.chairs import MESHES, Reference, Shape
from jaxsplat.data.views import View
from jaxsplat.errors import DataError
from jaxsplat.methods import depth_inputs
from jaxsplat.pose import parts, photographs
from jaxsplat.rendering import solids
from jaxsplat.rendering import twin as twins
from jaxsplat.rendering.twin import Twin
from jaxsplat.scene import meshes
from jaxsplat.scene.meshes import Mesh, Mesh2Splat

# Photographs of one call of the solvers.
GROUP = 16


@dataclasses.dataclass(frozen=True)
class OutlinePoses:
    """How poses are found.

    Attributes:
        mesh: conversion of the cloud that is looked at.
        starts: coarse finder; it is given masks, white before black.
        refine: solver, or None where the best start is the pose.
        solid: whether masks are compared with the coverage of closed surfaces
            (`rendering.solids`) instead of alpha.
    """

    mesh: Mesh2Splat
    starts: parts.Starts
    refine: parts.Refine | None
    solid: bool


class Posed(NamedTuple):
    """Poses of b photographs.

    Attributes:
        camera_from_world: [b, 4, 4].
        losses: of the solver there, or costs of the start, [b].
    """

    camera_from_world: Float[np.ndarray, "b 4 4"]
    losses: Float[np.ndarray, " b"]


def read_shape(shape: Shape) -> Mesh:
    """Returns the mesh of a shape.

    Raises:
        DataError: it has none, or its file is none.
    """
    if shape.mesh is None:
        raise DataError(f"shape_{shape.name}: found no mesh, expected one of {MESHES}")
    return meshes.read_mesh(shape.mesh)


def white_twin(
    mesh: Mesh, references: Sequence[Reference], settings: Mesh2Splat, solid: bool
) -> Twin:
    """Returns a mesh as a white twin before black, so that its colour is its mask.

    Args:
        mesh: the good shape.
        references: whose lens the photographs have, and from where lists are planned.
        settings: of the conversion.
        solid: as in `OutlinePoses`.
    """
    cloud = meshes.splats_of_mesh(mesh, settings)
    cloud = dataclasses.replace(cloud, colors=jnp.ones_like(cloud.colors))
    views = cameras.stack([reference.camera for reference in references])
    made = twins.make_twin(cloud, views, center=np.zeros(3), background=(0.0, 0.0, 0.0))
    rate = made.sampling_rate * (solids.SHARPNESS if solid else 1.0)
    # Twice what the references take: photographs are taken from nearer too. A power of
    # two, so that shapes share programs.
    capacity = 2 << (made.capacity - 1).bit_length()
    return dataclasses.replace(made, sampling_rate=rate, capacity=capacity)


def find_poses(
    settings: OutlinePoses,
    mesh: Mesh,
    references: Sequence[Reference],
    masks: Float[np.ndarray, "b h w"],
) -> Posed:
    """Returns the poses of photographs of one shape.

    Args:
        settings: how they are found.
        mesh: the good shape.
        references: untextured views of it.
        masks: coverage of the object in the photographs, of the references' size.
    """
    key = jax.random.key(0)  # the paper's start is random by a millionth
    twin = white_twin(mesh, references, settings.mesh, settings.solid)
    views = [View(r.image.name, _no_image(r), camera=r.camera) for r in references]
    prepared = settings.starts.prepare(twin, views, key)
    refine = settings.refine
    state = None if refine is None else refine.prepare(twin, views, key)
    poses, losses = [], []
    for first in range(0, len(masks), GROUP):
        group = masks[first : first + GROUP]
        filled = np.concatenate([group, group[:1].repeat(GROUP - len(group), axis=0)])
        images = jnp.asarray(filled, jnp.float32)[..., None].repeat(3, axis=-1)
        asked = photographs.on_plain(images)
        coarse = settings.starts(twin, prepared, asked)
        if refine is None:
            found, cost = coarse.camera_from_world[:, 0], coarse.costs[:, 0]
        else:
            best = refine(twin, state, asked, coarse.camera_from_world)
            found, cost = best.camera_from_world, best.loss
        poses.append(np.asarray(found)[: len(group)])
        losses.append(np.asarray(cost)[: len(group)])
    return Posed(np.concatenate(poses), np.concatenate(losses))


def _no_image(reference: Reference) -> Float[np.ndarray, "h w 3"]:
    camera = reference.camera
    return np.zeros((camera.height, camera.width, 3), np.float32)


class Seen(NamedTuple):
    """What photographs should show.

    Attributes:
        coverage: of each pixel by the shape, [b, h, w].
        depth: along the optical axis in scene units (PTAD, Eq. 8), [b, h, w]. Divided
            by alpha, so that what is half covered is not near; 0 beside the shape.
    """

    coverage: Float[np.ndarray, "b h w"]
    depth: Float[np.ndarray, "b h w"]


def see(
    twin: Twin, solid: float | None, camera_from_world: Float[np.ndarray, "b 4 4"]
) -> Seen:
    """Returns renders of a twin from poses.

    Args:
        twin: from `white_twin`.
        solid: scale of the conversion where coverage is that of closed surfaces.
        camera_from_world: poses, [b, 4, 4].

    Raises:
        DataError: the object is so near that lists were too short.
    """
    coverage, depth = [], []
    for pose in camera_from_world:
        share, far, needed = _see(twin, solid, jnp.asarray(pose, jnp.float32))
        if int(needed) > twin.capacity:
            raise DataError(
                f"a pose nearer than expected: found {int(needed)} pairs of tiles and "
                f"splats, expected {twin.capacity} or fewer"
            )
        coverage.append(np.asarray(share))
        depth.append(np.asarray(far))
    return Seen(np.stack(coverage), np.stack(depth))


@functools.partial(jax.jit, static_argnames="solid")
def _see(twin: Twin, solid: float | None, pose: Array) -> tuple[Array, Array, Array]:
    drawn = twins.look(twin, cameras.with_pose(twin.camera, pose))
    depth = depth_inputs.depth_of(drawn)
    share = drawn.alpha if solid is None else solids.coverage(drawn.alpha, solid)
    return share, depth, drawn.needed
