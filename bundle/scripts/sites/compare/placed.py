"""A judged scan in reference space, where two scans of one patient can be laid over each other.

Every folder of results has the matrix that its scan was registered by, from the scan's RAS mm to those of the reference
head. So heatmap, regions and detections of any scan can be brought to one grid, every `STRIDE`-th voxel of the
reference. The heat is that of the brain: the skull's is a thin shell in other units, which a misfit of 1 mm moves off
itself.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from ...geometry.coordinates import REFERENCE_SIZE, grid_affine
from ...geometry.resampling import Shape, resample
from ...preprocessing.regions import in_hemispheres
from ...results.checks import decoded_map
from ...results.record import DETECTIONS, HEATMAP, REGIONS, SCAN, ResultIncomplete
from ...results.result import Result

STRIDE = 2
"""Voxels of the reference grid between those of the grid that scans are compared on: 2 mm."""

SHAPE: Shape = (REFERENCE_SIZE // STRIDE,) * 3

INSIDE = 0.5
"""A voxel is of the brain from this share of it on."""

NEEDED = (HEATMAP, REGIONS, SCAN, DETECTIONS)
"""Volumes that a comparison needs."""

Floats = NDArray[np.float32]
Labels = NDArray[np.uint8]


@dataclass(frozen=True, eq=False)
class Placed:
    """A judged scan, on the comparison's grid (128, 128, 128) and on its own.

    Attributes:
        record: the content of `result.json`.
        heat: (128, 128, 128), the heatmap in the brain, 0 elsewhere.
        brain: (128, 128, 128), 1 left hemisphere, 2 right hemisphere, 0 elsewhere and where nothing is in view.
        ranks: (128, 128, 128), the rank of each detection of the brain, 0 elsewhere.
        hu: (I, J, K), the scan on its own grid, HU.
        own_heat: (I, J, K), the heatmap in the brain on that grid, 0 elsewhere.
        affine: (4, 4), from that grid to RAS mm of the scan.
        matrix: (4, 4), from RAS mm of the scan to those of the reference.
    """

    record: Mapping[str, Any]
    heat: Floats
    brain: Labels
    ranks: Labels
    hu: NDArray[np.int16]
    own_heat: Floats
    affine: NDArray[np.float64]
    matrix: NDArray[np.float64]

    @property
    def to_reference(self) -> NDArray[np.float64]:
        """From voxels of the scan's own grid to RAS mm of the reference (4, 4)."""
        return np.asarray(self.matrix @ self.affine)

    @property
    def detections(self) -> list[dict[str, Any]]:
        """The rows of the list of detections."""
        return list(self.record["detections"])


def check_volumes(result: Result) -> None:
    """See that a set of results has the volumes that are compared.

    Raises:
        ResultIncomplete: they were not written.
    """
    if lacking := [name for name in NEEDED if name not in result.files]:
        raise ResultIncomplete(f"There is no {lacking[0]} in it. Run the scan again with --maps all.")


def placed(result: Result) -> Placed:
    """The judged scan of a set of results.

    Raises:
        ResultIncomplete: its volumes were not written.
    """
    check_volumes(result)
    matrix = np.asarray(result.registration["matrix"], dtype=np.float64)
    to_reference = matrix @ result.affine
    inside = in_hemispheres(np.asarray(result.regions))
    heat = np.where(inside, result.heatmap, np.float32(0)).astype(np.float32)
    total, share = on_grid(np.stack([heat, inside.astype(np.float32)]), to_reference)
    own = share >= INSIDE
    ranks, _ = decoded_map(result.files[DETECTIONS])
    labels = np.stack([result.regions, np.asarray(ranks)]).astype(np.float32)
    regions, listed = on_grid(labels, to_reference, "nearest").astype(np.uint8)
    own &= in_hemispheres(regions)
    return Placed(
        result.record,
        np.divide(total, share, out=np.zeros_like(total), where=own),
        np.where(own, regions, np.uint8(0)),
        listed,
        result.scan,
        heat,
        result.affine,
        matrix,
    )


def on_grid(volumes: Floats, to_reference: NDArray[np.float64], mode: str = "bilinear") -> Floats:
    """Volumes (C, I, J, K) on the comparison's grid (C, 128, 128, 128); 0 beyond them."""
    found = resample(torch.from_numpy(volumes), to_reference, SHAPE, grid_affine(STRIDE), mode)
    return np.asarray(found.numpy())


def on_scan(values: Floats, scan: Placed) -> Floats:
    """A map (128, 128, 128) on a scan's own grid (I, J, K)."""
    shape: Shape = (scan.hu.shape[0], scan.hu.shape[1], scan.hu.shape[2])
    return np.asarray(resample(torch.from_numpy(values[None]), grid_affine(STRIDE), shape, scan.to_reference)[0])
