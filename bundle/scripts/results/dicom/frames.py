"""The places of an object's frames: on the source slices, or on an orthogonal grid of even spacing.

Viewers of the scan's own images (OHIF, Weasis) want frames at the positions of those images. Readers that make a volume
(dcmqi, 3D Slicer) want an orthogonal grid of even spacing. Where the source is both, one object serves all; where a
gantry was tilted or slices are uneven there are two, since no grid is both. The even grid is that of the NIfTI files
(see `maps`).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from highdicom import PixelMeasuresSequence, PlaneOrientationSequence, PlanePositionSequence
from numpy.typing import NDArray

from ..maps import Array, MapGrid, moved
from .source import Source, on_slices

RAS_TO_LPS = np.array([-1.0, -1.0, 1.0])


@dataclass(frozen=True, eq=False)
class OnSource:
    """Frames on the source slices, in their order."""

    source: Source
    name: str = ""
    title: str = ""

    def values(self, volume: NDArray[Any], labels: bool = False) -> NDArray[Any]:
        """A volume (I, J, K) as frames (S, rows, columns)."""
        return on_slices(volume, self.source.grid, labels)

    def geometry(self) -> Mapping[str, Any]:
        """Arguments of highdicom's classes: none, frames lie where their source images do."""
        return {}


@dataclass(frozen=True, eq=False)
class OnGrid:
    """Frames on an even grid; `affine` (4, 4) is that of the volumes, `box` the part of the grid that is kept."""

    grid: MapGrid
    affine: Array
    box: tuple[slice, slice, slice] = field(default=(slice(None), slice(None), slice(None)))
    name: str = "_even"
    title: str = "Even grid: "

    def values(self, volume: NDArray[Any], labels: bool = False) -> NDArray[Any]:
        """A volume (I, J, K) as frames (k, j, i) of the box; labels are those of the nearest voxel."""
        mode = "nearest" if labels else "bilinear"
        there = moved(volume[None], self.affine, self.grid, mode)
        return np.ascontiguousarray(there[self.box].transpose(2, 1, 0).astype(volume.dtype))

    def geometry(self) -> Mapping[str, Any]:
        """Arguments of highdicom's classes: spacing, orientation, and the position of each frame."""
        axes = self.grid.affine[:3, :3] * RAS_TO_LPS[:, None]
        spacing = np.linalg.norm(axes, axis=0)
        low, high = zip(*(part.indices(n)[:2] for part, n in zip(self.box, self.grid.shape, strict=True)), strict=True)
        corner = self.grid.affine @ [*low, 1]
        first = corner[:3] * RAS_TO_LPS
        positions = [first + k * axes[:, 2] for k in range(high[2] - low[2])]
        return {
            "pixel_measures": PixelMeasuresSequence(
                pixel_spacing=(float(spacing[1]), float(spacing[0])),
                slice_thickness=float(spacing[2]),
                spacing_between_slices=float(spacing[2]),
            ),
            "plane_orientation": PlaneOrientationSequence(
                "PATIENT", [float(value) for value in (*(axes[:, 0] / spacing[0]), *(axes[:, 1] / spacing[1]))]
            ),
            "plane_positions": [
                PlanePositionSequence("PATIENT", [float(value) for value in position]) for position in positions
            ],
        }

    def around(self, mask: NDArray[Any]) -> OnGrid:
        """The same grid, cut to what is not 0 in frames (k, j, i) of the whole of it and a voxel around; not empty."""
        box = []
        for axis, size in enumerate(self.grid.shape):
            others = tuple(2 - other for other in range(3) if other != axis)
            at = np.flatnonzero(mask.any(axis=others))
            low, high = (0, 1) if not len(at) else (max(int(at[0]) - 1, 0), min(int(at[-1]) + 2, size))
            box.append(slice(low, high))
        return OnGrid(self.grid, self.affine, (box[0], box[1], box[2]))
