"""The public names: what the package exports is what README lists, and it works."""

import pathlib
import re

import jax.numpy as jnp

import jaxsplat


def test_readme_lists_the_public_names() -> None:
    readme = (pathlib.Path(__file__).parents[1] / "README.md").read_text()
    listed = re.search(r"Public names: (.*?)\.\n", readme, re.DOTALL)
    assert listed is not None
    assert re.findall(r"`(\w+)`", listed.group(1)) == jaxsplat.__all__


def test_every_public_name_is_there_and_documented() -> None:
    for name in jaxsplat.__all__:
        assert getattr(jaxsplat, name).__doc__


def test_render_is_the_function() -> None:
    cloud = jaxsplat.Gaussians(
        means=jnp.zeros((1, 3)),
        log_scales=jnp.full((1, 3), -1.0),
        quats=jnp.array([[1.0, 0.0, 0.0, 0.0]]),
        opacity_logits=jnp.full(1, 2.0),
        colors=jnp.array([[1.0, 0.5, 0.0]]),
        live=jnp.ones(1, bool),
    )
    camera = jaxsplat.Camera(
        jnp.eye(4).at[2, 3].set(4.0), *(jnp.float32(x) for x in (20, 20, 8, 8)), 16, 16
    )
    view = jaxsplat.render(cloud, camera)
    assert view.color.shape == (16, 16, 3)
    assert float(view.color[8, 8, 0]) > 0.5 > float(view.color[0, 0, 0])
