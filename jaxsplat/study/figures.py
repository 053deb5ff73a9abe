"""Figures of the benchmarks."""

import pathlib
import typing

from jaxsplat.errors import ConfigError

if typing.TYPE_CHECKING:
    from matplotlib.figure import Figure


def canvas(width: float, height: float) -> "Figure":
    """Returns an empty figure of a size in inches.

    Raises:
        ConfigError: matplotlib is not installed.
    """
    try:
        from matplotlib import figure
    except ImportError as error:
        raise ConfigError("figures need matplotlib: pip install matplotlib") from error
    return figure.Figure(figsize=(width, height), layout="constrained")


def save(drawn: "Figure", path: pathlib.Path) -> None:
    """Writes a figure, and the folder that it lies in."""
    path.parent.mkdir(parents=True, exist_ok=True)
    drawn.savefig(path, dpi=120)
