"""DICOM results of the balls of `dicom_series`, as the pipeline would make them, without the pipeline.

The map is 8 in the bleed on the patient's left and 1 in the rest of the head, plus a ramp, so that no two voxels are
alike; the threshold is 5. The bleed is a detection.
"""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pydicom
from dicom_series import BALLS, write_series
from geometries import PLAIN, THIN, Geometry, geometry, rotation, tilted, world
from numpy.typing import NDArray
from PIL import Image
from pydicom.dataset import Dataset

from scripts.findings import UNEVEN
from scripts.reading.inputs import read_volume
from scripts.results.dicom.objects import dicom_files
from scripts.results.dicom.places import Scanned

THRESHOLD = 5.0
WEIGHTS_SHA256 = "ab" * 32
CALIBRATION_SHA256 = "ef" * 32
ROW = {
    "rank": 1,
    "region": "brain",
    "side": "left",
    "name": "frontal lobe, deep grey matter",
    "peak_mm": [-35.0, 10.0, 5.0],
    "volume_ml": 14.14,
    "extent_mm": 30.0,
    "mean_hu": 69.6,
    "peak": 8.27,
}
SCORES = {"left_hemisphere": 8.25, "right_hemisphere": 1.5, "skull": None}


def feet_first(degrees: float) -> NDArray[np.float64]:
    """Axes of a tilted scan of a patient who went in feet first: rows run to the right, slices downwards."""
    axes = rotation(degrees, 0, 0) @ np.diag([1.0, -1.0, -1.0])
    axes[:, 2] = [0, 0, -1 / np.cos(np.radians(degrees))]
    return axes


POSITIONS: dict[str, tuple[Geometry, Sequence[float] | None]] = {
    "plain": (PLAIN, None),
    "tilted": (geometry("tilted", tilted(18.5), (4.4, 4.6, 3.0), (48, 44, 41)), None),
    "feet first": (geometry("feet first", np.diag([1.0, -1, -1]), (4.4, 4.6, 3.0), (48, 44, 37)), None),
    "feet first, tilted": (geometry("feet first, tilted", feet_first(15), (4.4, 4.6, 3.0), (48, 44, 41)), None),
    "prone": (geometry("prone", np.eye(3), (4.4, 4.6, 3.0), (48, 44, 37)), None),
    "two spacings": (THIN, [*range(40), *np.arange(40, 85, 2.5)]),
    "uneven": (THIN, [k + 0.3 * np.sin(1.7 * k) for k in range(85)]),
}
"""Grids and slice positions that a head may come in."""


@dataclass
class Made:
    """A result on disk and what it was made of."""

    heatmap: NDArray[np.float32]
    regions: NDArray[np.uint8]
    detections: NDArray[np.uint8]
    affine: NDArray[np.float64]
    folder: Path
    picture: bytes

    def read(self, name: str) -> Dataset:
        return pydicom.dcmread(self.folder / f"{name}.dcm")


def maps(
    affine: NDArray[np.float64], shape: tuple[int, ...]
) -> tuple[NDArray[np.float32], NDArray[np.uint8], NDArray[np.uint8]]:
    """The map, the regions and the ranks of detections (I, J, K) on a grid."""
    points = world(affine, np.stack(np.indices(shape), axis=-1).astype(float))
    radius = np.linalg.norm(points, axis=-1)
    bleed = np.linalg.norm(points - np.array(BALLS[2][0]), axis=-1) < BALLS[2][1]
    ramp = np.arange(np.prod(shape), dtype=np.float32).reshape(shape) / np.float32(np.prod(shape)) / 2
    heatmap = np.where(radius < 76, np.where(bleed, 8, 1) + ramp, 0).astype(np.float32)
    regions = np.where(radius < 70, np.where(points[..., 0] < 0, 1, 2), np.where(radius < 76, 3, 0)).astype(np.uint8)
    return heatmap, regions, bleed.astype(np.uint8)


def result() -> dict[str, Any]:
    """What `result.json` says."""
    details = {
        name: {"calibrated_maximum": score, "percentile": None if score is None else 97.5, "threshold": THRESHOLD}
        for name, score in SCORES.items()
    }
    return {
        "summary": "Brain, 1 place above the threshold.",
        "scores": SCORES,
        "score_details": details,
        "detections": [ROW],
        "map": "calibrated",
        "findings": [{"code": "thick_slices", "severity": "flag", "message": "Slices are up to 5.0 mm thick."}],
        "settings": {"score": "maximum", "stride": 4},
        "weights_sha256": WEIGHTS_SHA256,
        "calibration_sha256": CALIBRATION_SHA256,
        "versions": {"bundle": "0.2.0"},
        "quality": {"verdict": "review"},
    }


def picture() -> bytes:
    """A small PNG whose halves differ."""
    pixels = np.zeros((20, 30, 3), np.uint8)
    pixels[:, 15:] = 250, 120, 7
    stream = io.BytesIO()
    Image.fromarray(pixels).save(stream, "PNG")
    return stream.getvalue()


def make(folder: Path, position: str = "plain", **changes: Any) -> Made:
    """Write a series in `folder`, if there is none, and its results; `changes` replace parts of `result`."""
    shape, at = POSITIONS[position]
    if not (folder / "in").exists():
        write_series(folder / "in", shape, at)
    return make_of(folder / "in", folder / "out", **changes)


def make_of(scan: Path, out: Path, slices: int = 0, pdf: bytes | None = None, **changes: Any) -> Made:
    """The results of a scan on disk, the marked slices only as far as they are asked for."""
    volume = read_volume(scan)
    told = result() | changes
    found = [found.as_dict() for found in volume.findings if found.code in UNEVEN]
    told["findings"] = [*told["findings"], *found]
    scanned = scanned_of(volume.hu, volume.affine, told)
    pictures = {"overview.png": picture()} | ({} if pdf is None else {"report.pdf": pdf})
    for name, write in dicom_files(scan, None, scanned, told, pictures).items():
        path = out / name
        if not path.stem.startswith("slice_") or int(path.stem[-3:]) <= slices:
            path.parent.mkdir(parents=True, exist_ok=True)
            write(path)
    ranks = np.zeros_like(scanned.regions) if scanned.detections is None else scanned.detections
    return Made(scanned.heatmap, scanned.regions, ranks, volume.affine, out / "dicom", picture())


def scanned_of(hu: NDArray[Any], affine: NDArray[np.float64], told: Mapping[str, Any]) -> Scanned:
    """The maps of a scan (I, J, K); a map that is not calibrated has no ranks of detections."""
    heatmap, regions, ranks = maps(affine, hu.shape)
    limits = {name: numbers["threshold"] for name, numbers in told["score_details"].items()}
    return Scanned(hu, heatmap, regions, affine, ranks if told["map"] == "calibrated" else None, limits)


def frame_indices(data: Dataset, affine: NDArray[np.float64]) -> list[tuple[NDArray[np.float64], int]]:
    """For each frame, where its voxels (rows, columns) lie in a volume with `affine`, and its place in the file.

    It is told from the frame's own position, orientation and spacing, as a viewer does.
    """
    shared = data.SharedFunctionalGroupsSequence[0]
    across, down = np.split(np.array(shared.PlaneOrientationSequence[0].ImageOrientationPatient, dtype=float), 2)
    between_rows, between_columns = map(float, shared.PixelMeasuresSequence[0].PixelSpacing)
    rows, columns = np.mgrid[: data.Rows, : data.Columns]
    found = []
    for number, groups in enumerate(data.PerFrameFunctionalGroupsSequence):
        corner = np.array(groups.PlanePositionSequence[0].ImagePositionPatient, dtype=float)
        points = corner + columns[..., None] * between_columns * across + rows[..., None] * between_rows * down
        ras = points * [-1, -1, 1]
        inverse = np.linalg.inv(affine)
        found.append((ras @ inverse[:3, :3].T + inverse[:3, 3], number))
    return found
