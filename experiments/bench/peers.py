"""Other rasterisers, timed in the same run where they are installed and can run.

gsplat (PyTorch and CUDA) and splax (JAX and Warp) need an NVIDIA GPU; each gets the
same scene, cameras and loss as `batches` gives ours. In one process with gsplat,
set `XLA_PYTHON_CLIENT_PREALLOCATE=false`, or JAX takes most of the memory first.
"""

import functools
import importlib.util
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from jaxsplat.core.cameras import Camera
from jaxsplat.scene import gaussians as scene
from jaxsplat.scene.gaussians import Gaussians

Runs = dict[str, Callable[[], object]]  # of "image" and "gradient"


def missing(peer: str) -> str:
    """Returns why a peer cannot run here, "" where it can."""
    if importlib.util.find_spec(peer) is None:
        return "not installed"
    if jax.devices()[0].platform != "gpu":
        return "needs an NVIDIA GPU"
    return ""


class _Queued:
    """Work that PyTorch has put on the GPU's queue."""

    def block_until_ready(self) -> None:
        """Waits until all of it is done."""
        import torch

        torch.cuda.synchronize()


def gsplat(gaussians: Gaussians, cameras: Camera, device: str = "cuda") -> Runs:
    """Returns what gsplat does with the scene, all cameras at once."""
    import torch
    from gsplat import rasterization

    def tensor(values: Any, learnt: bool = False) -> Any:
        return torch.tensor(np.asarray(values), device=device, requires_grad=learnt)

    intrinsics = np.zeros((len(cameras.fx), 3, 3), np.float32)
    intrinsics[:, 0, 0], intrinsics[:, 0, 2] = cameras.fx, cameras.cx
    intrinsics[:, 1, 1], intrinsics[:, 1, 2] = cameras.fy, cameras.cy
    intrinsics[:, 2, 2] = 1
    learnt = [
        tensor(values, learnt=True)
        for values in (gaussians.means, gaussians.colors, cameras.camera_from_world)
    ]
    quats, sizes, opacities, matrices = (
        tensor(values)
        for values in (
            gaussians.quats,
            scene.scales(gaussians),
            scene.opacities(gaussians),
            intrinsics,
        )
    )

    def draw() -> Any:
        means, colors, poses = learnt
        return rasterization(
            means,
            quats,
            sizes,
            opacities,
            colors,
            poses,
            matrices,
            cameras.width,
            cameras.height,
        )[0]

    def image() -> object:
        with torch.no_grad():
            draw()
        return _Queued()

    def gradient() -> object:
        torch.autograd.grad(((draw() - 0.5) ** 2).sum(), learnt)
        return _Queued()

    return {"image": image, "gradient": gradient}


def splax(gaussians: Gaussians, cameras: Camera) -> Runs:
    """Returns what splax does with the scene, all cameras at once."""
    images, gradients = splax_products(gaussians, cameras)
    inputs = gaussians.means, gaussians.colors, cameras.camera_from_world
    return {
        "image": functools.partial(jax.jit(images), *inputs),
        "gradient": functools.partial(jax.jit(gradients), *inputs),
    }


def splax_products(
    gaussians: Gaussians, cameras: Camera
) -> tuple[Callable[..., Any], Callable[..., Any]]:
    """Returns images and gradients as functions of means, colours and poses."""
    from splax import io, render

    focal = float(cameras.fx[0]), float(cameras.fy[0])
    middle = float(cameras.cx[0]), float(cameras.cy[0])

    def draw(means: jax.Array, colors: jax.Array, pose: jax.Array) -> jax.Array:
        return render(
            means,
            gaussians.log_scales,
            gaussians.quats,
            io.rgb_to_sh(colors)[:, None],
            gaussians.opacity_logits,
            viewmat=pose,
            background=jnp.zeros(3),
            img_shape=(cameras.height, cameras.width),
            f=focal,
            c=middle,
        )[0]

    def images(means: jax.Array, colors: jax.Array, poses: jax.Array) -> jax.Array:
        return jax.vmap(draw, (None, None, 0))(means, colors, poses)

    def gradients(means: jax.Array, colors: jax.Array, poses: jax.Array) -> Any:
        def loss(*inputs: jax.Array) -> jax.Array:
            return jnp.sum((images(*inputs) - 0.5) ** 2)

        return jax.grad(loss, argnums=(0, 1, 2))(means, colors, poses)

    return images, gradients


PEERS = {"gsplat": gsplat, "splax": splax}
