"""What every detector of local features, and every matcher, says of itself."""

import dataclasses


@dataclasses.dataclass(frozen=True, kw_only=True)
class DetectorConfig:
    """What is common to all detectors; each kind has a config class of its own.

    Attributes:
        name: the name by which `load_detector` knows it.
        channels: of a descriptor.
        multiple: sides of the images that it takes are multiples of it.
    """

    name: str
    channels: int
    multiple: int


@dataclasses.dataclass(frozen=True, kw_only=True)
class MatcherConfig:
    """What is common to all matchers; each kind has a config class of its own.

    Attributes:
        name: the name by which `load_matcher` knows it.
        channels: of the descriptors that it takes.
    """

    name: str
    channels: int


def whole_side(side: int, multiple: int) -> int:
    """Returns the side to which `detect` resizes an image's, in pixels."""
    return max(side // multiple, 1) * multiple
