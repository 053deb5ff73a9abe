"""Differentiable rendering of Gaussians."""

from jaxsplat.render.api import (
    BACKENDS,
    Backend,
    Rendered,
    default_capacity,
    plan,
    render,
    resolve_backend,
)

__all__ = [
    "BACKENDS",
    "Backend",
    "Rendered",
    "default_capacity",
    "plan",
    "render",
    "resolve_backend",
]
