"""What people's photographs suffer from, by name."""

import dataclasses
from collections.abc import Iterable
from typing import Any, Literal, NamedTuple

from jaxsplat.errors import ConfigError

Split = Literal["train", "test"]
Surroundings = Literal["grey", "color", "floor_and_wall", "clutter"]

# White paper as a camera exposes it. On a saturated background noise and exposure
# would be cut off.
PAPER = 225 / 255


@dataclasses.dataclass(frozen=True)
class Degradation:
    """What happens to a photograph on the way from the object to the file.

    Attributes:
        surroundings: what stands behind the object instead; None leaves it.
        paper: whether a plain background brighter than `PAPER` becomes that.
        shadow: light that is missing in the object's shadow, a share. A cut-out without
            new surroundings has none to cast it on.
        gradient: light that is lost towards one side of the background, a share. Where
            the object is not known, or is all that there is, of the whole picture.
        gradient_on_all: whether the object loses it too.
        occluded: share of the object that something hides, at most.
        cut_off: share of the object that the frame cuts off.
        vignetting: light lost at the corners, from and to, shares.
        exposure: how far the exposure of each photograph may be from 1.
        white_balance: how far the gains of red and blue may be from 1.
        blur: deviation of the lens's blur in pixels.
        scale: of the picture's size in pixels.
        noise: deviation at middle grey in levels of 255, see `sensor.noise_deviation`.
        jpeg: quality of the file, None for a PNG.
    """

    surroundings: Surroundings | None = None
    paper: bool = False
    shadow: float = 0.0
    gradient: float = 0.0
    gradient_on_all: bool = False
    occluded: float = 0.0
    cut_off: float = 0.0
    vignetting: tuple[float, float] = (0.0, 0.0)
    exposure: float = 0.0
    white_balance: float = 0.0
    blur: float = 0.0
    scale: float = 1.0
    noise: float = 0.0
    jpeg: int | None = None

    @property
    def needs_object(self) -> bool:
        """Whether it must be known where the object is."""
        wanted = self.shadow, self.occluded, self.cut_off
        return self.surroundings is not None or any(wanted)

    @property
    def moves_pixels(self) -> bool:
        """Whether a mask of the photograph changes too."""
        return bool(self.cut_off or self.occluded) or self.scale != 1


class Kind(NamedTuple):
    """A degradation with a name, and the photographs that people have it in."""

    change: Degradation
    splits: tuple[Split, ...] = ("train", "test")


KINDS = {
    "noise_1": Kind(Degradation(paper=True, noise=1.0)),
    "noise_3": Kind(Degradation(paper=True, noise=3.0)),
    "noise_6": Kind(Degradation(paper=True, noise=6.0)),
    "gradient": Kind(Degradation(gradient=0.2)),
    "light": Kind(Degradation(gradient=0.2, gradient_on_all=True)),
    "vignetting": Kind(Degradation(vignetting=(0.05, 0.2))),
    "jpeg": Kind(Degradation(jpeg=75)),
    "exposure": Kind(Degradation(paper=True, exposure=0.3)),
    "white_balance": Kind(Degradation(paper=True, white_balance=0.1)),
    "blur": Kind(Degradation(blur=1.0)),
    "grey_background": Kind(Degradation(surroundings="grey")),
    "color_background": Kind(Degradation(surroundings="color")),
    "floor_and_wall": Kind(Degradation(surroundings="floor_and_wall")),
    "shadow": Kind(Degradation(surroundings="grey", shadow=0.35)),
    "clutter": Kind(Degradation(surroundings="clutter"), ("test",)),
    "occluded": Kind(Degradation(occluded=0.2), ("test",)),
    "cut_off": Kind(Degradation(cut_off=0.2), ("test",)),
    "half_size": Kind(Degradation(scale=0.5), ("test",)),
    "all": Kind(
        Degradation(
            paper=True,
            gradient=0.1,
            vignetting=(0.05, 0.15),
            exposure=0.2,
            white_balance=0.06,
            blur=0.6,
            noise=2.0,
            jpeg=90,
        )
    ),
    "another_day": Kind(
        Degradation(
            surroundings="clutter",
            vignetting=(0.05, 0.15),
            exposure=0.3,
            white_balance=0.1,
            noise=3.0,
            jpeg=75,
        ),
        ("test",),
    ),
}


def find_kinds(names: Iterable[str]) -> tuple[str, ...]:
    """Returns the names of kinds, each once.

    Raises:
        ConfigError: there is no such kind, or none is named.
    """
    chosen = tuple(dict.fromkeys(names))
    unknown = [name for name in chosen if name not in KINDS]
    if unknown or not chosen:
        raise ConfigError(
            f"kinds: found {', '.join(unknown) or 'none'}, expected some of "
            f"{', '.join(KINDS)}"
        )
    return chosen


def combined(names: Iterable[str]) -> Degradation:
    """Returns several kinds as one degradation; of none, one that changes nothing.

    Raises:
        ConfigError: there is no such kind, or two want different things of one step.
    """
    nothing, wanted = Degradation(), dict[str, Any]()
    for name in names:
        (name,) = find_kinds([name])
        for field in dataclasses.fields(Degradation):
            value = getattr(KINDS[name].change, field.name)
            if value == getattr(nothing, field.name):
                continue
            if wanted.setdefault(field.name, value) != value:
                raise ConfigError(
                    f"kinds: {name} wants {field.name}={value}, another one "
                    f"{wanted[field.name]}; leave one of them out"
                )
    return dataclasses.replace(nothing, **wanted)
