"""Coarse poses: where a photograph may have been taken from."""
