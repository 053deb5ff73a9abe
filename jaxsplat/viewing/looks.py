"""What of an object is shown at the moment, and the arrays that show it."""

import dataclasses
import functools
from collections.abc import Callable

import jax.numpy as jnp
import numpy as np
from jaxtyping import Float

from jaxsplat.core import quaternions
from jaxsplat.scene import gaussians as scene
from jaxsplat.scene.gaussians import Gaussians
from jaxsplat.viewing import exhibit as exhibits
from jaxsplat.viewing import painting
from jaxsplat.viewing.exhibit import Exhibit
from jaxsplat.viewing.painting import Choice


@dataclasses.dataclass(frozen=True)
class Look:
    """What is shown.

    Attributes:
        color: what the colours tell.
        shot: number of the photograph whose anomaly is shown, None for all together.
        threshold: anomalies below it are grey.
    """

    color: Choice
    shot: int | None
    threshold: float


@dataclasses.dataclass(frozen=True)
class Splats:
    """Gaussians as viewers take them, live ones alone.

    Attributes:
        centers: in the world.
        covariances: of their shapes.
        colors: RGB in [0, 1], the same from all sides.
        opacities: in (0, 1).
    """

    centers: Float[np.ndarray, "m 3"]
    covariances: Float[np.ndarray, "m 3 3"]
    colors: Float[np.ndarray, "m 3"]
    opacities: Float[np.ndarray, "m 1"]


class Looks:
    """The colours of an object's Gaussians for every look; what was made is kept."""

    def __init__(
        self, exhibit: Exhibit, watch: Callable[[int], None] | None = None
    ) -> None:
        """Keeps the exhibit; nothing is computed yet.

        Args:
            exhibit: what is shown.
            watch: called with the number of each photograph before what all say
                together is computed.
        """
        self._exhibit = exhibit
        self._labels = exhibits.labels(exhibit.shots)
        self._watch = watch
        self._gaussians = exhibit.detector.twin.gaussians
        self.anomalies = functools.cache(self._anomalies)
        self._residual = functools.cache(
            functools.partial(exhibits.expected_residual, exhibit)
        )

    @property
    def first(self) -> Look:
        """The look to begin with."""
        threshold = self._exhibit.detector.threshold
        color: Choice = "anomaly" if self._exhibit.shots else "photograph"
        return Look(color, None, 0.5 * self.highest if threshold is None else threshold)

    @property
    def highest(self) -> float:
        """The value of the hottest colour, where the threshold's slider ends."""
        threshold = self._exhibit.detector.threshold
        known = self.anomalies(None) if threshold is None else np.zeros(0)
        return exhibits.hottest(threshold, known)

    def scene(self, look: Look) -> Gaussians:
        """Returns the scene as a look shows it."""
        if look.color == "anomaly":
            values = self.anomalies(look.shot)
            colors = painting.by_anomaly(
                self._gaussians, values, look.threshold, self.highest
            )
        elif look.color == "expected residual":
            residual = self._residual()
            assert residual is not None
            colors = painting.by_residual(self._gaussians, residual)
        else:
            return self._gaussians
        return painting.painted(self._gaussians, colors)

    def told(self, look: Look) -> str:
        """Returns what is shown in a sentence or two."""
        if look.shot is None:
            count = len(self._exhibit.shots)
            return f"{count} photographs together" if count else "no photograph"
        return f"{self._labels[look.shot]}: {self._exhibit.shots[look.shot].told}"

    def names(self) -> list[str]:
        """Returns what each photograph is called in a list, with its verdict."""
        named = zip(self._labels, self._exhibit.shots, strict=True)
        return [f"{n}: {name} ({s.told})" for n, (name, s) in enumerate(named, start=1)]

    def _anomalies(self, shot: int | None) -> Float[np.ndarray, " n"]:
        """Returns the anomaly of each Gaussian, NaN where it is not known."""
        shots = self._exhibit.shots
        if shot is None:
            return exhibits.anomalies(self._exhibit, shots, self._watch)
        return exhibits.anomalies(self._exhibit, shots[shot : shot + 1])


def splats_of(gaussians: Gaussians) -> Splats:
    """Returns a scene as viewers take it; colours lose what depends on the view."""
    live = np.asarray(gaussians.live)
    axes = quaternions.to_rotation(jnp.asarray(gaussians.quats, jnp.float32))
    spread = np.asarray(axes) * np.asarray(scene.scales(gaussians))[:, None, :]
    shapes = spread @ spread.transpose(0, 2, 1)
    return Splats(
        np.asarray(gaussians.means, np.float32)[live],
        shapes[live].astype(np.float32),
        np.clip(np.asarray(gaussians.colors, np.float32)[live], 0, 1),
        np.asarray(scene.opacities(gaussians), np.float32)[live][:, None],
    )


def render_size(aspect: float, longer: int, step: int = 16) -> tuple[int, int]:
    """Returns width and height for a window, of few, so that programs are shared.

    Args:
        aspect: width over height, positive and finite.
        longer: side in pixels.
        step: that sides are multiples of.
    """
    sides = min(1.0, aspect) * longer, min(1.0, 1 / aspect) * longer
    width, height = (step * max(1, round(side / step)) for side in sides)
    return width, height
