"""A method of inspection: a composition of parts."""

import dataclasses
from typing import Any, Literal

from jaxsplat.core.devices import working_devices
from jaxsplat.errors import ConfigError
from jaxsplat.pose.parts import Refine, Starts
from jaxsplat.scores.parts import Calibrate, Compare, ComparesByLevel, Score

Preset = Literal["fast", "best", "paper"]

# A CPU is as fast with one photograph as with eight; a GPU wants to be full.
_BATCH_ON_GPU = 16


@dataclasses.dataclass(frozen=True)
class Method:
    """How photographs are inspected; settings only, the same for every object.

    Attributes:
        name: what the method is called.
        starts: finds coarse poses.
        second_starts: finds others, for photographs that none of the first explains;
            None leaves them without verdict.
        refine: finds the pose from them.
        second_refine: finds it, of the same starts and state, where a plain background
            shows that much of the object is unlike the good one at the pose that
            `refine` found; None leaves it at that.
        compare: makes the anomaly map.
        score: makes the image's score from the map.
        calibrate: tells what the score means.
        batch: photographs in the program of one device; fewer are filled up, so that
            a photograph's numbers do not depend on how many there are. None takes 16 on
            a GPU and 1 on a CPU.
        scaled_over_test_set: whether an evaluation scales the maps by minimum and
            maximum over all test photographs, as SplatPose's code does. A detector
            never does: no single photograph could be inspected.
        by_nearness: whether maps and scores are told in multiples of what good views
            score as far from those that the fit saw, where enough views tell that.
        level_maps: whether findings have the map of every level that the comparison
            joins.
    """

    name: str
    starts: Starts
    refine: Refine
    compare: Compare
    score: Score
    calibrate: Calibrate
    second_starts: Starts | None = None
    second_refine: Refine | None = None
    batch: int | None = None
    scaled_over_test_set: bool = False
    by_nearness: bool = False
    level_maps: bool = False

    def __post_init__(self) -> None:
        if self.level_maps and not isinstance(self.compare, ComparesByLevel):
            raise ConfigError(f"level_maps: {self.name} compares by one level alone")
        if self.batch is not None and self.batch < 1:
            raise ConfigError(f"batch: found {self.batch}, expected 1 or more")

    @property
    def together(self) -> int:
        """Photographs that run together on this machine: `batch` on each device."""
        found = working_devices()
        each = self.batch or (1 if found[0].platform == "cpu" else _BATCH_ON_GPU)
        return each * len(found)

    def get_params(self, deep: bool = True) -> dict[str, Any]:
        """Returns the settings by name, those of a part as `part__setting`.

        Args:
            deep: whether to list the parts' settings too.
        """
        found: dict[str, Any] = {}
        for field in dataclasses.fields(self):
            value = getattr(self, field.name)
            found[field.name] = value
            if deep and dataclasses.is_dataclass(value):
                for inner in dataclasses.fields(value):
                    found[f"{field.name}__{inner.name}"] = getattr(value, inner.name)
        return found

    def set_params(self, **params: Any) -> "Method":
        """Returns the method with other settings, named as `get_params` does.

        Whole parts are changed before settings of parts.

        Raises:
            ConfigError: there is no such setting, or a part refuses its value.
        """
        known = self.get_params()
        unknown = [name for name in params if name not in known]
        changed = self
        for name in sorted(params, key=lambda name: "__" in name):
            part, _, setting = name.partition("__")
            if setting and name not in changed.get_params():
                unknown.append(name)
            if unknown:
                raise ConfigError(
                    f"{unknown[0]}: no such setting of {self.name!r}, expected one of "
                    f"{', '.join(changed.get_params())}"
                )
            value = params[name]
            if setting:
                inner = getattr(changed, part)
                value = dataclasses.replace(inner, **{setting: value})
            changed = dataclasses.replace(changed, **{part: value})
        return changed
