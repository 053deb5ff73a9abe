"""The alignment of a template with a photograph, as each backend does it best."""

import functools

from jax import Array
from jaxtyping import Float, Int

from jaxsplat.pose import alignment, descent, kernels
from jaxsplat.pose.alignment import Problem
from jaxsplat.pose.descent import Descent
from jaxsplat.rendering.backends import KERNELS, Backend


def align(
    problem: Problem,
    start: Float[Array, "4 4"],
    steps: int | Int[Array, ""],
    backend: Backend,
) -> Descent:
    """Returns the best pose that a number of steps finds.

    Args:
        problem: what is aligned.
        start: `camera_from_world`, [4, 4].
        steps: of Levenberg-Marquardt.
        backend: whether kernels do it, or XLA.
    """
    if backend in KERNELS:
        return kernels.descend(problem, start, steps, backend == "pallas_interpret")
    evaluate = functools.partial(alignment.equations, problem)
    return descent.descend(evaluate, problem.camera, problem.center, start, steps)
