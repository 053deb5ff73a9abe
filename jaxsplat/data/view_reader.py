"""Reads the images of one object at one size."""

import hashlib
import pathlib

import numpy as np
from jaxtyping import Bool

from jaxsplat.core import cameras
from jaxsplat.data import decoding, images, lens, paths
from jaxsplat.data.notes import Notes
from jaxsplat.data.views import View
from jaxsplat.errors import DataError


class ViewReader:
    """Reads the images of one object, which must all have the size of the first."""

    def __init__(self, root: pathlib.Path, size: int | None, notes: Notes) -> None:
        self._root = root
        self._size = size
        self._notes = notes
        self._first: tuple[str, int, int] | None = None

    def view(self, path: pathlib.Path) -> View:
        """Returns the view of an image file, without camera."""
        name = paths.relative_name(self._root, path)
        content = images.read_file(path)
        decoded = decoding.decode(content, str(path))
        image, alpha = images.image_of(decoded, name, self._notes)
        height, width = image.shape[:2]
        self._first = self._first or (name, width, height)
        first, *expected = self._first
        if [width, height] != expected:
            raise DataError(
                f"{self._root}: {name} has {width}x{height} pixels, but {first} has "
                f"{expected[0]}x{expected[1]}; expected one size for all images"
            )
        if self._out_size != (width, height):
            image = images.resize_area(image, *self._out_size)
            alpha = (
                alpha if alpha is None else images.resize_area(alpha, *self._out_size)
            )
        digest = hashlib.sha256(content).hexdigest()
        return View(name, image, alpha, digest=digest)

    def mask(self, path: pathlib.Path) -> Bool[np.ndarray, "h w"]:
        """Returns the mask of an image that has been read, at the size of the view."""
        assert self._first is not None
        name = paths.relative_name(self._root, path)
        mask = images.read_mask(path)
        _, width, height = self._first
        if mask.shape != (height, width):
            raise DataError(
                f"{self._root}: the mask {name} has {mask.shape[1]}x{mask.shape[0]} "
                f"pixels, but its image has {width}x{height}"
            )
        if not mask.any():
            self._notes.add("the mask of a defective view marks nothing", name)
        if self._out_size == (width, height):
            return mask
        return images.resize_mask(mask, *self._out_size)

    def camera(self, optics: lens.Lens) -> cameras.Camera:
        """Returns the camera of the views that have been read, at the identity pose."""
        assert self._first is not None
        camera = lens.camera_of_image(optics, *self._first[1:], self._notes)
        return cameras.resized(camera, *self._out_size)

    @property
    def _out_size(self) -> tuple[int, int]:
        assert self._first is not None
        _, width, height = self._first
        longer = max(width, height)
        if self._size is None or self._size >= longer:
            return width, height
        return (
            max(1, round(width * self._size / longer)),
            max(1, round(height * self._size / longer)),
        )
