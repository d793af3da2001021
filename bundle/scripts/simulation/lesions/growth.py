"""Growing a lesion: which voxels it takes.

A *score* is computed for the voxels that a lesion may take, and the voxels of the lowest scores, as many as the asked
volume holds, become the lesion. Smooth noise roughens scores and colours what is painted.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from ..anatomy.braincase import Array, Mask

Volume = NDArray[np.float32]


class Amount(NamedTuple):
    """Requested amount of a lesion."""

    volume_ml: float
    hu: float
    """Mean of the lesion."""
    space_share: float
    """Share of its volume by which it pushes the brain aside, see `mass_effect.py`."""
    look: str = "even"
    """How its blood looks inside, one of `blood.LOOKS`."""
    look_rng: np.random.Generator | None = None
    """Where the choices of that look come from; not None unless the blood is even."""
    start: NDArray[np.int64] | None = None
    """The voxel (3,) that a lesion in the brain grows around, instead of a drawn one."""


class Lesion(NamedTuple):
    """A head with a lesion: HU, labels and the lesion's mask (I, J, K), and how far the midline was shifted."""

    hu: Volume
    labels: NDArray[np.int16]
    mask: NDArray[np.uint8]
    midline_mm: float = 0.0
    """At the septum, away from the side of the lesion; to the right for one in the middle or on both sides."""


def smooth_noise(shape: tuple[int, ...], scale_mm: float, spacing_mm: Array, rng: np.random.Generator) -> Array:
    """Noise (I, J, K) of unit standard deviation that varies over about `scale_mm`: random cubic B-splines."""
    knots = [np.arange(n) * mm / scale_mm for n, mm in zip(shape, spacing_mm, strict=True)]
    noise = rng.standard_normal([int(at[-1]) + 4 for at in knots])
    for at in knots:  # each pass interpolates the first axis and moves it to the end
        noise = np.tensordot(noise, _spline(at, noise.shape[0]), axes=(0, 1))
    return noise / max(float(noise.std()), 1e-6)


def _spline(at: Array, count: int) -> Array:
    """Weights (n, count) of uniform cubic B-splines, of knots -1 to count - 2, at the places `at`."""
    away = np.abs(at[:, None] - (np.arange(count) - 1))
    weights: Array = np.where(away < 1, 2 / 3 - away**2 + away**3 / 2, np.maximum(2 - away, 0) ** 3 / 6)
    return weights


def lowest(score: Array, allowed: Mask, count: int) -> Mask:
    """The `count` voxels of `allowed` with the lowest scores."""
    values = score[allowed]
    if count >= values.size:
        return allowed.copy()
    chosen: Mask = allowed & (score <= np.partition(values, count)[count])
    return chosen


def _one_piece(chosen: Mask) -> Mask:
    """The largest connected piece, its holes filled."""
    pieces, count = ndimage.label(chosen)
    if count > 1:
        chosen = pieces == 1 + np.argmax(np.bincount(pieces.ravel())[1:])
    filled: Mask = ndimage.binary_fill_holes(chosen)
    return filled


def grow(score: Array, allowed: Mask, count: int) -> Mask:
    """The lowest scores that together form one piece of about `count` voxels."""
    asked, grown = count, _one_piece(lowest(score, allowed, count))
    for _ in range(6):
        if abs(int(grown.sum()) - count) <= 0.02 * count:
            break
        asked = int(asked * np.clip(count / max(int(grown.sum()), 1), 0.7, 1.5))
        grown = _one_piece(lowest(score, allowed, asked))
    return grown


def voxels(volume_ml: float, spacing_mm: Array, allowed: Mask) -> int:
    """Voxels of a volume.

    Raises:
        ValueError: `allowed` holds fewer.
    """
    count = max(1, round(volume_ml * 1000 / float(np.prod(spacing_mm))))
    if count > allowed.sum():
        room_ml = float(allowed.sum() * np.prod(spacing_mm)) / 1000
        raise ValueError(f"{volume_ml:.1f} ml do not fit here, where {room_ml:.1f} ml may bleed: ask for less")
    return count
