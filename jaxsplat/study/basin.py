"""From how far away a start still leads to the pose: the basin of convergence."""

import dataclasses
import pathlib
from collections.abc import Mapping
from typing import Any

import jax.numpy as jnp
import numpy as np
from jaxtyping import Float
from scipy.spatial.transform import Rotation

from jaxsplat.rendering.twin import Twin
from jaxsplat.study import figures, pose_errors, posing
from jaxsplat.study.posing import Posed

DEGREES = (2, 5, 10, 20, 30, 45, 60)
PERCENT = (2, 5, 10, 20, 40)  # of the distance


def measure(
    twin: Twin, posed: Posed, center: Float[np.ndarray, "3"], seed: int
) -> dict[str, Any]:
    """Returns the share of successes of `lm` from one start at each error.

    Args:
        twin: the fitted object.
        posed: photographs, each taken once for every pair of errors.
        center: of the object, [3].
        seed: of the errors' directions.
    """
    rng = np.random.default_rng(seed)
    # A start that is nearer by 40 % takes longer lists.
    roomy = dataclasses.replace(twin, capacity=2 * twin.capacity)
    rates: list[list[float]] = []
    for degrees in DEGREES:
        rates.append([])
        for percent in PERCENT:
            starts = np.stack(
                [away(p, center, degrees, percent / 100, rng) for p in posed.poses]
            )
            found = posing.refined(
                roomy, posing.SOLVER, (), posed, jnp.asarray(starts[:, None])
            )
            numbers = pose_errors.row(found.camera_from_world, posed, center)
            rates[-1].append(numbers["success_rate"])
    return {
        "rotation_deg": DEGREES,
        "translation_percent": PERCENT,
        "success_rate": rates,
        "queries": len(posed.photos),
    }


def away(
    pose: Float[np.ndarray, "4 4"],
    center: Float[np.ndarray, "3"],
    degrees: int | float,
    share: float,
    rng: np.random.Generator,
) -> Float[np.ndarray, "4 4"]:
    """Returns a pose that is wrong by an angle and a share of the distance.

    Args:
        pose: `camera_from_world`, [4, 4].
        center: of the object, which rotations turn about, [3].
        degrees: the angle, about a random axis.
        share: length of the shift, in a random direction.
        rng: of axis and direction.
    """
    axis, direction = (x / np.linalg.norm(x) for x in rng.normal(size=(2, 3)))
    turn = Rotation.from_rotvec(np.radians(degrees) * axis).as_matrix()
    here = pose[:3, :3] @ center + pose[:3, 3]
    shift = share * np.linalg.norm(here) * direction
    wrong = np.eye(4)
    wrong[:3, :3] = turn @ pose[:3, :3]
    wrong[:3, 3] = here + shift - wrong[:3, :3] @ center
    return wrong.astype(np.float32)


def draw(found: Mapping[str, Any], title: str, path: pathlib.Path) -> None:
    """Draws the share of successes, a cell for each pair of errors.

    Raises:
        ConfigError: matplotlib is not installed.
    """
    canvas = figures.canvas(6.0, 4.0)
    axes = canvas.add_subplot(
        xlabel="start's shift, % of the distance",
        ylabel="start's rotation, degrees",
        title=title,
    )
    rates = np.array(found["success_rate"])
    image = axes.imshow(rates, origin="lower", aspect="auto", vmin=0, vmax=1)
    axes.set_xticks(range(len(PERCENT)), [str(x) for x in PERCENT])
    axes.set_yticks(range(len(DEGREES)), [str(x) for x in DEGREES])
    for (row, column), rate in np.ndenumerate(rates):
        ink = "black" if rate > 0.6 else "white"
        axes.text(column, row, f"{100 * rate:.0f}", ha="center", va="center", color=ink)
    canvas.colorbar(image, label="within 1 degree and 1 %")
    figures.save(canvas, path)
