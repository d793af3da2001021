"""Poses, as 4x4 matrices."""

from __future__ import annotations

import numpy as np
from scipy.spatial.transform import Rotation


def pose(angles_deg: tuple[float, float, float], shift_mm: tuple[float, float, float]) -> np.ndarray:
    matrix = np.eye(4)
    matrix[:3, :3] = Rotation.from_euler("xyz", angles_deg, degrees=True).as_matrix()
    matrix[:3, 3] = shift_mm
    return matrix
