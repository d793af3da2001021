"""Scans brought to the grid of reference space, and maps brought back, each with one interpolation.

*Native space* is the grid of the scan as it was read; *reference space* is that of `coordinates`. A registration is a
rigid matrix T, scan mm to reference mm: it moves the scan's affine to T @ affine.
"""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from ..geometry.boxes import bounding_box
from ..geometry.coordinates import REFERENCE_SIZE, grid_affine
from ..geometry.resampling import Shape, reach, resample
from ..preprocessing.foreground import validity
from ..volume import AIR_HU

KNOWN_SHARE = 0.999
"""Smallest weight of known native voxels in the value of a valid reference voxel."""

REFERENCE_SHAPE: Shape = (REFERENCE_SIZE, REFERENCE_SIZE, REFERENCE_SIZE)

Array = NDArray[np.float64]


def to_reference_space(volume: Tensor, affine: Array, matrix: Array) -> tuple[Tensor, Tensor]:
    """Interpolate a scan once onto the reference grid.

    Args:
        volume: (1, I, J, K) float32, HU; below -1500 HU is outside the field of view.
        affine: native affine (4, 4), mm.
        matrix: registration (4, 4), scan mm to reference mm.

    Returns:
        The scan (1, 256, 256, 256) in HU, -1024 where unknown, and its validity (1, 256, 256, 256), uint8: 1 where all
        native voxels that contribute are known.
    """
    known = torch.from_numpy(validity(volume.numpy()))
    whole = tuple(slice(0, n) for n in volume.shape[1:])
    grids = matrix @ affine, REFERENCE_SHAPE, grid_affine()
    seen = reach(whole, *grids)
    if bool(known.all()):  # then the known voxels' weights are 1 wherever the scan reaches
        valid = torch.zeros((1, *REFERENCE_SHAPE), dtype=torch.bool)
        moved = resample(volume, *grids, within=seen, reached=valid[0])
    else:
        both = torch.cat([torch.where(known, volume, torch.tensor(AIR_HU)), known.to(volume)])
        moved = resample(both, *grids, within=seen)
        valid = moved[1:] >= KNOWN_SHARE
    return torch.where(valid, moved[:1], torch.tensor(AIR_HU)), valid.to(torch.uint8)


def to_native_space(values: Tensor, grid: Array, matrix: Array, shape: Shape, affine: Array, mode: str) -> Tensor:
    """Interpolate a map once from a grid of reference space onto the native grid; 0 where the map does not reach.

    Args:
        values: (C, D, H, W) of any type.
        grid: affine (4, 4) of the map's grid in reference space, mm.
        matrix: registration (4, 4), scan mm to reference mm.
        shape: native shape (I, J, K).
        affine: native affine (4, 4), mm.
        mode: "bilinear", or "nearest" for labels.
    """
    source = torch.as_tensor(values).detach().to("cpu", torch.float32)
    filled = bounding_box((source != 0).any(dim=0).numpy())
    if any(part.start == part.stop for part in filled):
        return torch.zeros((len(source), *shape), dtype=values.dtype)
    to_scan = np.linalg.inv(matrix) @ grid
    there = reach(filled, to_scan, shape, affine)
    return resample(source, to_scan, shape, affine, mode, there).to(values.dtype)


def derived_grid(shape: tuple[int, ...], affine: Array) -> Array:
    """Affine (4, 4) of the grid of a map that was derived from a registered scan.

    The map's own affine says where it lies. MONAI's `Invertd` replaces it by the scan's, though: a map with the scan's
    affine and fewer voxels is one on every stride-th voxel, and its stride follows from its shape.

    Raises:
        ValueError: no stride gives this shape.
    """
    if not np.allclose(affine, grid_affine(), atol=1e-4):
        return affine
    stride = -(-REFERENCE_SIZE // max(shape))
    if any(-(-REFERENCE_SIZE // stride) != n for n in shape):
        raise ValueError(
            f"a map of {list(shape)} voxels is not every n-th voxel of the reference grid: keep its affine."
        )
    return grid_affine(stride)
