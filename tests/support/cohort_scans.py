"""Registered scans of a ball with a shell of bone, as stage 2 of the detection benchmark leaves them."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cohort.register import Registered, write

CENTRE = (127.5, 128.0, 150.0)
BRAIN_MM, BONE_MM, SKIN_MM = 40.0, 44.0, 48.0
"""Radii of the brain, of the skull around it, and of the head."""

LESION = (slice(104, 112), slice(124, 132), slice(146, 154))
"""A lesion of 8 mm a side in the left hemisphere."""

FULL = {"left_hemisphere": 1.0, "right_hemisphere": 1.0, "skull": 1.0}


@cache
def plain() -> tuple[NDArray[np.int16], NDArray[np.uint8]]:
    """HU and regions (256, 256, 256) of the ball; many tests have one of their own."""
    axes = [(np.arange(256, dtype=np.float32) - c) ** 2 for c in CENTRE]
    from_middle = np.sqrt(axes[0][:, None, None] + axes[1][None, :, None] + axes[2][None, None, :])
    hu = np.full((256, 256, 256), -1024, np.int16)
    hu[from_middle < SKIN_MM] = 20
    hu[from_middle < BONE_MM] = 1000
    hu[from_middle < BRAIN_MM] = 30
    regions = np.zeros(hu.shape, np.uint8)
    regions[(from_middle < BONE_MM) & (from_middle >= BRAIN_MM)] = 3
    regions[:128][from_middle[:128] < BRAIN_MM] = 1
    regions[128:][from_middle[128:] < BRAIN_MM] = 2
    return hu, regions


def ball(name: str = "scan", anatomy: str = "a", lesion_hu: int | None = None, **truth: Any) -> Registered:
    """The scan; brain is 30 HU, a lesion, if any, another value."""
    hu, regions = (values.copy() for values in plain())
    mask = np.zeros(hu.shape, np.uint8)
    kind = None
    if lesion_hu is not None:
        hu[LESION], mask[LESION], kind = lesion_hu, 1, "subdural"
    words = {"anatomy": anatomy, "lesion": kind, "side": "left", "volume_ml": 20.0, **truth}
    return Registered(name, words, hu, regions, mask, np.ones(hu.shape, np.uint8), dict(FULL))


def residual(scan: Registered) -> dict[str, Any]:
    """Features of a network that is 2 mm off, and 20 mm off in a lesion, in a head that is half a step denser left."""
    values = np.zeros((3, 64, 64, 64), np.float16)
    values[0] = 2
    if scan.lesion.any():
        values[1, 26:28, 31:33, 37:39] = 20
    asymmetry = np.full(values.shape[1:], 0.5, np.float16)
    asymmetry[32:] = -0.5
    return {"residual": values, "asymmetry": asymmetry}


def keep(cohort: Path, scan: Registered, **facts: Any) -> None:
    """Put a scan among the registered ones."""
    facts = {"name": scan.name, "truth": scan.truth, "coverage": scan.coverage, "refused": None, **facts}
    arrays = {"hu": scan.hu, "regions": scan.regions, "lesion": scan.lesion, "validity": scan.validity}
    write(cohort / "registered" / f"{scan.name}.zip", arrays, facts)
