"""Differentiable rendering of Gaussians."""

from jaxsplat.render.api import Rendered, default_capacity, plan, render
from jaxsplat.render.backends import BACKENDS, Backend, resolve_backend
from jaxsplat.render.normal import normal_equations, tile_lists
from jaxsplat.render.normal_form import NormalEquations, Photograph

__all__ = [
    "BACKENDS",
    "Backend",
    "NormalEquations",
    "Photograph",
    "Rendered",
    "default_capacity",
    "normal_equations",
    "plan",
    "render",
    "resolve_backend",
    "tile_lists",
]
