"""The stages of a pose refinement: image sizes, and the work at each."""

import dataclasses

from jaxsplat.errors import ConfigError
from jaxsplat.pose import pyramid


@dataclasses.dataclass(frozen=True)
class Stage:
    """Work at one image size.

    Attributes:
        shrink: how many times smaller the images are than the queries.
        renders: of every pose, each followed by an alignment.
        steps: of each alignment.
        scale: residual at which a pixel's influence begins to fall.
        keep: how many poses of a query go on after it: those of least cost among
            poses that differ.
    """

    shrink: int
    renders: int
    steps: int
    scale: float
    keep: int = 1

    def __post_init__(self) -> None:
        least = min(self.shrink, self.keep, self.renders)
        if least < 1 or self.steps < 0 or not self.scale > 0:
            raise ConfigError(
                f"stage {self}: expected shrink, renders and keep of 1 or more, steps "
                "of 0 or more, a scale above 0"
            )


def stages_for(width: int, height: int) -> tuple[Stage, ...]:
    """Returns the stages for queries of a size.

    The scale falls slowly (graduated non-convexity, Blake and Zisserman 1987). At 50
    pixels a misaligned edge is a residual as large as colours, and must pull; where it
    no longer is, defects shall be let go of. That is done at 100 pixels, where a step
    costs a sixteenth of one at 400. The full size is rendered once, and aligned for
    long: with a defect or overexposed, the last steps are slow.
    """
    first, *sizes = pyramid.shrinks(width, height)
    work = [
        Stage(first, renders=1, steps=6, scale=1.0, keep=2),
        Stage(first, renders=1, steps=6, scale=0.5, keep=2 if sizes else 1),
    ]
    if len(sizes) > 1:
        second = sizes[0]
        work.append(Stage(second, renders=2, steps=4, scale=0.5))
        work.append(Stage(second, renders=1, steps=6, scale=0.25))
    for shrink in sizes[1:-1]:
        work.append(Stage(shrink, renders=1, steps=4, scale=0.25))
    if sizes:
        work.append(Stage(sizes[-1], renders=1, steps=8, scale=0.25))
    return tuple(work)


def patient_stages(width: int, height: int) -> tuple[Stage, ...]:
    """Returns stages for many starts of photographs that lack a large part.

    What is missing is a residual as large as any, and many pixels: poses are compared
    where it hardly counts, more of them go on, and the last steps are more.
    """
    first, *sizes = pyramid.shrinks(width, height)
    work = [Stage(first, renders=1, steps=6, scale=1.0, keep=32)]
    if not sizes:
        return (*work, Stage(first, renders=4, steps=6, scale=0.25))
    work.append(Stage(first, renders=2, steps=6, scale=0.5, keep=8))
    work.append(Stage(sizes[0], renders=2, steps=6, scale=0.5, keep=4))
    work.append(Stage(sizes[0], renders=4, steps=6, scale=0.25))
    if len(sizes) > 1:
        work.append(Stage(sizes[-1], renders=1, steps=8, scale=0.25))
    return tuple(work)
