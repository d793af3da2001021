"""The volumes of a result: heatmap, error map, regions and scan, on one grid that every viewer can open.

The *native grid* is the scan's own. Where its slices lie at right angles and were evenly spaced, all volumes are on it,
whole. Where it is sheared (gantry tilt), or its slices were brought to even spacing as they were read, the volumes are
on a *resampled* grid: orthogonal, holding the whole scan, at its finest spacing.

Maps are float32, rounded to multiples of a *step*, so that they compress; 0 stays 0. Regions and scan are whole
numbers. The scan is in HU, with `volume.UNKNOWN_HU` where nothing was measured.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from ..files.nifti import MAP_LEVEL, SCAN_LEVEL, nifti_bytes
from ..findings import UNEVEN
from ..geometry.affines import Shape, is_sheared, orthogonal_grid
from ..geometry.resampling import resample
from ..volume import AIR_HU, KNOWN_FROM_HU, UNKNOWN_HU
from .record import DETECTIONS, ERROR_MAP, HEATMAP, REGIONS, SCAN

STEPS = {"mm": (0.2, 1.0), "": (0.01, 0.1, 1.0)}
"""Steps of maps in mm and of all others, the finest first; the first in which every value can be stored is used."""

KNOWN_SHARE = 0.999
"""Smallest weight of measured voxels in an interpolated value of the scan."""

Array = NDArray[np.float64]


@dataclass(frozen=True)
class MapGrid:
    """The grid of a result's volumes: `kind` ("native" or "resampled"), shape (I, J, K), affine (4, 4) to RAS mm."""

    kind: str
    shape: Shape
    affine: Array

    def facts(self) -> dict[str, Any]:
        """The grid as `result.json` tells it: kind, number of voxels and their size in mm along each axis."""
        spacing = np.linalg.norm(self.affine[:3, :3], axis=0)
        return {"kind": self.kind, "shape": list(self.shape), "spacing_mm": [round(float(s), 4) for s in spacing]}


def map_grid(shape: Shape, affine: Array, codes: Iterable[str]) -> MapGrid:
    """The grid for the volumes of a scan on a grid of `shape` and `affine`, with flags of these codes."""
    if is_sheared(affine):
        return MapGrid("resampled", *orthogonal_grid(shape, affine))
    return MapGrid("native" if UNEVEN.isdisjoint(codes) else "resampled", shape, affine)


def map_volumes(data: Mapping[str, Any], grid: MapGrid, unit: str, level: str = "all") -> dict[str, NDArray[Any]]:
    """The volumes of a case (I, J, K) by the name of their file, on `grid`, with the values that the files have.

    Args:
        data: `pred` (the heatmap), `error_map`, `regions`, `scan` and, if they are known, `detection_labels`, each
            (1, I, J, K) on the scan's own grid.
        grid: as of `map_grid`.
        unit: of the heatmap.
        level: one of `record.MAP_LEVELS`.
    """
    if level == "none":
        return {}
    affine = np.asarray(data["pred"].affine, dtype=np.float64)
    volumes: dict[str, NDArray[Any]] = {HEATMAP: rounded(moved(data["pred"], affine, grid), unit)}
    if level == "heatmap":
        return volumes
    volumes[ERROR_MAP] = rounded(moved(data["error_map"], affine, grid), "mm")
    if "detection_labels" in data:
        volumes[DETECTIONS] = moved(data["detection_labels"], affine, grid, "nearest").astype(np.uint8)
    volumes[REGIONS] = moved(data["regions"], affine, grid, "nearest").astype(np.uint8)
    volumes[SCAN] = moved_scan(data["scan"], affine, grid)
    return volumes


def map_bytes(volumes: Mapping[str, NDArray[Any]], grid: MapGrid) -> dict[str, bytes]:
    """The files of volumes on a grid by name."""
    levels = {name: SCAN_LEVEL if name == SCAN else MAP_LEVEL for name in volumes}
    return {name: nifti_bytes(volume, grid.affine, level=levels[name]) for name, volume in volumes.items()}


def moved(values: Any, affine: Array, grid: MapGrid, mode: str = "bilinear") -> NDArray[np.float32]:
    """A map or labels (1, I, J, K) with their affine, on a grid: (I, J, K), 0 outside the scan."""
    tensor = torch.as_tensor(values).detach().cpu().to(torch.float32)
    if not is_sheared(affine):
        return np.asarray(tensor[0].numpy())
    return np.asarray(resample(tensor, affine, grid.shape, grid.affine, mode)[0].numpy())


def moved_scan(scan: Any, affine: Array, grid: MapGrid) -> NDArray[np.int16]:
    """A scan (1, I, J, K) in HU with its affine, on a grid: (I, J, K), `UNKNOWN_HU` where nothing was measured."""
    hu = torch.as_tensor(scan).detach().cpu()
    if not is_sheared(affine):
        return np.asarray(hu[0].numpy().round().astype(np.int16, copy=False))
    hu = hu.to(torch.float32)
    known = hu >= KNOWN_FROM_HU
    both = torch.cat([torch.where(known, hu, torch.tensor(AIR_HU)), known.to(hu)])
    values, share = resample(both, affine, grid.shape, grid.affine).numpy()
    return np.asarray(np.where(share >= KNOWN_SHARE, np.rint(values), UNKNOWN_HU).astype(np.int16))


def rounded(values: NDArray[np.float32], unit: str) -> NDArray[np.float32]:
    """A map (I, J, K) in steps."""
    stored, step = in_steps(values, unit)
    return np.asarray(stored * np.float32(step))


def in_steps(values: NDArray[np.float32], unit: str) -> tuple[NDArray[np.int16], float]:
    """A map as whole numbers of a step, and the step; values beyond 32,767 of the coarsest step are cut there."""
    most = np.iinfo(np.int16).max
    steps = STEPS.get(unit, STEPS[""])
    largest = float(np.abs(values).max(initial=0))
    step = next((step for step in steps if largest < most * step), steps[-1])
    count = values / np.float32(step)
    np.clip(np.rint(count, out=count), -most, most, out=count)
    return count.astype(np.int16), step
