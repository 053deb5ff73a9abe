"""Settings of a method as words of a command line."""

import pytest

from jaxsplat.commands import mad, method_settings
from jaxsplat.errors import ConfigError
from jaxsplat.methods import find_method


def test_settings_of_parts_have_the_types_that_they_say() -> None:
    method = find_method("igspad", "fast")
    found = method_settings.changed(
        method,
        (
            "refine__sampled=false",
            "refine__radius=.1",
            "refine__steps=7",
            "refine__side=none",
            "starts__detector_file=weights.safetensors",
            "batch=2",
        ),
    ).get_params()
    assert found["refine__sampled"] is False
    assert found["refine__radius"] == 0.1
    assert found["refine__steps"] == 7 and found["batch"] == 2
    assert found["refine__side"] is None
    assert found["starts__detector_file"] == "weights.safetensors"
    assert method_settings.changed(method, ()) == method


@pytest.mark.parametrize(
    "texts, message",
    [
        (("refine__radius",), "found 'refine__radius', expected setting=value"),
        (("refine__k=1",), "refine__k: no such setting of 'igspad'"),
        (("batch=1", "batch=2"), "batch is given twice"),
        (("refine__steps=a",), "refine__steps: found 'a', expected a whole number"),
        (("refine__radius=nan",), "found 'nan', expected a finite number"),
        (("refine__sampled=1",), "found '1', expected true or false"),
        (("refine__side=x",), "found 'x', expected a whole number or none"),
        (("refine__rates=1",), "found '1', expected what no text can tell"),
        (("refine__radius=-1",), "radius: found -1.0, expected a share above 0"),
    ],
)
def test_what_cannot_be_is_told(texts: tuple[str, ...], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        method_settings.changed(find_method("igspad", "fast"), texts)


def test_the_command_refuses_a_setting_before_anything_is_written() -> None:
    with pytest.raises(ConfigError, match="no such setting of 'best'"):
        mad.Config(method=("igspad", "best"), settings=("refine__sampled=false",))
    config = mad.Config(method=("igspad",), settings=("refine__sampled=false",))
    assert config.evaluation_of("igspad").method.refine.sampled is False
