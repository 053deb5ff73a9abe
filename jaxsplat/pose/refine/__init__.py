"""Solvers: a coarse pose refined through the renderer."""
