"""What every detector of local features says of itself."""

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
