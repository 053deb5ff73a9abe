"""Parameters of named networks from weights files, bundled or converted."""

import dataclasses
import pathlib
from collections.abc import Collection, Hashable
from typing import Generic, Protocol, TypeVar, runtime_checkable

from jax import Array
from jaxtyping import Float

from jaxsplat import errors
from jaxsplat.features import structure, weights
from jaxsplat.features.structure import Model


@runtime_checkable
class Named(Protocol):
    """A network's config: a value that has the network's name."""

    @property
    def name(self) -> str:
        """The name by which the network is loaded."""


Config = TypeVar("Config", bound=Named)


@dataclasses.dataclass(frozen=True)
class Entry(Generic[Config]):
    """A network that can be loaded by name.

    Attributes:
        config: what it is.
        source: the public file that `experiments.convert_weights` takes.
        bundled: name of the file that comes with the package, if any.
        sha256: of that file.
    """

    config: Config
    source: str
    bundled: str | None = None
    sha256: str | None = None


def load_params(
    entry: Entry,
    model: Model,
    config: Hashable,
    path: str | None,
    folder: pathlib.Path,
    unused: Collection[str],
) -> dict[str, Float[Array, "..."]]:
    """Returns a network's parameters by published name; see `structure.to_params`.

    Args:
        entry: of the network.
        model: its class.
        config: which tensors are needed.
        path: a safetensors file; None for the bundled one.
        folder: of bundled files.
        unused: names of further tensors that a file may have.

    Raises:
        DataError: there are no weights, or they do not fit; names the first difference.
    """
    name = entry.config.name
    if path is None and entry.bundled is None:
        raise errors.DataError(
            f"{name}: its weights do not come with the package. Fetch {entry.source}, "
            f"run `python -m experiments.convert_weights --network {name} --source "
            "THAT_FILE --output FILE.safetensors`, and pass that file as `path`"
        )
    file = folder / str(entry.bundled) if path is None else pathlib.Path(path)
    data = weights.read_file(file)
    if path is None and entry.sha256 is not None:
        weights.check_sha256(data, entry.sha256, file)
    tensors = weights.select(
        weights.parse(data, str(file)),
        structure.file_shapes(model, config),
        str(file),
        unused=unused,
    )
    return structure.to_params(model, config, tensors)
