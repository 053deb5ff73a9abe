"""How like good photographs the twin's renders are."""

import dataclasses
from collections.abc import Mapping

import jax.numpy as jnp
import numpy as np
from jaxtyping import Float

from jaxsplat import metrics
from jaxsplat.core import cameras
from jaxsplat.data.views import GOOD, ObjectSet, View
from jaxsplat.methods import Detector, Inspection, photographs
from jaxsplat.rendering import exposure
from jaxsplat.rendering.twin import look


def psnr_of_good_views(
    objects: ObjectSet, true: Mapping[str, np.ndarray] | None, detector: Detector
) -> float | None:
    """Returns the mean PSNR of good views that the fit did not see, at true poses.

    The twin is shown in each photograph's exposure, as inspection sees it. Where the
    surroundings are unknown, the pixels of the object alone are compared.

    Args:
        objects: the category.
        true: poses of its test views by name, None where they are not known; then the
            training views that the fit did not see are taken.
        detector: of the category.

    Returns:
        Decibels, None where no view could be compared.
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
    values = [_psnr_of(detector, view, matrix) for view, matrix in posed]
    known = [value for value in values if value is not None]
    return float(np.mean(known)) if known else None


def _psnr_of(
    detector: Detector, view: View, matrix: Float[np.ndarray, "4 4"]
) -> float | None:
    """Returns the PSNR of one view, None where it cannot be taken."""
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
    drawn = look(dataclasses.replace(twin, camera=taken.camera), camera)
    image = jnp.asarray(taken.image)
    behind = exposure.border_color(image, twin.background)
    seen = exposure.estimate_of_view(
        drawn.color, drawn.alpha, image, behind, taken.plain
    )
    color = jnp.moveaxis(drawn.color, -1, 0)
    shown = np.asarray(jnp.moveaxis(seen.apply(color, drawn.alpha), 0, -1))
    compared = taken.plain | (np.asarray(drawn.alpha) > 0.5)
    if not compared.any():
        return None
    return metrics.psnr(shown[compared][None], taken.image[compared][None])
