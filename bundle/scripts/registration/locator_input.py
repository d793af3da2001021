"""The input of the coarse network: a head at 4 mm in four channels, registered or not.

The *coarse input* (4, I, J, K) has the brain window, the bone window and a wide window, each in [0, 1], and the *known
share* of each voxel: 0 outside the field of view. Windows are computed at 2 mm and averaged over 2 x 2 x 2 voxels;
unknown voxels count as 0, and voxels outside the head are air. A network of patch size P and stride 4 predicts one
position per fourth voxel, the middle of its patch; voxels outside the volume are unknown.
"""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

from ..preprocessing.intensity import BONE_WINDOW_HU, BRAIN_WINDOW_HU, window

Array = NDArray[np.float64]

WIDE_WINDOW_HU = (-1000.0, 1000.0)
"""From air to bone: the outline of the head and its cavities."""

FINE_MM, COARSE_MM = 2.0, 4.0
"""Voxel size before and after averaging."""

IN_CHANNELS = 4
"""Channels of the coarse input."""

PATCH_SIZE, WIDTH = 23, 16
"""Patch size in coarse voxels (92 mm), and width, of the coarse network."""

STRIDE = 4
"""Coarse voxels (16 mm) between predictions."""


def coarse_input(hu: Tensor, known: Tensor) -> Tensor:
    """Coarse input (4, I', J', K') of a head (I, J, K) in HU at 2 mm and its known mask; I' = ceil(I / 2).

    If an axis has an odd number of voxels, one unknown voxel is added at its end.
    """
    known = known.float()
    limits = (BRAIN_WINDOW_HU, BONE_WINDOW_HU, WIDE_WINDOW_HU)
    fine = torch.stack([*(window(hu, *lower_upper).mul_(known) for lower_upper in limits), known])
    odd = [size % 2 for size in hu.shape]
    return functional.avg_pool3d(functional.pad(fine, [0, odd[2], 0, odd[1], 0, odd[0]]), 2)


def coarse_affine(affine: Array) -> Array:
    """Affine (4, 4) of the coarse input of a volume with this affine."""
    coarse = affine @ np.diag([2.0, 2.0, 2.0, 1.0])
    coarse[:3, 3] = affine[:3, :3] @ [0.5, 0.5, 0.5] + affine[:3, 3]
    return coarse
