"""GPU kernels in Pallas: compositing, its gradient, and the normal equations of a pose.

Each program of a kernel walks the list of one tile; `vmap` makes the image a further
axis of the grid and copies nothing that the images share. Kernel bodies keep to what
both of Pallas' GPU lowerings have: scalar loads, elementwise arithmetic, reductions,
loops with dynamic bounds; no atomics and no gathers.
"""
