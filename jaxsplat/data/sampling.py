"""From the pixels of a file to those of a view: undistorted, then reduced."""

import dataclasses

import numpy as np
from jaxtyping import Bool, Float

from jaxsplat.data import images
from jaxsplat.data.lens import Lens
from jaxsplat.data.undistortion import undistortion


@dataclasses.dataclass(frozen=True)
class Sampling:
    """How the planes of one photograph become those of its view.

    Attributes:
        size: of the file, width and height in pixels.
        out: of the view.
        distorted: lens whose distortion is taken out, at the file's size; None where
            there is none.
    """

    size: tuple[int, int]
    out: tuple[int, int]
    distorted: Lens | None = None

    def plane(self, plane: Float[np.ndarray, "..."]) -> Float[np.ndarray, "..."]:
        """Returns an image [h, w] or [h, w, c] of the file as the view has it."""
        if self.distorted is not None:
            plane = undistortion(self.distorted)(plane)
        if self.size == self.out:
            return plane
        return images.resize_area(plane, *self.out)

    def mask(self, mask: Bool[np.ndarray, "h w"]) -> Bool[np.ndarray, "height width"]:
        """Returns a mask of the file as the view has it."""
        if self.size == self.out and self.distorted is None:
            return mask
        return images.mask_of_coverage(self.plane(mask.astype(np.float32)))


def pinhole(lens: Lens) -> Lens:
    """Returns the lens of a photograph after its distortion was taken out.

    Raises:
        DataError: as `undistortion`.
    """
    return undistortion(lens).lens if lens.distortion else lens


def reduced(size: tuple[int, int], longer: int | None) -> tuple[int, int]:
    """Returns an image size whose longer side is at most `longer` pixels."""
    width, height = size
    largest = max(size)
    if longer is None or longer >= largest:
        return size
    return (
        max(1, round(width * longer / largest)),
        max(1, round(height * longer / largest)),
    )
