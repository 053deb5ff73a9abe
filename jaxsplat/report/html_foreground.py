"""What foreground.html shows: where the object was found in training views."""

import base64
import dataclasses

from jaxsplat.report import figures
from jaxsplat.report.content import ShownForeground
from jaxsplat.report.figures import Rgb8


@dataclasses.dataclass(frozen=True)
class Picture:
    """A view's picture as base64 of its JPEG, and whether the view disagrees."""

    name: str
    alt: str
    jpeg: str
    width: int
    height: int
    disagrees: bool


@dataclasses.dataclass(frozen=True)
class Block:
    """The values of foreground.html."""

    line: str
    pictures: tuple[Picture, ...]


def block(shown: ShownForeground) -> Block:
    """Returns the values of the part that shows where the object was found."""
    disagreeing = ", ".join(shown.disagreeing) or "none"
    line = f"{shown.told[:1].upper()}{shown.told[1:]}; views that disagree: "
    pictures = zip(shown.names, shown.pictures, strict=True)
    return Block(
        line + disagreeing,
        tuple(
            _picture(name, image, name in shown.disagreeing) for name, image in pictures
        ),
    )


def _picture(name: str, image: Rgb8, disagrees: bool) -> Picture:
    height, width = image.shape[:2]
    alt = f"Training view {name} with the outline of the object that was found"
    if disagrees:
        alt += ", which disagrees with the other views"
    jpeg = base64.b64encode(figures.encode_jpeg(image)).decode("ascii")
    return Picture(name, alt, jpeg, width, height, disagrees)
