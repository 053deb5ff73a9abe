# %% [markdown]
# # A tour of jaxsplat
#
# From photographs of a good object to a verdict, in cells that editors run one by one.
# As a whole: `python -m experiments.tour`, some minutes on a CPU. A test runs it.

# %%
import dataclasses

import jax
import jax.numpy as jnp

import jaxsplat
from jaxsplat import fitting
from jaxsplat.methods import find_method

# %% [markdown]
# ## 1. The data: posed photographs of the good object, and queries
# The bundled sample, small. All cameras look at the origin from about 4 away.

# %%
objects = jaxsplat.load_object(jaxsplat.sample_dir() / "01Penguin", size=64)
print(len(objects.train), "views,", len(objects.test), "queries")

# %% [markdown]
# ## 2. The twin: 3D Gaussians that look like the photographs
# `Detector.fit` does this and what follows. Here are its parts, with little patience.

# %%
quick = fitting.FitConfig(
    stages=(fitting.Stage(0.5, 100), fitting.Stage(1.0, 200)), count=600, capacity=600
)
fitted = jaxsplat.fit(objects.train[:40], objects.background, quick)
print(f"{fitted.psnr:.1f} dB")

# %% [markdown]
# ## 3. The renderer: a pure function, with derivatives

# %%
view = objects.train[0]
assert view.camera is not None
background = jnp.asarray(objects.background)
drawn = jaxsplat.render(fitted.gaussians, view.camera, background=background)


def brightness(colors: jax.Array) -> jax.Array:
    """Returns the mean of a render of the object in other colours."""
    assert view.camera is not None
    painted = dataclasses.replace(fitted.gaussians, colors=colors)
    return jnp.mean(jaxsplat.render(painted, view.camera).color)


slope = jax.grad(brightness)(fitted.gaussians.colors)
print("mean slope of the colours:", float(jnp.mean(slope)))

# %% [markdown]
# ## 4. The detector: poses, comparison, threshold

# %%
method = find_method("best")
detector = jaxsplat.Detector.fit(objects, method, preset="fast")
print("a score above", detector.threshold, "is a defect; promised:", detector.guarantee)

# %% [markdown]
# ## 5. Verdicts

# %%
for found in detector.inspect([objects.test[0], objects.test[-1]]):
    print(found.name, found.outcome.name, found.score, found.defective)
