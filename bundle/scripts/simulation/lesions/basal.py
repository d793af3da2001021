"""A fracture that begins on the calvaria and runs on into the skull base.

It is a cut in a plane through the centre of the brain, whose *way* is the angle in this plane from the anchor, positive
downward, times the distance of the outer table. Bone within some mm of the space inside the skull may break: petrous
and sphenoid bone and the occipital squama, but not the face and the jaw.
"""

from __future__ import annotations

import numpy as np
from scipy import ndimage

from ..anatomy.braincase import Array, Braincase, Mask
from .cuts import WOBBLE_MM, WOBBLE_WAVES_MM, Gap, block, cut, tangents, tapered, waves
from .growth import Lesion, Volume

AZIMUTH_DEG, ELEVATION_DEG = (-50.0, 40.0), (5.0, 25.0)
"""Directions of the anchor: temporal, parietal and occipital squama."""

LEAN_DEG = 30.0
"""Largest deviation of its course from straight down."""

UP_MM, DOWN_DEG = (25.0, 60.0), (45.0, 75.0)
"""Length above the anchor, and the angle below it, through the base toward the middle."""

BASE_MM = 10.0
"""Reach of the bone around the space inside the skull."""

SAMPLES, MARGIN_MM, DEEPEST = 9, 10.0, 0.45
"""Places along the cut, with a margin and down to this share of the distance of the outer table, that a block holds."""


def basal(hu: Volume, case: Braincase, side: str, rng: np.random.Generator, gap: Gap) -> Lesion:
    """A cut of `side` from the calvaria into the skull base; see `planting.plant_lesion`."""
    out = case.direction(side, rng.uniform(*AZIMUTH_DEG), rng.uniform(*ELEVATION_DEG))
    width_mm, lean = gap.width(rng), np.deg2rad(rng.uniform(-LEAN_DEG, LEAN_DEG))
    radius = case.tables_mm(out)[1]
    up_mm, down_mm = rng.uniform(*UP_MM), np.deg2rad(rng.uniform(*DOWN_DEG)) * radius
    level, up = tangents(out)
    down = np.sin(lean) * level - np.cos(lean) * up
    angles = np.linspace(-up_mm, down_mm, SAMPLES)[:, None] / radius
    arc = radius * (np.cos(angles) * out + np.sin(angles) * down)
    box = block(case, np.concatenate([arc, DEEPEST * arc]), MARGIN_MM)
    offsets = case.offsets_mm(box)
    way_mm = np.arctan2(offsets @ down, offsets @ out) * radius
    aside_mm = offsets @ np.cross(out, down) + waves(way_mm, rng, WOBBLE_WAVES_MM, WOBBLE_MM)
    wide_mm = tapered(way_mm - (down_mm - up_mm) / 2, (down_mm + up_mm) / 2, width_mm)
    return cut(hu, case, box, skull_in(case, box, offsets, side), aside_mm, wide_mm, gap.hu)


def skull_in(case: Braincase, box: tuple[slice, ...], offsets_mm: Array, side: str) -> Mask:
    """The bone of a side in a block (i, j, k) that encloses the brain, that of the base included."""
    size = [2 * int(np.ceil(BASE_MM / mm)) + 1 for mm in case.spacing_mm]
    near = ndimage.maximum_filter(case.intracranial[box].astype(np.uint8), size=size) > 0
    return np.asarray(case.bone[box] & near & (case.lateral_mm(offsets_mm, side) > 0))
