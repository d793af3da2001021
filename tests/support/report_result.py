"""A result as `run` writes it, without a run: the reference head with a bleed on the right, and heat that lies there.

The heat is drawn, so that a test knows where it is: a cone in the bleed, and another in the skull, where a dent is
listed. Hemispheres and skull are halves and bright voxels of the head.
"""

from __future__ import annotations

import functools
import io
from typing import Any

import numpy as np
from PIL import Image
from planted import BLEED_MM, planted

from scripts.findings import finding
from scripts.geometry.affines import transform_points
from scripts.results.detections import listed
from scripts.results.report.volumes import Volumes
from scripts.results.sentences import summary

THRESHOLD, SKULL_THRESHOLD = 2.5, 7.0
"""Of detections in the brain, and of the skull's score."""

PEAK, SKULL_PEAK, REACH_MM = 10.0, 14.0, 25.0
"""Heat in the middle of the cones, and the distance at which it is 0."""

DENT_MM = (-60.0, -10.0, 50.0)
"""Middle of the cone in the skull, on the left."""

BONE_HU = 300
"""HU of the skull."""

BRAIN_ROW: dict[str, Any] = {
    "region": "brain",
    "kind": "brain",
    "side": "right",
    "name": "frontal lobe",
    "centre_mm": list(BLEED_MM),
    "peak_mm": list(BLEED_MM),
    "volume_ml": 34.0,
    "extent_mm": 40.0,
    "density": "brighter",
    "mean_hu": 70.0,
    "mirror_hu": 30.0,
    "peak": PEAK,
}

SKULL_ROW: dict[str, Any] = {
    "region": "skull",
    "kind": "skull dent",
    "bone": "parietal bone, left",
    "ends_mm": [list(DENT_MM), list(DENT_MM)],
    "peak_mm": list(DENT_MM),
    "length_mm": 22.0,
    "width_mm": None,
    "depth_mm": 5.0,
    "peak": SKULL_PEAK,
}

SCORES = {"left_hemisphere": 0.9, "right_hemisphere": 9.5, "skull": 14.0}


@functools.cache
def volumes() -> Volumes:
    """Scan, heat and regions at 2 mm, axes along +R, +A, +S; not to be changed."""
    scan, affine = planted("right")
    points = transform_points(affine, np.moveaxis(np.indices(scan.shape), 0, -1))
    regions = np.where(points[..., 0] < 0, 1, 2).astype(np.uint8)
    regions[scan < -100] = 0
    regions[scan > BONE_HU] = 3
    heat = np.where(regions == 3, cone(points, DENT_MM, SKULL_PEAK), cone(points, BLEED_MM, PEAK))
    return Volumes(scan, np.where(regions, heat, 0).astype(np.float32), regions, affine)


def cone(points: np.ndarray[Any, Any], middle: tuple[float, ...], peak: float) -> np.ndarray[Any, Any]:
    """Heat that falls from a peak in the middle to 0."""
    return np.clip(peak * (1 - np.linalg.norm(points - np.array(middle), axis=-1) / REACH_MM), 0, None)


def record(rows: tuple[dict[str, Any], ...] = (BRAIN_ROW, SKULL_ROW), **more: Any) -> dict[str, Any]:
    """The content of `result.json`; `more` replaces some of it."""
    shape, limits = volumes().scan.shape, {"left_hemisphere": 2.9, "right_hemisphere": 2.9, "skull": SKULL_THRESHOLD}
    healthy = {
        name: {"of": "healthy scans, simulated", "threshold": limit, "scores": [0.5, 1.0, limit]}
        for name, limit in limits.items()
    }
    contours = {"left_hemisphere": THRESHOLD, "right_hemisphere": THRESHOLD, "skull": SKULL_THRESHOLD}
    content: dict[str, Any] = {
        "summary": "",
        "scores": dict(SCORES),
        "score_details": {name: {"threshold": limit, "percentile": 99.0} for name, limit in limits.items()},
        "detections": listed(rows, volumes().affine, shape[2], even=True),
        "calibration": {"scans": 84, "source": {"scans": "simulated"}},
        "findings": [finding("thick_slices", "Slices are 5.0 mm thick.").as_dict()],
        "input": {"brain": {"series": 1, "slices": shape[2], "spacing_mm": 2.0}, "skull": None},
        "quality": {"verdict": "pass"},
        "registration": {"matrix": np.eye(4).tolist()},
        "compared_with": {
            "healthy": healthy,
            "contours": contours,
            "detections": {"brain": THRESHOLD, "skull": SKULL_THRESHOLD},
        },
        "versions": {"bundle": "0.2.0"},
        "grid": {"kind": "native", "shape": list(shape), "spacing_mm": [2.0, 2.0, 2.0]},
        "settings": {"mode": "dense", "stride": 2, "map": "calibrated", "unit": "parts joined"},
        "weights_sha256": "0" * 64,
    } | more
    return content | {"summary": summary(content)}


def pictures() -> dict[str, bytes]:
    """Two pictures of one colour."""
    return {"overview.png": picture(690, 503), "skull.png": picture(64, 71)}


def picture(width: int, height: int) -> bytes:
    """A PNG."""
    stream = io.BytesIO()
    Image.new("RGB", (width, height), (14, 16, 20)).save(stream, "PNG")
    return stream.getvalue()
