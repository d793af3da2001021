"""Linear sampling of a volume along an affine map of voxels, slab by slab to keep memory low."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:  # commands that only name what is drawn start without torch
    import torch

SLAB_VOXELS = 4_000_000
"""Samples that are taken at once."""


def sample(
    volume: NDArray[np.float32],
    matrix: NDArray[np.float64],
    axes: tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]],
    mode: str = "bilinear",
) -> NDArray[np.float32]:
    """Values (len(i), len(j), len(k)) of a volume (I, J, K) at `matrix` applied to the grid of i, j and k.

    `mode` is "bilinear" (linear along each axis) or "nearest". Outside the volume the value is that of its border.
    """
    import torch

    source = torch.from_numpy(volume)[None, None]
    size = np.array(volume.shape, dtype=np.float64)
    scaled = 2 / np.maximum(size - 1, 1)[:, None] * matrix[:3]
    scaled[:, 3] -= 1
    i, j, k = (torch.from_numpy(np.asarray(axis, dtype=np.float64)) for axis in axes)
    rows = max(1, SLAB_VOXELS // max(len(j) * len(k), 1))
    slabs = [_slab(source, scaled, i[first : first + rows], j, k, mode) for first in range(0, len(i), rows)]
    return np.concatenate(slabs)


def _slab(
    source: torch.Tensor, scaled: NDArray[np.float64], i: torch.Tensor, j: torch.Tensor, k: torch.Tensor, mode: str
) -> NDArray[np.float32]:
    import torch

    grid = torch.empty((len(i), len(j), len(k), 3), dtype=torch.float32)
    for axis in range(3):
        a, b, c, d = (float(value) for value in scaled[axis])
        in_plane = (a * i)[:, None] + (b * j + d)[None, :]
        torch.add(in_plane[..., None].float(), (c * k).float(), out=grid[..., 2 - axis])
    found = torch.nn.functional.grid_sample(source, grid[None], mode=mode, padding_mode="border", align_corners=True)
    return found[0, 0].numpy()
