"""What a loader returns: posed images of one object, checked and ready."""

import dataclasses
from collections.abc import Sequence

import numpy as np
from jaxtyping import Bool, Float

from jaxsplat.core import cameras
from jaxsplat.core.cameras import Camera
from jaxsplat.data.lens import Lens
from jaxsplat.data.world import World
from jaxsplat.errors import DataError

GOOD = "good"


@dataclasses.dataclass(frozen=True)
class View:
    """One photograph.

    Its lens has no distortion: reading takes it out of image, alpha and masks.

    Attributes:
        name: path relative to the object's folder, with forward slashes; unique.
        image: RGB in [0, 1], [h, w, 3] float32. Where `alpha` is given it is
            premultiplied, so that `image + (1 - alpha) * background` is the photograph
            before that background.
        alpha: coverage in [0, 1], [h, w] float32, or None where the file has none.
        camera: pose, inside (see `ObjectSet.world`), and intrinsics; None where the
            pose is unknown. A query has none.
        defect_type: name of the folder below `test`, "good" for a normal view.
        mask: true on defective pixels, [h, w], or None where there is no ground truth.
            All false for good views.
        digest: SHA-256 of the image file's bytes in hexadecimal; empty for a view that
            came from no file.
        foreground: coverage of each pixel by the object in [0, 1], [h, w] float32, as a
            mask file gives it for a photograph that keeps its surroundings; None where
            there is no such file.
        intrinsics: lens and size of a photograph whose pose is not known, at the
            identity pose; None means the lens of the training views, scaled to the
            photograph's size.
    """

    name: str
    image: Float[np.ndarray, "h w 3"]
    alpha: Float[np.ndarray, "h w"] | None = None
    camera: Camera | None = None
    defect_type: str = GOOD
    mask: Bool[np.ndarray, "h w"] | None = None
    digest: str = ""
    foreground: Float[np.ndarray, "h w"] | None = None
    intrinsics: Camera | None = None


@dataclasses.dataclass(frozen=True)
class ObjectSet:
    """The views of one object.

    Attributes:
        name: category name, such as "01Gorilla".
        root: the object's folder as text, for messages.
        train: posed views of the good object, all of one size, each with its own lens;
            all have alpha or all have none.
        test: queries, each of its own size; they have no pose.
        intrinsics: the camera of the training views with an identity pose; where their
            lenses differ, the median. Photographs without lens of their own have it,
            scaled to their size.
        background: RGB in [0, 1] of what stands behind the object in the training
            views: the median of their border, white where all have alpha.
        background_is_plain: whether nothing else stands there, so that what differs
            from `background` is the object.
        warnings: what the loader repaired or found odd, a sentence each.
        train_digest: SHA-256, in hexadecimal, of all that the training views and their
            cameras come from: the files of poses and lenses, the image files in order,
            their masks, and the size that they were read at. Empty for an object that
            came from no file.
        lens: the lens that photographs were taken with, at the size of `intrinsics` and
            with the distortion that reading has taken out of them; None for an object
            that came from no file.
        world: how the user's coordinates become those of the training views' cameras;
            the same for an object that was made by hand.
    """

    name: str
    root: str
    train: tuple[View, ...]
    test: tuple[View, ...]
    intrinsics: Camera
    background: tuple[float, float, float]
    background_is_plain: bool = True
    warnings: tuple[str, ...] = ()
    train_digest: str = ""
    lens: Lens | None = None
    world: World = World()


def posed_cameras(views: Sequence[View]) -> Camera:
    """Returns the stack of the views' cameras.

    Raises:
        DataError: a view has no pose.
    """
    return cameras.stack([posed_camera(view) for view in views])


def posed_camera(view: View) -> Camera:
    """Returns the camera of a view.

    Raises:
        DataError: it has no pose.
    """
    if view.camera is None:
        raise DataError(f"{view.name}: a training view has no pose")
    return view.camera


def over_background(
    view: View, background: Float[np.ndarray, "3"]
) -> Float[np.ndarray, "h w 3"]:
    """Returns a view's image over a background where it has alpha, else as it is."""
    if view.alpha is None:
        return view.image
    over = view.image + (1 - view.alpha[..., None]) * background
    return over.astype(np.float32)
