"""Photographs as cameras make them of a clean picture, in the order of physics.

The camera's turn and the surroundings come first, then what stands in front, light and
lens, then the sensor and its file: each step sees what the one before it left.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from jaxtyping import Bool, Float, UInt8

from jaxsplat.core.cameras import Camera
from jaxsplat.data.images import mask_of_coverage, resize_area
from jaxsplat.study import cutouts, degradations, framing, lighting, sensor
from jaxsplat.study import surroundings as behind_objects
from jaxsplat.study.cutouts import Cutout
from jaxsplat.study.kinds import PAPER, Degradation

_PLAIN = {"grey": (0.82, 0.82, 0.82), "color": (0.42, 0.58, 0.66)}
# Each step has random numbers of its own, so that one more step changes no other.
_STEPS = (
    "frame",
    "surroundings",
    "shadow",
    "gradient",
    "occluder",
    "vignetting",
    "exposure",
    "white_balance",
    "noise",
)


class Shot(NamedTuple):
    """A clean picture, and what is known of it.

    Attributes:
        image: RGB in [0, 1], over its background, [h, w, 3].
        cutout: the object, None where that is not known.
        background: RGB behind the object, [3]; None where it is not plain, and for a
            picture that comes with alpha.
        mask: where the object is defective, [h, w], None where that is not known.
        camera: that took it, which `cut_off` needs; its pose is not looked at.
    """

    image: Float[np.ndarray, "h w 3"]
    cutout: Cutout | None = None
    background: Float[np.ndarray, "3"] | None = None
    mask: Bool[np.ndarray, "h w"] | None = None
    camera: Camera | None = None


class Taken(NamedTuple):
    """A photograph as the camera leaves it.

    Attributes:
        pixels: RGB, or RGBA (not premultiplied) of a picture that came with alpha and
            whose surroundings did not change, [h, w, 3 or 4]. After JPEG.
        file: PNG, or JPEG where that comes last and there is no alpha.
        suffix: of the file's name.
        mask: where the object is visibly defective, [h, w], None as in the shot.
        turn: rotation from the axes of the shot's camera to those after, [3, 3].
    """

    pixels: UInt8[np.ndarray, "_ _ c"]
    file: bytes
    suffix: str
    mask: Bool[np.ndarray, "_ _"] | None
    turn: Float[np.ndarray, "3 3"]


def take(
    shot: Shot,
    change: Degradation,
    rng: np.random.Generator,
    photographs: Sequence[UInt8[np.ndarray, "_ _ 3"]] = (),
) -> Taken:
    """Returns the photograph that a camera makes of a clean picture.

    Args:
        shot: the picture. With a cut-out but no background it counts as one that comes
            with alpha, which the photograph keeps where its surroundings stay.
        change: what happens.
        rng: of everything random.
        photographs: that clutter may show pieces of, RGB of any size.
    """
    assert shot.cutout is not None or not change.needs_object
    chance = dict(zip(_STEPS, rng.spawn(len(_STEPS)), strict=True))
    shot, turn = _framed(shot, change, chance["frame"])
    photo = _composed(shot, change, chance, photographs)
    mask, alpha = shot.mask, None
    if shot.cutout is not None:
        if shot.background is None and change.surroundings is None:
            alpha = shot.cutout.coverage
        if change.occluded:
            color, hides = framing.occluder(
                shot.cutout.coverage, change.occluded, chance["occluder"], mask
            )
            photo = cutouts.over(color, hides, photo)
            mask = None if mask is None else mask & (hides < 0.5)
    photo = photo * _light(photo.shape[0], photo.shape[1], change, chance)
    if change.blur:
        photo = sensor.blurred(photo, change.blur)
        alpha = None if alpha is None else sensor.blurred(alpha, change.blur)
    if change.scale != 1:
        photo = framing.shrunken(photo, change.scale)
        height, width = photo.shape[:2]
        alpha = None if alpha is None else framing.shrunken(alpha, change.scale)
        if mask is not None:
            coverage = resize_area(mask.astype(np.float32), width, height)
            mask = mask_of_coverage(coverage)
    if change.noise:
        photo = sensor.noisy(photo, change.noise, chance["noise"])
    pixels, file, suffix = _developed(photo, alpha, change.jpeg)
    return Taken(pixels, file, suffix, mask, turn)


def _framed(
    shot: Shot, change: Degradation, rng: np.random.Generator
) -> tuple[Shot, Float[np.ndarray, "3 3"]]:
    """Returns the picture of a camera that looks past the object, and its turn."""
    cutout, camera = shot.cutout, shot.camera
    if not change.cut_off:
        return shot, np.eye(3)
    assert cutout is not None and camera is not None
    turn = framing.turn_away(cutout.coverage, camera, change.cut_off, rng, shot.mask)
    layers = [shot.image, cutout.color, cutout.coverage[..., None]]
    if shot.mask is not None:
        layers.append(shot.mask[..., None].astype(np.float32))
    stack = np.concatenate(layers, axis=-1)
    outside = np.zeros(stack.shape[-1])
    if shot.background is not None:
        outside[:3] = shot.background
    seen = degradations.retaken(stack, camera, camera, turn, outside)
    seen = seen.astype(np.float32)
    return (
        Shot(
            seen[..., :3],
            Cutout(seen[..., 3:6], seen[..., 6]),
            shot.background,
            None if shot.mask is None else seen[..., 7] > 0.5,
            camera,
        ),
        turn,
    )


def _composed(
    shot: Shot,
    change: Degradation,
    chance: dict[str, np.random.Generator],
    photographs: Sequence[UInt8[np.ndarray, "_ _ 3"]],
) -> Float[np.ndarray, "h w 3"]:
    """Returns the object before its surroundings, both in their own light."""
    height, width = shot.image.shape[:2]
    angle = chance["gradient"].uniform(-np.pi, np.pi)
    light = lighting.gradient(height, width, change.gradient, angle)[..., None]
    if shot.cutout is None:
        return shot.image * light
    rng = chance["surroundings"]
    if change.surroundings == "floor_and_wall":
        behind = behind_objects.floor_and_wall(height, width, rng)
    elif change.surroundings == "clutter":
        behind = behind_objects.clutter(height, width, rng, photographs)
    elif change.surroundings is not None:
        behind = behind_objects.plain(height, width, _PLAIN[change.surroundings])
    elif shot.background is None:
        # A cut-out goes on in its own colours: blur and JPEG shall bring in no others.
        return shot.cutout.color * light
    else:
        background = shot.background
        if change.paper and background.min() > PAPER:
            background = background * PAPER / background.max()
        red, green, blue = (float(x) for x in background)
        behind = behind_objects.plain(height, width, (red, green, blue))
    coverage = shot.cutout.coverage
    if change.shadow:
        rng = chance["shadow"]
        behind = behind_objects.shadowed(behind, coverage, change.shadow, rng)
    if change.gradient_on_all:
        return cutouts.over(shot.cutout.color, coverage, behind) * light
    return cutouts.over(shot.cutout.color, coverage, behind * light)


def _light(
    height: int,
    width: int,
    change: Degradation,
    chance: dict[str, np.random.Generator],
) -> Float[np.ndarray, "h w 3"]:
    """Returns what the values are multiplied by: lens, exposure, white balance."""
    loss = chance["vignetting"].uniform(*change.vignetting)
    exposure = chance["exposure"].uniform(-change.exposure, change.exposure)
    warmth = chance["white_balance"].uniform(
        -change.white_balance, change.white_balance
    )
    falloff = lighting.vignette(height, width, loss)[..., None]
    gains = (1 + exposure) * lighting.white_balance(warmth)
    return (falloff * gains).astype(np.float32)


def _developed(
    photo: Float[np.ndarray, "h w 3"],
    alpha: Float[np.ndarray, "h w"] | None,
    quality: int | None,
) -> tuple[UInt8[np.ndarray, "h w c"], bytes, str]:
    """Returns the pixels that a reader of the file finds, the file, and its suffix."""
    pixels = sensor.to_bytes(photo)
    if quality is not None:
        if alpha is None:
            file = sensor.encode_jpeg(pixels, quality)
            return sensor.through_jpeg(pixels, quality), file, ".jpg"
        pixels = sensor.through_jpeg(pixels, quality)
    if alpha is not None:
        pixels = np.concatenate([pixels, sensor.to_bytes(alpha)[..., None]], axis=-1)
    return pixels, sensor.encode_png(pixels), ".png"
