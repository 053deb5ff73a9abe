"""The guided filter: maps that end where a finer picture does.

He, Sun and Tang, "Guided Image Filtering", TPAMI 2013. Around each place a map is told
as a linear function of the guide; where the guide has an edge, so has the result. Their
windows are boxes, these are Gaussians.
"""

from jax import Array
from jaxtyping import Float

from jaxsplat.scores.blur import blur


def guided_filter(
    maps: Float[Array, "b h w"],
    guide: Float[Array, "b h w"],
    sigma: float,
    ridge: float,
) -> Float[Array, "b h w"]:
    """Returns the maps as the guide tells them (the paper's equations 5, 6 and 8).

    Args:
        maps: to filter.
        guide: whose edges they get.
        sigma: standard deviation of the window in pixels, above 0.
        ridge: variance of the guide within a window below which it tells little (the
            paper's epsilon), above 0.
    """

    def mean(images: Array) -> Array:
        return blur(images, sigma)

    guide_mean, map_mean = mean(guide), mean(maps)
    together = mean(guide * maps) - guide_mean * map_mean
    slope = together / (mean(guide**2) - guide_mean**2 + ridge)
    return mean(slope) * guide + mean(map_mean - slope * guide_mean)
