"""Numbers that every backend shares.

All but `NEAR` and `TILE` are those of Kerbl et al. 2023 (3D Gaussian Splatting) and of
its published rasteriser; gsplat has the same.
"""

ALPHA_MAX = 0.99  # opacity at a pixel is clamped to this
ALPHA_MIN = 1.0 / 255.0  # a contribution below one grey level is skipped
TRANSMITTANCE_MIN = 1e-4  # a pixel stops before it would fall below this
DILATION_PX2 = 0.3  # added to the image-plane covariance: low-pass of about one pixel
FRUSTUM_MARGIN = (
    1.3  # the Jacobian's ray is clamped to this multiple of the field of view
)
# Depth in scene units below which a Gaussian is culled. Objects that were read from
# files are seen from a distance of about 4, whatever their units (`data.world`).
NEAR = 0.01
# Pixels along a tile's side. 8 instead of Kerbl's 16: at the Gaussian sizes of fitted
# objects a third of the pixel work, for 2.4 times the list entries (measured on CPU).
# On a GPU, where one warp then works on a tile, .6 times the instructions to composite
# and to sum normal equations (pairs of fitted scenes by `experiments.bench.kernels`).
TILE = 8
PIXEL_VARIANCE_PX2 = 1 / 12  # of a uniform square pixel along an axis
