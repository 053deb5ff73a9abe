"""Reads the images of one object: training views at one size, queries at their own."""

import dataclasses
import hashlib
import itertools
import pathlib
import statistics

import jax.numpy as jnp
import numpy as np
from jaxtyping import Float

from jaxsplat.core import cameras
from jaxsplat.data import decoding, images, paths
from jaxsplat.data.frames import Frame
from jaxsplat.data.lens import Lens, have_one_shape, lens_of_image
from jaxsplat.data.notes import Notes
from jaxsplat.data.sampling import Sampling, pinhole, reduced
from jaxsplat.data.views import View
from jaxsplat.errors import DataError

# Focal lengths of the training views that differ more are those of different lenses.
_ONE_LENS = 0.02


class ViewReader:
    """Reads the images of one object, the training views before the queries.

    Attributes:
        mask_digests: of the foreground masks read so far for training views.
    """

    def __init__(self, root: pathlib.Path, size: int | None, notes: Notes) -> None:
        self.mask_digests: list[str] = []
        self._root = root
        self._longer = size
        self._notes = notes
        self._first: tuple[str, tuple[int, int]] | None = None
        self._lenses: list[Lens] = []
        self._cameras: dict[Lens, cameras.Camera] = {}

    def training_view(self, frame: Frame, foreground: pathlib.Path | None) -> View:
        """Returns a posed view.

        Args:
            frame: the image, its pose and lens.
            foreground: the file that says where it shows the object, or None.

        Raises:
            DataError: a file is not as it should be, the image has another ratio of
                sides than the first one, or its lens cannot be.
        """
        view, size, is_turned = self._read(frame.path)
        first = self._check_shape(view.name, size)
        lens = lens_of_image(
            frame.lens, size, self._notes, first=first, is_turned=is_turned
        )
        self._lenses.append(lens.scaled(*first))
        out = reduced(first, self._longer)
        try:
            straight = pinhole(lens)
        except DataError as error:
            raise DataError(f"{frame.lens.place}{error}") from None
        camera = self._camera(straight.scaled(*first))
        pose = jnp.asarray(frame.camera_from_world, jnp.float32)
        sampling = Sampling(size, out, lens if lens.distortion else None)
        view = _sampled(view, sampling)
        if foreground is not None:
            coverage, digest = self._coverage(foreground, sampling)
            self.mask_digests.append(digest)
            view = dataclasses.replace(view, foreground=coverage)
        return dataclasses.replace(view, camera=cameras.with_pose(camera, pose))

    def query(
        self,
        path: pathlib.Path,
        truth: pathlib.Path | None,
        foreground: pathlib.Path | None,
    ) -> View:
        """Returns a test view at its own size, seen through the training views' lens.

        Args:
            path: the image file.
            truth: the mask file of its defect, or None.
            foreground: the file that says where it shows the object, or None.

        Raises:
            DataError: a file is not as it should be.
        """
        view, size, _ = self._read(path)
        lens = self._lens_of_query(view.name, size)
        sampling = Sampling(size, reduced(size, self._longer), lens)
        view = _sampled(view, sampling)
        if foreground is not None:
            coverage, _ = self._coverage(foreground, sampling)
            view = dataclasses.replace(view, foreground=coverage)
        if truth is None:
            return view
        mask = images.read_mask(truth)
        name = self._check_mask(truth, mask.shape, size)
        if not mask.any():
            self._notes.add("the mask of a defective view marks nothing", name)
        return dataclasses.replace(view, mask=sampling.mask(mask))

    def lens(self) -> Lens:
        """Returns the lens of the training views, the median where they differ.

        It is in pixels of the first file, with the distortion.
        """
        padded = itertools.zip_longest(
            *(lens.distortion for lens in self._lenses), fillvalue=0.0
        )
        fx, fy, cx, cy = (
            statistics.median(getattr(lens, key) for lens in self._lenses)
            for key in ("fx", "fy", "cx", "cy")
        )
        distortion = tuple(statistics.median(values) for values in padded)
        first = self._lenses[0]
        return Lens(
            fx,
            fy,
            cx,
            cy,
            first.width,
            first.height,
            distortion if any(distortion) else (),
        )

    def camera(self) -> cameras.Camera:
        """Returns the pinhole camera of `lens`, at the identity pose and read size."""
        return self._camera(pinhole(self.lens()))

    def note_lenses(self) -> None:
        """Notes training images that more than one kind of lens took."""
        focal = sorted(lens.fx for lens in self._lenses)
        if focal[-1] > (1 + _ONE_LENS) * focal[0]:
            self._notes.add(
                f"the training images have different lenses (fx from {focal[0]:.5g} to "
                f"{focal[-1]:.5g} px); test images are taken to have their median"
            )

    def _camera(self, lens: Lens) -> cameras.Camera:
        """Returns the camera of a pinhole given at the first file's size."""
        if lens not in self._cameras:
            out = reduced((lens.width, lens.height), self._longer)
            self._cameras[lens] = cameras.resized(lens.camera(), *out)
        return self._cameras[lens]

    def _read(self, path: pathlib.Path) -> tuple[View, tuple[int, int], bool]:
        """Returns an image file as it is, its size, and whether EXIF turns it."""
        name = paths.relative_name(self._root, path)
        content = images.read_file(path)
        decoded = decoding.decode(content, str(path))
        image, alpha = images.image_of(decoded, name, self._notes)
        digest = hashlib.sha256(content).hexdigest()
        height, width = image.shape[:2]
        view = View(name, image, alpha, digest=digest)
        return view, (width, height), decoded.is_turned

    def _check_shape(self, name: str, size: tuple[int, int]) -> tuple[int, int]:
        """Returns the size of the first training image, which all are brought to."""
        self._first = self._first or (name, size)
        first_name, first = self._first
        if size == first:
            return first
        if not have_one_shape(size, first):
            raise DataError(
                f"{self._root}: {name} has {size[0]}x{size[1]} pixels, but "
                f"{first_name} has {first[0]}x{first[1]}; expected one ratio of sides "
                "for all training images"
            )
        self._notes.add(
            f"a training image has another size and is brought to {first[0]}x"
            f"{first[1]} pixels",
            name,
        )
        return first

    def _lens_of_query(self, name: str, size: tuple[int, int]) -> Lens | None:
        """Returns the lens whose distortion is in a test image, None for none."""
        lens = self.lens()
        if not have_one_shape(size, (lens.width, lens.height)):
            self._notes.add(
                "a test image has another ratio of sides than the training images, so "
                "that its lens is not known",
                name,
            )
            return None
        return lens.scaled(*size) if lens.distortion else None

    def _coverage(
        self, path: pathlib.Path, sampling: Sampling
    ) -> tuple[Float[np.ndarray, "h w"], str]:
        """Returns the foreground that a mask file gives, and the file's digest."""
        coverage, digest = images.read_coverage(path)
        self._check_mask(path, coverage.shape, sampling.size)
        return sampling.plane(coverage), digest

    def _check_mask(
        self, path: pathlib.Path, shape: tuple[int, ...], size: tuple[int, int]
    ) -> str:
        """Returns the name of a mask that has the size of its image."""
        name = paths.relative_name(self._root, path)
        if shape != size[::-1]:
            raise DataError(
                f"{self._root}: the mask {name} has {shape[1]}x{shape[0]} pixels, but "
                f"its image has {size[0]}x{size[1]}; save it at that size"
            )
        return name


def _sampled(view: View, sampling: Sampling) -> View:
    """Returns a view with the pixels that a sampling makes of its file's."""
    alpha = None if view.alpha is None else sampling.plane(view.alpha)
    return dataclasses.replace(view, image=sampling.plane(view.image), alpha=alpha)
