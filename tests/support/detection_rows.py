"""A detection of the brain and one of the skull, as they come from the two, and the affine of their scan."""

from __future__ import annotations

from typing import Any

import numpy as np

AFFINE = np.diag([0.5, 0.5, 3.0, 1.0])
AFFINE[:3, 3] = (-60, -60, -30)

BRAIN: dict[str, Any] = {
    "region": "brain",
    "kind": "brain",
    "side": "left",
    "name": "frontal lobe",
    "centre_mm": [-20.0, 30.0, 12.0],
    "peak_mm": [-21.0, 31.0, 13.0],
    "volume_ml": 12.5,
    "extent_mm": 30.0,
    "density": "brighter",
    "mean_hu": 61.5,
    "mirror_hu": 33.0,
    "peak": 9.25,
    "parts": {"position": 9.0, "density": 1.5},
    "seen_by": "position",
}
SKULL: dict[str, Any] = {
    "region": "skull",
    "kind": "skull line",
    "bone": "parietal bone, right",
    "ends_mm": [[50.0, 0.0, 30.0], [54.0, 8.0, 42.0]],
    "peak_mm": [51.0, 2.0, 33.0],
    "length_mm": 45.0,
    "width_mm": 1.5,
    "depth_mm": None,
    "peak": 6.5,
}
