"""How like good photographs the twin's renders are."""

import dataclasses
from collections.abc import Mapping

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array
from jaxtyping import Bool, Float

from jaxsplat import metrics
from jaxsplat.core import cameras
from jaxsplat.core.cameras import Camera
from jaxsplat.data.views import GOOD, ObjectSet, View
from jaxsplat.methods import Detector, Inspection, photographs
from jaxsplat.rendering import exposure
from jaxsplat.rendering.twin import Twin, look


@dataclasses.dataclass(frozen=True)
class Compared:
    """A good view that the fit did not see, at its true pose.

    Attributes:
        name: of the view.
        camera: that it is seen by, inside.
        photo: the photograph, RGB in [0, 1].
        render: the twin in the photograph's exposure, RGB in [0, 1].
        psnr: of the pixels that are compared: where the surroundings are unknown, those
            of the object alone.
    """

    name: str
    camera: Camera
    photo: Float[np.ndarray, "h w 3"]
    render: Float[np.ndarray, "h w 3"]
    psnr: float


def psnr_of_good_views(
    objects: ObjectSet, true: Mapping[str, np.ndarray] | None, detector: Detector
) -> float | None:
    """Returns the mean PSNR of good views that the fit did not see, at true poses.

    Args:
        objects: the category.
        true: see `unseen_views`.
        detector: of the category.

    Returns:
        Decibels, None where no view could be compared.
    """
    posed = unseen_views(objects, true, detector)
    found = [compare(detector, view, matrix) for view, matrix in posed]
    values = [one.psnr for one in found if one is not None]
    return float(np.mean(values)) if values else None


def unseen_views(
    objects: ObjectSet, true: Mapping[str, np.ndarray] | None, detector: Detector
) -> list[tuple[View, Float[np.ndarray, "4 4"]]]:
    """Returns good views that the fit did not see, and their true poses inside.

    Args:
        objects: the category.
        true: poses of its test views by name, None where they are not known; then the
            training views that the fit did not see are taken.
        detector: of the category.
    """
    fitted = detector.fitted
    assert fitted is not None
    posed: list[tuple[View, np.ndarray]] = []
    if true is not None:
        good = [v for v in objects.test if v.defect_type == GOOD and v.name in true]
        world = detector.world
        posed = [(view, world.camera_to_inside(true[view.name])) for view in good]
    if not posed:
        posed = [
            (view, np.asarray(view.camera.camera_from_world))
            for view in objects.train
            if view.name in fitted.held_out and view.camera is not None
        ]
    return posed


def compare(
    detector: Detector, view: View, matrix: Float[np.ndarray, "4 4"]
) -> Compared | None:
    """Returns a view beside its render, None where it cannot be compared."""
    twin = detector.twin
    taken = photographs.take(
        view,
        0,
        twin.camera,
        np.asarray(twin.background),
        by_background=detector.by_background,
    )
    if isinstance(taken, Inspection):
        return None
    camera = cameras.with_pose(taken.camera, jnp.asarray(matrix, jnp.float32))
    here = dataclasses.replace(twin, camera=taken.camera)
    photo, plain = jnp.asarray(taken.image), jnp.asarray(taken.plain)
    shown, alpha = map(np.asarray, seen_as(here, camera, photo, plain))
    compared = taken.plain | (alpha > 0.5)
    if not compared.any():
        return None
    psnr = metrics.psnr(shown[compared][None], taken.image[compared][None])
    return Compared(view.name, camera, taken.image, shown, psnr)


@jax.jit
def seen_as(
    twin: Twin, camera: Camera, photo: Float[Array, "h w 3"], plain: Bool[Array, ""]
) -> tuple[Float[Array, "h w 3"], Float[Array, "h w"]]:
    """Returns the twin in a photograph's exposure, and its coverage.

    Args:
        twin: the object.
        camera: with the photograph's pose.
        photo: RGB in [0, 1], [h, w, 3].
        plain: whether nothing else stands behind the object.
    """
    drawn = look(twin, camera)
    behind = exposure.border_color(photo, twin.background)
    seen = exposure.estimate_of_view(drawn.color, drawn.alpha, photo, behind, plain)
    color = jnp.moveaxis(drawn.color, -1, 0)
    return jnp.moveaxis(seen.apply(color, drawn.alpha), 0, -1), drawn.alpha
