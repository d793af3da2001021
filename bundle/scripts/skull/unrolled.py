"""The unrolled skull: values of fine places on the equal-area raster, seen from above.

The front is up and the patient's right is on the left, as in an axial slice; the vertex is in the middle. A raster is
turned to image rows and columns here; NaN lies outside the calvaria.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from .atlas import Atlas
from .directions import Array
from .lookup import HALF_SIDE_MM, PIXEL_MM, project


def image(values: Array, atlas: Atlas) -> NDArray[np.float64]:
    """Values (n,) of fine places as an image (rows, columns), NaN beyond the calvaria."""
    raster = np.append(values, np.nan)[atlas.nearest.nearest]
    return np.asarray(raster[::-1, ::-1])


def pixels(directions: Array) -> NDArray[np.float64]:
    """Row and column (n, 2) of directions (n, 3) in an `image`."""
    u, v = project(directions)
    return np.stack([(HALF_SIDE_MM - v) / PIXEL_MM, (HALF_SIDE_MM - u) / PIXEL_MM], axis=-1)
