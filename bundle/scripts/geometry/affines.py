"""Affine transforms of points, as 4x4 matrices."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray


def transform_points(matrix: NDArray[np.floating[Any]], points: NDArray[Any]) -> NDArray[np.float64]:
    """Points (..., 3) moved by a 4x4 matrix."""
    return np.asarray(points @ matrix[:3, :3].T + matrix[:3, 3])
