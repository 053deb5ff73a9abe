"""Command lines made from frozen config dataclasses, and how a command ends.

An experiment is a config class, a function of it, and one line:

    if __name__ == "__main__":
        flags.run(main, Config)

Wrong usage ends with exit code 2 before anything is written; see `endings` for others.
"""

import dataclasses
import functools
import math
import pathlib
import sys
import types
import typing
from collections.abc import Callable, Sequence
from typing import Any, Literal, NoReturn, TypeVar

from absl import flags, logging

from jaxsplat.commands import compile_cache, endings
from jaxsplat.errors import ConfigError

Config = TypeVar("Config")

PRESET_HELP = (
    "best: a fit of some minutes on a CPU; fast: a third of that; paper: the published "
    "settings"
)
FIT_SECONDS_HELP = (
    "that the fit of an object may take, compilation included; no limit by default"
)


def option(
    default: Any,
    help: str,  # noqa: A002  (the name that absl and argparse use)
    *,
    lower: int | float | None = None,
    upper: int | float | None = None,
    free: bool = False,
    positional: bool = False,
) -> Any:
    """Returns a dataclass field that becomes a flag.

    Args:
        default: its value when the flag is not given.
        help: what `--help` says.
        lower: smallest value that is allowed.
        upper: largest value that is allowed.
        free: results do not depend on it, so it may change when a run goes on.
        positional: it may be given without the flag's name, in the order of the fields.
    """
    metadata = {
        "help": help,
        "lower": lower,
        "upper": upper,
        "free": free,
        "positional": positional,
    }
    return dataclasses.field(default=default, metadata=metadata)


def free_fields(config_class: type) -> frozenset[str]:
    """Returns the names of the fields on which results do not depend."""
    fields = dataclasses.fields(config_class)
    return frozenset(f.name for f in fields if f.metadata.get("free"))


def define(config_class: type, values: flags.FlagValues = flags.FLAGS) -> None:
    """Defines one flag per field of a config dataclass.

    Fields may be str, int, float, bool, one of these or None, a Literal of strings, or
    `tuple[str, ...]` or `tuple[int, ...]`, which are written with commas.

    Args:
        config_class: a frozen dataclass.
        values: where the flags are defined.

    Raises:
        TypeError: a field is of another type.
    """
    hints = typing.get_type_hints(config_class)
    for field in dataclasses.fields(config_class):
        _define(field, _required(hints[field.name]), values)


def read(config_class: type[Config], values: flags.FlagValues = flags.FLAGS) -> Config:
    """Returns the config that the parsed flags describe.

    Raises:
        ConfigError: the config class refuses a value.
    """
    settings = {}
    for name, hint in typing.get_type_hints(config_class).items():
        value = values[name].value
        if isinstance(value, list):
            value = tuple(map(typing.get_args(hint)[0], value))
        settings[name] = value
    return config_class(**settings)


def run(
    main: Callable[[Config], int | None],
    config_class: type[Config],
    argv: Sequence[str] | None = None,
) -> NoReturn:
    """Parses the command line, calls `main` with the config, and ends the process.

    Args:
        main: the experiment; returns an exit code or None.
        config_class: its settings.
        argv: the command line with the program's name first, by default the process's.
    """
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="backslashreplace")
    arguments = list(sys.argv if argv is None else argv)
    if {"--help", "-h"} & set(arguments[1:]):
        print(_usage(config_class, arguments[0]))
        sys.exit(0)
    values = flags.FlagValues()
    try:
        define(config_class, values)
        flags.DEFINE_bool("debug", False, "", flag_values=values)
        flags.DEFINE_string(
            "compile_cache", compile_cache.USUAL, "", flag_values=values
        )
        extra = take_positional(config_class, values, values(arguments)[1:])
        if extra:
            raise ConfigError(f"unexpected argument {extra[0]!r}")
        config = read(config_class, values)
        compile_cache.use(values.compile_cache)
    except (flags.Error, ConfigError) as error:
        text = str(error).removeprefix("ERROR:: ")
        endings.complain(f"{text} (--help lists the flags)")
        sys.exit(2)
    # Our flags are in a set of their own; absl would tell its own are not parsed.
    flags.FLAGS.mark_as_parsed()
    logging.use_absl_handler()
    logging.set_verbosity(logging.INFO if values.debug else logging.WARNING)
    sys.exit(endings.supervise(functools.partial(main, config), values.debug))


def take_positional(
    config_class: type, values: flags.FlagValues, words: Sequence[str]
) -> list[str]:
    """Gives words without a flag to the fields that take them; returns those left.

    Raises:
        ConfigError: a field that is required has no value.
    """
    left = list(words)
    for field in dataclasses.fields(config_class):
        if not field.metadata.get("positional"):
            continue
        if left and values[field.name].value is None:
            values[field.name].parse(left.pop(0))
        if values[field.name].value is None:
            raise ConfigError(f"{field.name}: found none, expected it as an argument")
    return left


def _required(hint: Any) -> Any:
    """Returns X of `X | None`, and any other type as it is."""
    if typing.get_origin(hint) in (typing.Union, types.UnionType):
        others = [arg for arg in typing.get_args(hint) if arg is not type(None)]
        if len(others) == 1:
            return others[0]
    return hint


def _default(field: dataclasses.Field[Any]) -> Any:
    """Returns a field's default value, or MISSING."""
    if field.default_factory is not dataclasses.MISSING:
        return field.default_factory()
    return field.default


def _define(field: dataclasses.Field[Any], hint: Any, values: flags.FlagValues) -> None:
    default = _default(field)
    is_required = default is dataclasses.MISSING
    settings: dict[str, Any] = {
        "name": field.name,
        "default": None if is_required else default,
        "help": field.metadata.get("help", ""),
        "flag_values": values,
        # A flag that is given twice is a slip; the last one does not silently win.
        "allow_overwrite": False,
    }
    bounds: dict[str, Any] = {
        f"{end}_bound": field.metadata.get(end) for end in ("lower", "upper")
    }
    if typing.get_origin(hint) is Literal:
        flags.DEFINE_enum(**settings, enum_values=list(typing.get_args(hint)))
    elif hint == tuple[str, ...]:
        flags.DEFINE_list(**settings | {"default": list(settings["default"] or ())})
    elif hint == tuple[int, ...]:
        default = [str(number) for number in settings["default"] or ()]
        flags.DEFINE_list(**settings | {"default": default})
        lower, upper = bounds["lower_bound"], bounds["upper_bound"]
        flags.register_validator(
            field.name,
            lambda texts: all(_is_whole(text, lower, upper) for text in texts),
            message="expected whole numbers"
            + (f", {lower} or more" if lower is not None else "")
            + (f", {upper} at most" if upper is not None else ""),
            flag_values=values,
        )
    elif hint is bool:
        flags.DEFINE_bool(**settings)
    elif hint is int:
        flags.DEFINE_integer(**settings, **bounds)
    elif hint is float:
        flags.DEFINE_float(**settings, **bounds)
        flags.register_validator(
            field.name,
            lambda value: value is None or math.isfinite(value),
            message="expected a finite number",
            flag_values=values,
        )
    elif hint is str:
        flags.DEFINE_string(**settings)
    else:
        raise TypeError(f"{field.name}: no flag can hold a {hint}")
    if is_required and not field.metadata.get("positional"):
        flags.mark_flag_as_required(field.name, flag_values=values)


def _is_whole(text: str, lower: int | None, upper: int | None) -> bool:
    """Returns whether a text is a whole number between bounds."""
    if not text.removeprefix("-").isdecimal():
        return False
    number = int(text)
    return (lower is None or number >= lower) and (upper is None or number <= upper)


def _usage(config_class: type, program: str) -> str:
    hints = typing.get_type_hints(config_class)
    about = sys.modules[config_class.__module__].__doc__ or ""
    lines = [about.strip(), "", f"Flags of {pathlib.Path(program).stem}:", ""]
    for field in dataclasses.fields(config_class):
        hint, default = _required(hints[field.name]), _default(field)
        facts = []
        if typing.get_origin(hint) is Literal:
            facts.append(" | ".join(typing.get_args(hint)))
        if default is dataclasses.MISSING:
            facts.append("required")
        elif default not in (None, "", ()):
            shown = default
            if isinstance(default, tuple):
                shown = ",".join(map(str, default))
            facts.append(f"default {shown}")
        name = f"--[no]{field.name}" if hint is bool else f"--{field.name}"
        remark = f" ({'; '.join(facts)})" if facts else ""
        lines.append(f"  {name}: {field.metadata.get('help', '')}{remark}")
    lines += [
        "  --compile_cache: folder of compiled programs, kept between runs, or "
        f"{compile_cache.NONE} (default {compile_cache.USUAL}: the user's)",
        "  --[no]debug: show tracebacks and more log lines",
    ]
    return "\n".join(lines)
