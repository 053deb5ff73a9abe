"""Files of an object with its anomaly: PLY, `.splat`, a turntable video."""

import dataclasses
import os
import pathlib
import tempfile
from collections.abc import Callable, Iterable, Iterator, Sequence

import cv2
import jax
import numpy as np
from jaxtyping import Float

from jaxsplat.core.cameras import Camera
from jaxsplat.errors import DataError
from jaxsplat.rendering.twin import Twin, look
from jaxsplat.report import figures
from jaxsplat.report.figures import Rgb8
from jaxsplat.scene import splats
from jaxsplat.scene.gaussians import Gaussians

# Four letters that say how a video is packed, the better first: browsers play VP9 and
# not MPEG-4 part 2, which every OpenCV has.
_CODECS = "vp09", "mp4v"


def write_scenes(
    folder: pathlib.Path,
    scene: Gaussians,
    colored: Gaussians,
    properties: dict[str, Float[np.ndarray, " n"]],
) -> list[pathlib.Path]:
    """Writes the scene and its coloured copy as PLY and `.splat`; returns the files.

    Args:
        folder: made when it is not there.
        scene: as fitted.
        colored: the same in other colours.
        properties: numbers of every Gaussian that both PLY files hold; NaN becomes 0.
    """
    known = {name: np.nan_to_num(values) for name, values in properties.items()}
    written = []
    for stem, one in (("scene", scene), ("anomaly", colored)):
        splats.write_splats(folder / f"{stem}.ply", one, known)
        # Without what `.splat` has no room for, of which the writer would warn.
        flat = dataclasses.replace(one, sh_rest=None)
        splats.write_splats(folder / f"{stem}.splat", flat)
        written += [folder / f"{stem}.ply", folder / f"{stem}.splat"]
    return written


def frames(
    twin: Twin, views: Sequence[Camera], watch: Callable[[int], None]
) -> Iterator[Rgb8]:
    """Yields the object before its background, as each camera sees it.

    Args:
        twin: the object.
        views: cameras of one size, up to the twin's.
        watch: called with the number of each frame before it is drawn.
    """
    for number, camera in enumerate(views):
        watch(number)
        yield figures.to_uint8(np.asarray(_drawn(twin, camera)))


def write_video(
    path: pathlib.Path, pictures: Iterable[Rgb8], frames_per_second: float
) -> None:
    """Writes an MP4 that browsers play, so that the file is whole or not there.

    Args:
        path: the file; one that exists is replaced.
        pictures: of one size, one or more.
        frames_per_second: that it is played at.

    Raises:
        DataError: this OpenCV cannot write videos.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=path.parent, prefix=".video-") as folder:
        whole = pathlib.Path(folder) / "video.mp4"
        writer = None
        for picture in pictures:
            if writer is None:
                size = picture.shape[1], picture.shape[0]
                writer = _writer(whole, frames_per_second, size)
                if writer is None:
                    kinds = " or ".join(_CODECS)
                    raise DataError(f"{path}: this OpenCV writes no video as {kinds}")
            writer.write(np.ascontiguousarray(picture[..., ::-1]))
        if writer is not None:
            writer.release()
        if not whole.exists() or not whole.stat().st_size:
            raise DataError(f"{path}: no frame was written; is the disk full?")
        os.replace(whole, path)


def _writer(
    path: pathlib.Path, frames_per_second: float, size: tuple[int, int]
) -> cv2.VideoWriter | None:
    """Returns a writer in the best way that this OpenCV has, None where it has none."""
    for codec in _CODECS:
        code = cv2.VideoWriter.fourcc(*codec)
        writer = cv2.VideoWriter(str(path), code, frames_per_second, size)
        if writer.isOpened():
            return writer
    return None


@jax.jit
def _drawn(twin: Twin, camera: Camera) -> jax.Array:
    return look(twin, camera, twin.background).color
