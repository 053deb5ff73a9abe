"""Maths without input or output: geometry, cameras, safe numerics, image similarity.

Dimension letters used in shapes everywhere: `n` Gaussians, `v` views, `h w` image,
`c` channels, `p` pixels, `t` tiles, `m` (tile, Gaussian) pairs, `b` batch, `k` starts.

Frame names read as a chain: `camera_from_world @ world_from_object`. Cameras follow
OpenCV (x right, y down, z forward) with pixel centres at +0.5.
"""
