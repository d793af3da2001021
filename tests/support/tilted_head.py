"""The reference head with a planted bleed, as a series under gantry tilt."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
from geometries import tilted
from planted import planted

from scripts.geometry.resampling import resample
from scripts.simulation.scanner.series import write_series

TILT_DEGREES = 18.0

VOXEL_MM = (2.0, 2.0, 4.0)
"""Spacing of rows, columns and slices."""

SHAPE = (112, 136, 56)
"""Voxels (I, J, K) that hold the whole head."""

AIR_HU = -1000.0


def write_tilted(folder: Path, side: str) -> Path:
    """Write the head with a bleed on a side as a DICOM series whose slices lean; its folder."""
    hu, affine = planted(side)
    sheared = np.eye(4)
    sheared[:3, :3] = tilted(TILT_DEGREES) * VOXEL_MM
    middle = (affine @ [*((np.array(hu.shape) - 1) / 2), 1])[:3]
    sheared[:3, 3] = middle - sheared[:3, :3] @ ((np.array(SHAPE) - 1) / 2)
    above_air = torch.as_tensor(hu, dtype=torch.float32)[None] - AIR_HU  # outside the volume, `resample` gives 0
    moved = resample(above_air, affine, SHAPE, sheared)[0].numpy() + AIR_HU
    write_series(folder, np.rint(moved).astype(np.int16), sheared, keep_axes=True)
    return folder
