"""A case of the benchmarks whose pose is known."""

from __future__ import annotations

import numpy as np
from analytic_head import analytic_head
from registration_cases import Case

from scripts.volume import UNKNOWN_HU


def analytic_case() -> Case:
    """The analytic head, which lies in reference space as it is, in 60 slices of 4 mm, with a corner unknown."""
    affine = np.diag([4.0, 4.0, 4.0, 1.0])
    affine[:3, 3] = -118.0
    volume = analytic_head((60, 60, 60), affine)
    volume[:3, :3] = UNKNOWN_HU
    points = np.argwhere(volume > -300)[::50] @ affine[:3, :3] + affine[:3, 3]
    return Case(9, "0", volume, affine, np.eye(4), points)
