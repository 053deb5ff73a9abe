"""Differentiable rendering of Gaussians."""

from jaxsplat.rendering.api import Rendered, default_capacity, plan, render
from jaxsplat.rendering.backends import BACKENDS, Backend, resolve_backend
from jaxsplat.rendering.normal import normal_equations, tile_lists
from jaxsplat.rendering.normal_form import NormalEquations, Photograph
from jaxsplat.rendering.sampling import minification, sampling_rate
from jaxsplat.rendering.twin import Twin, look, make_twin

__all__ = [
    "BACKENDS",
    "Backend",
    "NormalEquations",
    "Photograph",
    "Rendered",
    "Twin",
    "default_capacity",
    "look",
    "make_twin",
    "minification",
    "normal_equations",
    "plan",
    "render",
    "resolve_backend",
    "sampling_rate",
    "tile_lists",
]
