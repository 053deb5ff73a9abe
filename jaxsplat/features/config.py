"""What every feature network's config says: its normalisation and its maps."""

import dataclasses
from typing import NamedTuple

from jaxsplat import errors

# Statistics of ImageNet's photographs, with which most networks were trained.
IMAGENET_MEAN = (0.485, 0.456, 0.406)
IMAGENET_STD = (0.229, 0.224, 0.225)


class Tap(NamedTuple):
    """A place in a network whose output is a feature map.

    Attributes:
        name: of the place, as the publication counts it.
        stride: pixels of the image from one cell of the map to the next.
        channels: of the map.
    """

    name: str
    stride: int
    channels: int


@dataclasses.dataclass(frozen=True, kw_only=True)
class NetworkConfig:
    """What is common to all networks; each kind has a config class of its own.

    Attributes:
        name: the name by which `load_network` knows it.
        mean: RGB in [0, 1] that is subtracted from the image.
        std: RGB by which the difference is divided.
        tapped: names of the maps that are returned; all where empty. They come in the
            network's order. What stands after the last of them is not built.

    Raises:
        ConfigError: the network has no map of a name in `tapped`.
    """

    name: str
    mean: tuple[float, float, float]
    std: tuple[float, float, float]
    tapped: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        known = [tap.name for tap in self.all_taps]
        for name in self.tapped:
            if name not in known:
                raise errors.ConfigError(
                    f"{self.name}: has no map {name!r}, expected some of {known}"
                )

    @property
    def multiple(self) -> int:
        """The sides of the images that the network takes are multiples of it."""
        return 1

    @property
    def all_taps(self) -> tuple[Tap, ...]:
        """All maps that the network has, in its order."""
        raise NotImplementedError

    @property
    def taps(self) -> tuple[Tap, ...]:
        """The maps that are returned, in the network's order."""
        every = self.all_taps
        return tuple(t for t in every if t.name in self.tapped or not self.tapped)
