"""From the pixels of a file to those of a view: undistorted, then reduced."""

import dataclasses

import numpy as np
from jaxtyping import Bool, Float

from jaxsplat.data import images
from jaxsplat.data.lens import Lens, have_one_shape
from jaxsplat.data.undistortion import undistortion
from jaxsplat.data.views import View


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


def undistorted(view: View, lens: Lens | None) -> View:
    """Returns a photograph without the distortion of its lens, at its own size.

    Args:
        view: the photograph as it was taken.
        lens: of it, at any size. A photograph of another ratio of sides is none of this
            lens and stays as it is; so does one of a lens without distortion.

    Raises:
        DataError: as `undistortion`.
    """
    height, width = view.image.shape[:2]
    if lens is None or not lens.distortion:
        return view
    if not have_one_shape((width, height), (lens.width, lens.height)):
        return view
    way = undistortion(lens.scaled(width, height))
    alpha = None if view.alpha is None else way(view.alpha)
    return dataclasses.replace(view, image=way(view.image), alpha=alpha)


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
