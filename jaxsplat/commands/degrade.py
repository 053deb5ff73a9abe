"""Degrades an object's photographs as cameras do: `python -m experiments.degrade`.

Writes a copy of the object's folder, ready for every other command. The kinds are all
applied at once, each to the photographs that people have it in: noise to all, clutter
behind queries alone. `--apply_to` says otherwise.
"""

import dataclasses
import pathlib
from typing import Literal

from jaxsplat.commands import flags
from jaxsplat.study import degraded_sets, kinds
from jaxsplat.study.degraded_sets import Recipe
from jaxsplat.study.kinds import Split

_SPLITS: dict[str, tuple[Split, ...]] = {
    "train": ("train",),
    "test": ("test",),
    "both": ("train", "test"),
}


@dataclasses.dataclass(frozen=True)
class Config:
    """Settings of the command; each is a flag."""

    data_dir: str = flags.option(dataclasses.MISSING, "the object's folder")
    out: str = flags.option(dataclasses.MISSING, "folder for the copy; new or empty")
    kinds: tuple[str, ...] = flags.option(
        (), f"what happens, together: {', '.join(kinds.KINDS)}"
    )
    apply_to: Literal["train", "test", "both"] | None = flags.option(
        None, "photographs to degrade; those that each kind is usual in by default"
    )
    seed: int = flags.option(0, "of everything random", lower=0)
    photographs: tuple[str, ...] = flags.option(
        (), "images, or folders of them, that clutter shows pieces of"
    )

    def __post_init__(self) -> None:
        kinds.find_kinds(self.kinds)


def main(config: Config) -> None:
    """Writes the copy and says what it holds."""
    recipe = Recipe(
        names=kinds.find_kinds(config.kinds),
        apply_to=None if config.apply_to is None else _SPLITS[config.apply_to],
        seed=config.seed,
        photographs=degraded_sets.read_photographs(config.photographs),
    )
    out = pathlib.Path(config.out)
    count = degraded_sets.write(pathlib.Path(config.data_dir), out, recipe)
    print(f"{out}: {count} photographs degraded ({', '.join(recipe.names)})")
