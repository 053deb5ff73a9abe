"""Splats as files hold them, rows of NumPy numbers, and how they become Gaussians."""

import dataclasses
import os
from collections.abc import Callable
from typing import Any

import jax.numpy as jnp
import numpy as np
from absl import logging
from jaxtyping import Bool, Float

from jaxsplat import errors
from jaxsplat.scene import gaussians as scene_gaussians

C0 = 0.28209479177387814  # spherical harmonic of degree 0, 1 / (2 sqrt(pi))

# Logits at which the logistic function is 0 and 1 in float32.
_TRANSPARENT, _OPAQUE = -120.0, 120.0
# For a thickness of 0: the square of its exponential is still a float32.
_LOG_THINNEST = -40.0
_MAX_COLOR = 9e37  # beyond, (colour - 0.5) / C0 is no float32


@dataclasses.dataclass(frozen=True)
class Rows:
    """Splats on the host, raw as in `Gaussians`, all of them live.

    Attributes:
        means: centres, [n, 3].
        log_scales: logarithms of the standard deviations, [n, 3].
        quats: wxyz of any norm, [n, 4].
        opacity_logits: opacity before the logistic function, [n].
        colors: colour at spherical-harmonics degree 0, [n, 3].
        sh_rest: coefficients of degree 1 to 3, [n, 3 | 8 | 15, 3], or None.
        filters: standard deviation of Mip-Splatting's 3D filter, [n], where the file
            has one that its scales and opacities do not hold yet.
    """

    means: Float[np.ndarray, "n 3"]
    log_scales: Float[np.ndarray, "n 3"]
    quats: Float[np.ndarray, "n 4"]
    opacity_logits: Float[np.ndarray, " n"]
    colors: Float[np.ndarray, "n 3"]
    sh_rest: Float[np.ndarray, "n s 3"] | None = None
    filters: Float[np.ndarray, " n"] | None = None


def from_gaussians(
    name: str | os.PathLike[str], gaussians: scene_gaussians.Gaussians
) -> Rows:
    """Returns the live rows, in their order.

    Args:
        name: of the file or the scene, for messages.
        gaussians: the scene.

    Raises:
        NumericsError: a live row is not finite.
    """
    live = np.flatnonzero(np.asarray(gaussians.live))
    rest = gaussians.sh_rest
    rows = Rows(
        np.asarray(gaussians.means)[live],
        np.asarray(gaussians.log_scales)[live],
        np.asarray(gaussians.quats)[live],
        np.asarray(gaussians.opacity_logits)[live],
        np.asarray(gaussians.colors)[live],
        None if rest is None else np.asarray(rest)[live],
    )
    good = np.all(np.abs(rows.colors) < _MAX_COLOR, axis=1)
    for leaf in vars(rows).values():
        if leaf is not None:
            good &= np.all(np.isfinite(leaf), axis=tuple(range(1, leaf.ndim)))
    if not good.all():
        raise errors.NumericsError(
            f"{name}: {np.sum(~good)} of {len(live)} live Gaussians hold NaN or "
            f"infinity, first row {live[np.argmin(good)]}; they cannot be stored"
        )
    return rows


def to_gaussians(path: str | os.PathLike[str], rows: Rows) -> scene_gaussians.Gaussians:
    """Returns the Gaussians that a file's rows say, all of them live.

    Opacities of 0 and 1 and scales of 0 have infinite logits and logarithms; they
    become finite ones that render alike. Rows with another number that is NaN or
    infinite are dropped, which a warning tells. A colour below 0 that depends on no
    view becomes 0: Kerbl's formula is max(0, colour) at every degree, but the renderer
    is linear in such colours.

    Args:
        path: name of the file, for messages.
        rows: what it holds.

    Raises:
        DataError: there are rows, and every one of them is dropped.
    """
    with np.errstate(over="ignore"):  # doubles beyond float32 become infinite
        rows = _mapped(rows, lambda leaf: leaf.astype(np.float32))
    good = _good(rows)
    if not good.all():
        found = (
            f"{path}: {np.sum(~good)} of {len(good)} splats hold NaN or infinity, "
            f"first {np.argmin(good)}"
        )
        if not good.any():
            raise errors.DataError(f"{found}; the file is damaged, export it again")
        logging.warning("%s; dropped", found)
        rows = _mapped(rows, lambda leaf: leaf[good])
    if rows.filters is not None:
        logging.info("%s: its 3D filter (Mip-Splatting) is applied", path)
        rows = _filtered(rows, rows.filters)
    logits = np.nan_to_num(rows.opacity_logits, posinf=_OPAQUE, neginf=_TRANSPARENT)
    log_scales = np.nan_to_num(rows.log_scales, neginf=_LOG_THINNEST)
    colors = rows.colors
    if rows.sh_rest is None:
        colors = np.maximum(colors, np.float32(0))
    return scene_gaussians.Gaussians(
        means=jnp.asarray(rows.means),
        log_scales=jnp.asarray(log_scales),
        quats=jnp.asarray(rows.quats),
        opacity_logits=jnp.asarray(logits),
        colors=jnp.asarray(colors),
        live=jnp.ones(len(logits), dtype=bool),
        sh_rest=None if rows.sh_rest is None else jnp.asarray(rows.sh_rest),
    )


def flat_rest(rows: Rows) -> Float[np.ndarray, "n q"]:
    """Returns the coefficients in the order of f_rest: red, then green, then blue."""
    if rows.sh_rest is None:
        return np.zeros((len(rows.means), 0), np.float32)
    by_channel = rows.sh_rest.swapaxes(1, 2)
    return by_channel.reshape(len(by_channel), 3 * by_channel.shape[2])


def sh_rest(flat: Float[np.ndarray, "n q"]) -> Float[np.ndarray, "n s 3"] | None:
    """Returns what `flat_rest` was made of."""
    count = flat.shape[1] // 3
    if count == 0:
        return None
    return flat.reshape(len(flat), 3, count).swapaxes(1, 2)


def unit_quats(quats: Float[np.ndarray, "n 4"]) -> Float[np.ndarray, "n 4"]:
    """Returns unit quaternions in float64; zero becomes the identity."""
    wide = quats.astype(np.float64)
    norms = np.linalg.norm(wide, axis=1, keepdims=True)
    identity = np.array([1.0, 0.0, 0.0, 0.0])
    return np.where(norms > 0, wide / np.where(norms > 0, norms, 1.0), identity)


def _mapped(rows: Rows, change: Callable[[np.ndarray], np.ndarray]) -> Rows:
    """Returns the rows with every array changed."""
    changed: dict[str, Any] = {
        name: change(leaf) for name, leaf in vars(rows).items() if leaf is not None
    }
    return Rows(**changed)


def _good(rows: Rows) -> Bool[np.ndarray, " n"]:
    """Returns which rows can be rendered."""
    good = ~np.isnan(rows.opacity_logits) & np.all(rows.log_scales < np.inf, axis=1)
    for leaf in (rows.means, rows.quats, rows.colors, rows.sh_rest, rows.filters):
        if leaf is not None:
            good &= np.all(np.isfinite(leaf), axis=tuple(range(1, leaf.ndim)))
    return good


def _filtered(rows: Rows, filters: Float[np.ndarray, " n"]) -> Rows:
    """Returns the rows smoothed by an isotropic Gaussian each, of the same mass.

    Yu et al. 2024 (Mip-Splatting), equation 9: variances add, and the opacity falls by
    the root of the ratio of the covariances' determinants.
    """
    wide = filters.astype(np.float64)[:, None]
    logs = rows.log_scales.astype(np.float64)
    with np.errstate(divide="ignore"):
        # log(s^2 + f^2) without leaving float64 for any float32 logarithm.
        sums = np.logaddexp(2 * logs, 2 * np.log(np.abs(wide)))
    is_changed = wide[:, 0] != 0
    lost = np.sum(logs[is_changed] - 0.5 * sums[is_changed], axis=1)
    log_opacity = lost + _log_opacities(rows.opacity_logits[is_changed])
    with np.errstate(divide="ignore"):
        # logit(o) = log o - log(1 - o).
        changed = log_opacity - np.log(-np.expm1(log_opacity))
    logits = rows.opacity_logits.copy()
    logits[is_changed] = changed
    log_scales = rows.log_scales.copy()
    log_scales[is_changed] = 0.5 * sums[is_changed]
    return dataclasses.replace(
        rows, opacity_logits=logits, log_scales=log_scales, filters=None
    )


def opacities_of(logits: Float[np.ndarray, " n"]) -> Float[np.ndarray, " n"]:
    """Returns the opacities in [0, 1] of logits, in float64."""
    return np.exp(_log_opacities(logits))


def logits_of(opacities: Float[np.ndarray, " n"]) -> Float[np.ndarray, " n"]:
    """Returns the logits of opacities in [0, 1], infinite at both ends."""
    with np.errstate(divide="ignore"):
        return np.log(opacities) - np.log1p(-opacities)


def _log_opacities(logits: Float[np.ndarray, " n"]) -> Float[np.ndarray, " n"]:
    return -np.logaddexp(0, -logits.astype(np.float64))
