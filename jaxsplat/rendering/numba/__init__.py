"""Compositing on a CPU by functions that Numba compiles and XLA calls."""
