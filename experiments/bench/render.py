"""How fast the renderer is here.

`python -m experiments.bench.render` times the stages of one image on a scene like a
fitted object: projection, binning, compositing, its reverse pass and the normal
equations, beside the limit of compositing's own arithmetic (see `limit`).

`--parts=batches` times whole batches on 100,000 Gaussians in 64 clusters: images,
gradients of the cloud and the cameras, normal equations, with the memory that the
compiled program takes beside its inputs and the share of the least time that its
kernels' arithmetic takes (see `processors.limits`). `--scene` takes a PLY file instead.
On an NVIDIA GPU calls are timed in a queue, kernels also by the GPU's clock, and gsplat
and splax beside them where they are installed.

`--gate` ends with exit code 1 when a bar is missed, or when a ratio is worse than in
the committed results by more than a third.
"""

import dataclasses
import json
import os
import pathlib
import sys

import jax

from experiments.bench import batches, peers, stages
from jaxsplat.commands import flags
from jaxsplat.errors import ConfigError
from jaxsplat.rendering.backends import Backend, resolve_backend
from jaxsplat.report import files
from jaxsplat.report.versions import versions

_RESULTS = pathlib.Path(__file__).parent / "results"
_ALLOWED = 4 / 3  # of a committed ratio


@dataclasses.dataclass(frozen=True)
class Config:
    """Settings of the benchmark; each is a flag."""

    parts: tuple[str, ...] = flags.option(("stages",), "of stages, batches")
    size: int = flags.option(400, "image side in pixels", lower=16)
    gaussians: int = flags.option(
        6200, "Gaussians of the stages' scene; 6200 take 90,000 pairs", lower=1
    )
    repeats: int = flags.option(15, "rounds, of which the fastest counts", lower=1)
    sizes: tuple[int, ...] = flags.option(
        (256, 400), "image sides of the batches", lower=1
    )
    batches: tuple[int, ...] = flags.option((1, 8), "numbers of images", lower=1)
    cloud: int = flags.option(100_000, "Gaussians of the batches' scene", lower=1)
    scene: str = flags.option("", "PLY file to take for the batches' scene")
    peers: tuple[str, ...] = flags.option(
        ("gsplat", "splax"), "to time beside the batches, where they can run"
    )
    backend: Backend | None = flags.option(
        None, "of the batches; the best that runs here by default"
    )
    out: str = flags.option("runs/bench/render.json", "where the numbers go")
    plot: str = flags.option("", "PNG file for a plot of the batches; none when empty")
    gate: bool = flags.option(
        False, "exit with 1 when a bar is missed or a ratio falls"
    )

    def __post_init__(self) -> None:
        unknown = set(self.parts) - {"stages", "batches"}
        if unknown or not self.parts:
            raise ConfigError(
                f"parts: found {', '.join(self.parts)}, expected stages, batches"
            )
        if strange := set(self.peers) - set(peers.PEERS):
            raise ConfigError(
                f"peers: found {', '.join(strange)}, expected gsplat, splax"
            )


def measure(config: Config) -> dict[str, dict]:
    """Returns the numbers of the wanted parts."""
    found: dict[str, dict] = {}
    if "stages" in config.parts:
        found["stages"] = stages.measure(config.size, config.gaussians, config.repeats)
    if "batches" in config.parts:
        found["batches"] = batches.measure(
            batches.load(config.scene, config.cloud),
            config.sizes,
            config.batches,
            resolve_backend(config.backend),
            config.repeats,
            config.peers,
        )
    return found


def missed(found: dict[str, dict], baseline: dict[str, dict]) -> list[str]:
    """Returns a line for each bar that is missed and each ratio that fell.

    Args:
        found: from `measure`.
        baseline: parts that were measured before; ratios that it lacks are not judged.
    """
    lines = []
    for part, numbers in found.items():
        lines += [
            f"{part}: {bar}" for bar, ok in numbers.get("bars", {}).items() if not ok
        ]
        before = baseline.get(part, {}).get("ratios", {})
        for name, value in numbers["ratios"].items():
            if name in before and value > _ALLOWED * before[name]:
                lines.append(f"{part}: {name} {value:.2f}, was {before[name]:.2f}")
    return lines


def baseline_path() -> pathlib.Path:
    """Returns where the committed results of this kind of device stand."""
    kind = jax.devices()[0].device_kind.lower().replace(" ", "_")
    return _RESULTS / f"render_{kind}.json"


def main(config: Config) -> int:
    """Prints the numbers and writes them as JSON; see the module."""
    found = measure(config)
    print(json.dumps(found, indent=2))
    record = found | {
        "device": jax.devices()[0].device_kind,
        "cpu_count": os.cpu_count(),
        "versions": versions(),
    }
    files.write_json(pathlib.Path(config.out), record)
    if config.plot and "batches" in found:
        batches.plot(found["batches"], pathlib.Path(config.plot))
    path = baseline_path()
    lines = missed(found, json.loads(path.read_text()) if path.exists() else {})
    for line in lines:
        print(f"missed: {line}", file=sys.stderr)
    return 1 if config.gate and lines else 0


if __name__ == "__main__":
    flags.run(main, Config)
