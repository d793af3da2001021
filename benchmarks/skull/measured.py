"""Stage 2: what `scripts.skull` measures of each case, cached in `WORK/skulls`."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from scripts.files.atomic import staged
from scripts.geometry.affines import transform_points
from scripts.simulation.scanner.scan import PADDING_HU
from scripts.skull.atlas import atlas
from scripts.skull.calibration import Image, image_of
from scripts.skull.measure import MAPS, measure
from scripts.volume import UNKNOWN_HU


@dataclass(frozen=True, eq=False)
class Measured:
    """A measured case: its truth, its maps, points of pooled places and of the fracture, and holes."""

    truth: dict[str, Any]
    skull: Image
    points_mm: NDArray[np.float64]
    lesion_mm: NDArray[np.float64]
    holes_mm: NDArray[np.float64]


def scan_of(path: Path) -> tuple[NDArray[np.int16], NDArray[np.float64], NDArray[np.float64]]:
    """HU (I, J, K) with `UNKNOWN_HU` where nothing is known, affine and registration of a case."""
    with np.load(path) as case:
        hu = case["hu"]
        hu[hu == PADDING_HU] = int(UNKNOWN_HU)
        return hu, case["affine"], case["matrix"]


def measure_case(
    path: Path, target: Path, usual_mm: NDArray[np.float64], matrix: NDArray[np.float64] | None = None
) -> None:
    """Measure a case into a file, by its own alignment or another one; the file appears whole or not at all."""
    tables, (hu, affine, aligned) = atlas(), scan_of(path)
    matrix = aligned if matrix is None else matrix
    skull = measure(hu, affine, matrix, usual_mm)
    nearest = tables.nearest(tables.pooled)
    with np.load(path) as case:
        lesion_mm, truth = transform_points(matrix, case["lesion_mm"]), case["truth"]
    target.parent.mkdir(parents=True, exist_ok=True)
    with staged(target) as partial, partial.open("wb") as file:
        np.savez(
            file,
            truth=truth,
            known=skull.known,
            lesion_mm=lesion_mm,
            points_mm=skull.surface.points_mm[nearest],
            holes_mm=np.array([hole.diameter_mm for hole in skull.holes]),
            **{name: values.astype(np.float16) for name, values in skull.maps.items()},
        )


def measured(path: Path) -> Measured:
    """A measured case."""
    with np.load(path) as found:
        maps = {name: found[name].astype(np.float32) for name in MAPS}
        arrays = [found[name] for name in ("points_mm", "lesion_mm", "holes_mm")]
        skull = image_of(maps, found["known"], atlas())
        return Measured(json.loads(str(found["truth"])), skull, *arrays)
