"""Results of a scan without a run: an egg of brain in a shell of bone, with balls of heat that are listed.

The head is the same whatever its pose, which the matrix of the registration undoes, so that a test knows what two scans
of it have in common.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.spatial.transform import Rotation

from scripts.files.nifti import nifti_bytes
from scripts.geometry.affines import transform_points
from scripts.results.detections import listed, table
from scripts.results.folder import write_results
from scripts.results.result import Result
from scripts.sites.compare.repeats import FORMAT, TIES, Noise

RADII_MM, SHELL_MM = np.array([60.0, 75.0, 60.0]), 8.0
"""Of the brain about the origin of reference space, and the thickness of the bone around it."""

THRESHOLD, SKULL_THRESHOLD = 2.5, 6.0
"""Of detections of the brain, and of the skull's score."""

CALIBRATION = {name: f"{number}" * 64 for number, name in enumerate(TIES)}
NOISE = Noise(
    {"hemisphere": 0.3, "hemisphere_with_lesion": 1.0, "skull": 0.8},
    difference=0.5,
    peak=1.5,
    volume_ratio=1.25,
    facts={"valid_for": CALIBRATION, "source": {"stride": 4, "heads": 10}},
)


@dataclass(frozen=True)
class Ball:
    """A lesion: its middle in reference mm, its radius, and the heat in it."""

    at_mm: tuple[float, float, float]
    radius_mm: float = 14.0
    heat: float = 9.0

    @property
    def side(self) -> str:
        return "left" if self.at_mm[0] < 0 else "right"


RIGHT, LEFT = Ball((30.0, 0.0, 10.0)), Ball((-30.0, -20.0, 0.0))


def pose(seed: int) -> NDArray[np.float64]:
    """A rigid matrix from scan to reference."""
    rng = np.random.default_rng(seed)
    matrix = np.eye(4)
    matrix[:3, :3] = Rotation.from_euler("xyz", rng.uniform(-8, 8, 3), degrees=True).as_matrix()
    matrix[:3, 3] = rng.uniform(-10, 10, 3)
    return matrix


def judged(
    balls: Sequence[Ball] = (),
    seed: int = 0,
    background: float = 0.5,
    dents_mm: Sequence[tuple[float, float, float]] = (),
    lowest_mm: float = -90.0,
    **more: Any,
) -> Result:
    """The results of a scan with balls; `more` replaces entries of `result.json`.

    Args:
        balls: listed where their heat is above the threshold.
        seed: of the pose.
        background: heat of the rest of the brain.
        dents_mm: places in the skull that are listed.
        lowest_mm: height of the lowest slice, in mm of the scan.
        more: replaces entries of `result.json`.
    """
    matrix, affine = pose(seed), np.diag([3.0, 3.0, 4.0, 1.0])
    affine[:3, 3] = -90, -100, lowest_mm
    shape = (60, 66, round((88 - lowest_mm) / 4))
    points = transform_points(matrix @ affine, np.moveaxis(np.indices(shape), 0, -1))
    inner = np.linalg.norm(points / RADII_MM, axis=-1)
    outer = np.linalg.norm(points / (RADII_MM + SHELL_MM), axis=-1)
    regions = np.where(inner <= 1, np.where(points[..., 0] < 0, 1, 2), np.where(outer <= 1, 3, 0)).astype(np.uint8)
    heat = np.where(regions > 0, background, 0.0)
    hu = np.select([inner <= 1, outer <= 1], [30, 900], -1000)
    ranks, rows = np.zeros(shape, np.uint8), []
    for ball in balls:
        inside = (np.linalg.norm(points - ball.at_mm, axis=-1) <= ball.radius_mm) & (inner <= 1)
        heat[inside], hu[inside] = ball.heat, 70
        if ball.heat > THRESHOLD:
            rows.append(_row(ball, matrix))
            ranks[inside] = len(rows)
    rows += [_dent(at, matrix) for at in dents_mm]
    record = _record(listed(rows, affine, shape[2], even=True), balls, matrix, bool(dents_mm)) | more
    volumes = {"heatmap": heat.astype(np.float32), "regions": regions, "scan": hu.astype(np.int16), "detections": ranks}
    files = {f"{name}.nii.gz": nifti_bytes(volume, affine) for name, volume in volumes.items()}
    files["detections.csv"] = table(record["detections"])
    same = ("scores", "score_details", "detections", "quality", "registration")
    return Result(**{name: record[name] for name in same}, findings=[], record=record, files=files)


def _row(ball: Ball, matrix: NDArray[np.float64]) -> dict[str, Any]:
    at = transform_points(np.linalg.inv(matrix), np.array(ball.at_mm)).tolist()
    volume = round(4 / 3 * np.pi * ball.radius_mm**3 / 1000, 2)
    words = {"region": "brain", "kind": "brain", "side": ball.side, "name": "parietal lobe", "density": "brighter"}
    numbers = {"volume_ml": volume, "extent_mm": 2 * ball.radius_mm, "mean_hu": 70.0, "mirror_hu": 30.0}
    return {**words, **numbers, "centre_mm": at, "peak_mm": at, "peak": ball.heat}


def _dent(at_mm: tuple[float, float, float], matrix: NDArray[np.float64]) -> dict[str, Any]:
    at = transform_points(np.linalg.inv(matrix), np.array(at_mm)).tolist()
    words = {"region": "skull", "kind": "skull dent", "bone": "parietal bone, left", "ends_mm": [at, at]}
    return {**words, "peak_mm": at, "length_mm": 20.0, "width_mm": None, "depth_mm": 5.0, "peak": 8.0}


def _record(
    rows: list[dict[str, Any]], balls: Sequence[Ball], matrix: NDArray[np.float64], dent: bool
) -> dict[str, Any]:
    scores = {
        f"{side}_hemisphere": max([0.9, *(b.heat for b in balls if b.side == side)]) for side in ("left", "right")
    }
    limits = {name: {"threshold": 2.9} for name in scores}
    return {
        "summary": "",
        "scores": {**scores, "skull": 8.0 if dent else 3.0},
        "score_details": {**limits, "skull": {"threshold": SKULL_THRESHOLD}},
        "detections": rows,
        "calibration": dict(CALIBRATION),
        "findings": [],
        "quality": {"verdict": "pass"},
        "registration": {"matrix": matrix.tolist()},
        "compared_with": {"detections": {"brain": THRESHOLD, "skull": SKULL_THRESHOLD}},
        "versions": {"bundle": "0.2.0"},
        "settings": {"mode": "dense", "stride": 4, "map": "calibrated"},
        "weights_sha256": "0" * 64,
        "outputs": {"scan.nii.gz": f"{len(balls)}{matrix[0, 3]:.9f}"},
        "timings_s": {},
    }


def write_judged(folder: Path, **asked: Any) -> Path:
    """Write such results into a folder, as `run` does; the folder."""
    result = judged(**asked)
    write_results(folder, result.files, {k: v for k, v in result.record.items() if k != "outputs"})
    return folder


def noise_file(folder: Path, **more: Any) -> Path:
    """Write the noise as it ships; the file."""
    content = {
        "format": FORMAT,
        "source": {"stride": 4, "heads": 10},
        "valid_for": CALIBRATION,
        "scores": {name: {"coefficient": value} for name, value in NOISE.coefficients.items()},
        "difference": {"limit_95": NOISE.difference},
        "peak": {"limit_95": NOISE.peak},
        "volume_ratio": {"coefficient": NOISE.volume_ratio},
    }
    path = folder / "noise.json"
    path.write_text(json.dumps(content | more))
    return path
