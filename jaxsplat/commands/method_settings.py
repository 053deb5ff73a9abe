"""A method's settings from a command line: `refine__steps=100`."""

import dataclasses
import math
import types
import typing
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Literal

from jaxsplat.errors import ConfigError
from jaxsplat.methods import Method

_NONE = "none"
_TRUTH = {"true": True, "false": False}


def changed(method: Method, texts: Sequence[str]) -> Method:
    """Returns a method with other settings; see `Method.set_params`.

    Args:
        method: what is changed.
        texts: `setting=value` each, where a part's setting is `part__setting`. Values
            are numbers, words, `true`, `false` and `none`.

    Raises:
        ConfigError: there is no such setting, or it cannot have the value.
    """
    params: dict[str, Any] = {}
    hints = _hints(method)
    for text in texts:
        name, equals, value = text.partition("=")
        if not equals:
            raise ConfigError(f"settings: found {text!r}, expected setting=value")
        if name in params:
            raise ConfigError(f"settings: {name} is given twice")
        if name not in hints:
            # Says which settings there are.
            method.set_params(**{name: value})
        params[name] = _value(name, value, hints[name])
    return method.set_params(**params)


def _hints(method: Method) -> Mapping[str, Any]:
    """Returns the types of all settings, named as `Method.get_params` does."""
    found = dict(typing.get_type_hints(Method))
    for field in dataclasses.fields(method):
        part = getattr(method, field.name)
        if dataclasses.is_dataclass(part):
            for name, hint in typing.get_type_hints(type(part)).items():
                found[f"{field.name}__{name}"] = hint
    return found


def _value(name: str, text: str, hint: Any) -> Any:
    """Returns the value of a type that a text tells."""
    kinds = [hint]
    if typing.get_origin(hint) in (typing.Union, types.UnionType):
        kinds = list(typing.get_args(hint))
    if type(None) in kinds and text == _NONE:
        return None
    for kind in kinds:
        if typing.get_origin(kind) is Literal:
            if text in typing.get_args(kind):
                return text
        elif kind in _READERS:
            try:
                return _READERS[kind](text)
            except (KeyError, ValueError):
                continue
    words = [_word(kind) for kind in kinds]
    raise ConfigError(
        f"settings: {name}: found {text!r}, expected {' or '.join(words)}"
    )


def _word(kind: Any) -> str:
    """Returns what a type is called."""
    if kind is type(None):
        return _NONE
    if typing.get_origin(kind) is Literal:
        return ", ".join(typing.get_args(kind))
    if kind is bool:
        return "true or false"
    known = {int: "a whole number", float: "a finite number", str: "a word"}
    return known.get(kind, "what no text can tell")


def _finite(text: str) -> float:
    value = float(text)
    if not math.isfinite(value):
        raise ValueError(text)
    return value


_READERS: Mapping[Any, Callable[[str], Any]] = {
    bool: _TRUTH.__getitem__,
    int: int,
    float: _finite,
    str: str,
}
