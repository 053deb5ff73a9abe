"""Differentiable rendering of Gaussians."""

from jaxsplat.render.api import Rendered, default_capacity, plan, render
from jaxsplat.render.backends import BACKENDS, Backend, resolve_backend
from jaxsplat.render.normal import normal_equations, tile_lists
from jaxsplat.render.normal_form import NormalEquations, Photograph
from jaxsplat.render.sampling import minification, sampling_rate

__all__ = [
    "BACKENDS",
    "Backend",
    "NormalEquations",
    "Photograph",
    "Rendered",
    "default_capacity",
    "minification",
    "normal_equations",
    "plan",
    "render",
    "resolve_backend",
    "sampling_rate",
    "tile_lists",
]
