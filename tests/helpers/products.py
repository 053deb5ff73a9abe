"""What the layers compute, by name, for one setting of JAX or another.

`python -m tests.helpers.products FILE` writes it as an `.npz` file.
"""

import dataclasses
import sys
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from jaxsplat import features, fitting, learning, pose, rendering
from jaxsplat.core import cameras
from jaxsplat.data.views import View, posed_cameras
from jaxsplat.rendering import Photograph
from jaxsplat.rendering.backends import Backend
from jaxsplat.scores import published, resize
from tests.helpers import clouds, networks, toy_object
from tests.helpers.clouds import camera, cloud

CAPACITY = 256
SEARCH = "search_"  # begins the names of what many steps lead to
TYPES = "types_"  # begins those of zeros that stand for what is traced alone
BACKENDS: tuple[Backend, ...] = ("xla", "numba", "reference", "pallas_interpret")


def as_made_by_users(tree: Any) -> Any:
    """Returns arrays with JAX's default types: float64 with `jax_enable_x64`."""
    default = jnp.zeros(()).dtype
    return jax.tree.map(
        lambda x: x.astype(default) if x.dtype == jnp.float32 else x, tree
    )


def compute() -> dict[str, np.ndarray]:
    """Returns every product's arrays."""
    scene, view = cloud(12, degree=1), camera(19, 11)
    users_scene, users_view = as_made_by_users((scene, view))
    grey = jnp.full((view.height, view.width, 3), 0.5)
    seen = Photograph(grey, grey[..., 0], jnp.ones(3), jnp.zeros(3), jnp.array(0.3))
    found: dict[str, Any] = {
        "plan": np.int32(rendering.plan(users_scene, users_view, minification=2.0)),
        "planned": rendering.render(
            users_scene, users_view, background=jnp.ones(3), minification=jnp.array(2.0)
        ),
        "vmap": jax.vmap(lambda one: rendering.render(scene, one, capacity=CAPACITY))(
            cameras.stack([view, view])
        ),
        "lists": rendering.tile_lists(users_scene, users_view, capacity=CAPACITY),
        "sampling": rendering.minification(view, scene.means[0], np.float64(20)),
        "features": features.extract(
            features.load_network(), jnp.asarray(_noise(1, 64, 64, 3))
        ),
        **{
            config.name: features.extract(
                networks.by_formula(config), jnp.asarray(_noise(1, 22, 27, 3))
            )
            for config in networks.NARROW
        },
        "resize": resize.resize_bytes(
            jnp.asarray((255 * _noise(1, 20, 30, 3)).astype(int)), 9, 41
        ),
    }
    for backend in BACKENDS:
        found[f"{backend}_gradient"] = clouds.evaluate(scene, view, backend, CAPACITY)
        found[f"{backend}_equations"] = rendering.normal_equations(
            users_scene, users_view, seen, backend=backend, capacity=CAPACITY
        )
    twin, views = _toy()
    found[f"{SEARCH}fit"] = _fit(views)
    found[f"{SEARCH}training"] = _training()
    # Zeros of the types: to compile a search takes minutes, to trace it seconds.
    found |= {
        f"{TYPES}{name}": np.zeros(leaf.shape, leaf.dtype)
        for name, leaf in _search(twin, views).items()
    }
    named = {}
    for name, tree in found.items():
        for path, leaf in jax.tree.leaves_with_path(tree):
            named[name + jax.tree_util.keystr(path)] = np.asarray(leaf)
    return named


def _toy() -> tuple[rendering.Twin, tuple[View, ...]]:
    views = toy_object.views(12, alpha=False)
    twin = rendering.make_twin(
        as_made_by_users(toy_object.cloud()),
        posed_cameras(views),
        center=np.zeros(3),
        background=toy_object.WHITE,
    )
    return as_made_by_users(twin), views


def _fit(views: tuple[View, ...]) -> Any:
    """Returns what a fit of three steps computes."""
    config = fitting.FitConfig(
        (fitting.Stage(1.0, 3),), count=50, capacity=50, sh_degree=1
    )
    fitted = fitting.fit(views, toy_object.WHITE, config).gaussians
    # Adam moves coefficients whose gradients are mere rounding as far as others: what
    # they do to an image tells.
    first = jax.tree.map(lambda leaf: leaf[0], posed_cameras(views))
    shown = rendering.render(fitted, first, background=jnp.ones(3, jnp.float32))
    return dataclasses.replace(fitted, sh_rest=None), shown.color


def _training() -> Any:
    """Returns what three steps of a training learn."""

    def loss(params: Any, data: Any, rows: Any, key: Any) -> Any:
        seen = learning.take(data, rows) + jax.random.normal(key, (2, 3), jnp.float32)
        return jnp.mean((seen @ params["matrix"]) ** 2), {}

    params = {"matrix": jnp.ones((3, 2), jnp.float32)}
    training = learning.Training(1, 2, learning.Cosine(0.1), weight_decay=0.1, clip=1.0)
    data = jnp.asarray(_noise(5, 3), jnp.float32)
    return learning.train(params, loss, data, 5, training, jax.random.key(0)).params


def _search(
    twin: rendering.Twin, views: tuple[View, ...]
) -> dict[str, jax.ShapeDtypeStruct]:
    """Returns the types of what the parts of a pose search and a score compute."""
    seen = jnp.stack([jnp.asarray(view.image) for view in views[:2]])
    photos, darker = as_made_by_users((seen, jnp.float32(0.9) * seen))
    key = jax.random.key(0)
    finders: dict[str, pose.Starts] = {
        "codes": pose.GalleryStarts(k=2),
        "outlines": pose.SilhouetteStarts(k=2),
    }
    solvers: dict[str, pose.Refine] = {
        "lm": pose.Lm((pose.Stage(1, 1, 3, 1.0),), polish=1),
        "adam": pose.AdamScrew(steps=2, side=20),
    }
    gallery = finders["codes"].prepare(twin, views, key)
    states = {
        name: solver.prepare(twin, views, key) for name, solver in solvers.items()
    }
    network = networks.by_formula(networks.SMALL)

    names: list[str] = []

    def compute(photos: jax.Array, darker: jax.Array) -> list[jax.Array]:
        asked = pose.Photographs(photos, jnp.array([True, False]))
        found: dict[str, Any] = {
            name: finder(twin, gallery, asked) for name, finder in finders.items()
        }
        starts = found["codes"].camera_from_world
        for name, solver in solvers.items():
            found[name] = solver(twin, states[name], asked, starts)
        found["expected"] = pose.expected_photographs(twin, asked, found["lm"])
        found["maps"] = published.raw_maps(network, photos, darker)
        paths, leaves = zip(*jax.tree.leaves_with_path(found), strict=True)
        names.extend(map(jax.tree_util.keystr, paths))
        return list(leaves)

    leaves = jax.eval_shape(compute, photos, darker)
    return dict(zip(names, leaves, strict=True))


def _noise(*shape: int) -> np.ndarray:
    return np.random.default_rng(0).uniform(size=shape)


if __name__ == "__main__":
    np.savez(sys.argv[1], **compute())
