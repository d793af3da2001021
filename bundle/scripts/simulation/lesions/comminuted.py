"""A piece of the calvaria that is broken into fragments and pushed in, with a gap around it and between them.

The piece is round, of radius R; *cracks* run from its middle to its rim and part it into *fragments*, each pushed in
whole, by a depth of its own. A gap of one width runs along the rim and the cracks.
"""

from __future__ import annotations

import numpy as np

from ..anatomy.braincase import Array, Braincase
from .cuts import LEAST_SHARE, Gap, anywhere, covered
from .fractures import DEPTH_MM, RADIUS_MM, moved
from .growth import Lesion, Volume

FRAGMENTS = (3, 5)
"""Least and largest number of fragments."""

DEPTH_SHARES = (0.5, 1.0)
"""Range of the depth of a fragment, as a share of the largest one."""


def comminuted(hu: Volume, case: Braincase, side: str, rng: np.random.Generator, gap: Gap) -> Lesion:
    """Fragments of the calvaria of `side` pushed in, with gaps; see `planting.plant_lesion`."""
    radius_mm, depth_mm, width_mm = rng.uniform(*RADIUS_MM), rng.uniform(*DEPTH_MM), gap.width(rng)
    frame = anywhere(case, side, rng, radius_mm + depth_mm + 8)
    count = int(rng.integers(FRAGMENTS[0], FRAGMENTS[1] + 1))
    cracks = 2 * np.pi * (np.arange(count) + rng.uniform(-0.25, 0.25, count)) / count + rng.uniform(0, 2 * np.pi)
    depths = depth_mm * rng.permutation(np.linspace(*DEPTH_SHARES, count))
    rho, angle = np.hypot(frame.along_mm, frame.across_mm), np.arctan2(frame.across_mm, frame.along_mm)
    inside = (rho < radius_mm) & (frame.out_mm > -radius_mm - depth_mm)
    fragment = np.searchsorted(cracks - cracks[0], (angle - cracks[0]) % (2 * np.pi), side="right") - 1
    inward_mm = np.where(inside, depths[fragment], 0)
    before = hu[frame.box].astype(float)
    pushed, bone_hu = moved(before, frame, inward_mm, case.spacing_mm, inside)
    away_mm = aside_mm(rho, angle, radius_mm - width_mm / 2, cracks)
    share = pushed * (1 - covered(case, away_mm, np.full(rho.shape, width_mm)))
    after = np.where(frame.bone & inside, gap.hu, before)
    after += share * (bone_hu - after)
    painted, mask = hu.astype(np.float32, copy=True), np.zeros(hu.shape, np.uint8)
    painted[frame.box] = after
    mask[frame.box] = inside & (frame.bone | (pushed > LEAST_SHARE))
    return Lesion(painted, np.asarray(case.labels, dtype=np.int16), mask)


def aside_mm(rho_mm: Array, angle: Array, rim_mm: float, cracks: Array) -> Array:
    """Distance (i, j, k) from the nearest of the rim, a circle, and the cracks, rays from its middle."""
    found = np.abs(rho_mm - rim_mm)
    for crack in cracks:
        turned = angle - crack
        ahead = np.cos(turned) > 0
        found = np.minimum(found, np.where(ahead, np.abs(rho_mm * np.sin(turned)), rho_mm))
    return found
