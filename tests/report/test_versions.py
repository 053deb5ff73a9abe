"""With what a run was made."""

import jax

from jaxsplat.report.versions import versions


def test_versions_name_what_numbers_depend_on() -> None:
    found = versions()
    assert {"jax", "numpy", "scipy", "pillow", "opencv", "device"} <= found.keys()
    assert found["jax"] == jax.__version__
    assert found["devices"] == len(jax.devices())
