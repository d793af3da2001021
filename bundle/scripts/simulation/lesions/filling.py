"""Blood that fills the room of fluid and pushes nothing aside: subarachnoid and intraventricular haemorrhage.

A *subarachnoid* haemorrhage takes the fluid around the brain, on one side, that is nearest to its source: a *basal* one
starts beside the suprasellar cistern and runs along the Sylvian fissure, as after an aneurysm; a *convex* one lies in
the sulci of a lobe, as after an injury. It is brightest at its source. An *intraventricular* one sinks: it takes the
part of the lateral ventricle that lies lowest in a patient on their back, up to a level.

Blood in fluid has 50-75 HU (Osborn's Brain). The fluid's voxels are filled sharply; the scanner blurs them.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from ..anatomy.braincase import Array, Braincase, Mask, block_around, labelled
from ..anatomy.labels import CSF, LEFT_INNER_VENTRICLES, RIGHT_INNER_VENTRICLES
from .growth import Amount, Lesion, Volume, lowest, smooth_noise, voxels

SUBARACHNOID_ML = (6.0, 35.0)
SUBARACHNOID_HU = (50.0, 70.0)

VENTRICULAR_ML = (1.5, 15.0)
VENTRICULAR_HU = (50.0, 75.0)

ROOM_SHARE = 0.8
"""A drawn volume is no larger than this share of the fluid that may fill."""

BASAL_SHARE = 0.6
"""Share of subarachnoid haemorrhages that are basal."""

BASAL_MM = ((2.0, 10.0), (8.0, 24.0), (-34.0, -24.0))
"""Start of a basal one, from the centre of the brain: lateral, anterior, superior."""

CONVEX_AZIMUTH_DEG, CONVEX_ELEVATION_DEG = (-50.0, 60.0), (0.0, 50.0)
CONVEX_DEPTH_SHARE = 0.85
"""A convex one starts this far out between the centre of the brain and the inner table."""

LOWEST_MM = -60.0
"""Fluid farther below the centre of the brain is that of the spinal canal."""

SHALLOW_MM, SHALLOW_COST = 2.5, 1.5
"""Fluid this close to the inner table fills later: blood keeps to the sulci and cisterns."""

SYLVIAN_COST = 0.6
"""Way to the side costs a basal one this much less than any other."""

ACROSS_MM = 6.0
"""A subarachnoid haemorrhage thins out over this distance beyond the mid-plane."""

GRADING = 0.25
"""A subarachnoid haemorrhage is brighter by this share at its source, and darker by it at its end."""

TEXTURE_HU = 2.5
"""Standard deviation of the smooth unevenness of the blood."""

LEVEL_TILT_DEG = 6.0
"""Largest rotation of the patient's head out of the upright about any axis."""

LEVEL_ROUGHNESS_MM = 0.4
STAINED_HU = (0.0, 7.0)
"""By how much the fluid above the level is brighter than before."""

CALCIFIED_HU = 90.0
"""Voxels as bright as this before the bleed keep their HU."""


def room(case: Braincase, side: str, kind: str) -> tuple[tuple[slice, ...], Mask]:
    """The fluid that a haemorrhage of a kind may fill: a block of the grid, and the mask (i, j, k) in it.

    Raises:
        ValueError: there is none.
    """
    half = case.half_box(side)
    if kind == "intraventricular":
        inner = LEFT_INNER_VENTRICLES if side == "left" else RIGHT_INNER_VENTRICLES
        fluid = labelled(case.labels[half], inner)
    else:
        offsets = case.offsets_mm(half)
        fluid = (
            (case.labels[half] == CSF) & (case.lateral_mm(offsets, side) > -ACROSS_MM) & (offsets[..., 2] > LOWEST_MM)
        )
    if not fluid.any():
        raise ValueError(f"the label map holds no fluid on the {side} that an {kind} haemorrhage could fill")
    part = block_around(fluid, 2)
    return tuple(slice(b.start + p.start, b.start + p.stop) for b, p in zip(half, part, strict=True)), fluid[part]


def room_ml(case: Braincase, side: str, kind: str) -> float:
    """Volume of the fluid that a haemorrhage of a kind may fill."""
    return float(room(case, side, kind)[1].sum() * np.prod(case.spacing_mm)) / 1000


def subarachnoid(hu: Volume, case: Braincase, side: str, rng: np.random.Generator, bleed: Amount) -> Lesion:
    """Blood around the brain; see `lesions.plant_lesion`."""
    box, fluid = room(case, side, "subarachnoid")
    mm, offsets = case.spacing_mm, case.offsets_mm(box)
    score = _way_mm(case, side, offsets, rng)
    deep = ndimage.binary_erosion(case.intracranial[box], iterations=max(1, round(SHALLOW_MM / float(mm.mean()))))
    score *= np.where(deep, 1, SHALLOW_COST)
    score *= 1 + 0.2 * smooth_noise(score.shape, 12.0, mm, rng)
    across = np.clip(-case.lateral_mm(offsets, side) / ACROSS_MM, 0, 1)
    score *= 1 + across
    blood = lowest(score, fluid, voxels(bleed.volume_ml, mm, fluid))
    grade = np.zeros(score.shape)
    grade[blood] = 1 + GRADING * (1 - 2 * _ranks(score[blood]))
    across *= 1 + 0.4 * smooth_noise(score.shape, 6.0, mm, rng)
    diluted_hu = hu[box] + np.clip(1 - across, 0, 1) * (bleed.hu * grade - hu[box])
    return _filled(hu, case, box, blood, diluted_hu, rng)


def _way_mm(case: Braincase, side: str, offsets_mm: Array, rng: np.random.Generator) -> Array:
    """Distance of each voxel (i, j, k) from the start of a subarachnoid haemorrhage."""
    if rng.random() < BASAL_SHARE:
        source = np.array([rng.uniform(*place) for place in BASAL_MM]) * (1 if side == "right" else -1, 1, 1)
        away = (offsets_mm - source) * (SYLVIAN_COST, 1, 1)
    else:
        out = case.direction(side, rng.uniform(*CONVEX_AZIMUTH_DEG), rng.uniform(*CONVEX_ELEVATION_DEG))
        away = offsets_mm - CONVEX_DEPTH_SHARE * case.tables_mm(out)[0] * out
    return np.asarray(np.linalg.norm(away, axis=-1))


def _ranks(values: Array) -> Array:
    """The place (n,) of each value among them, from 0 to 1."""
    ranks = np.empty(values.size)
    ranks[np.argsort(values, kind="stable")] = np.linspace(0, 1, values.size)
    return ranks


def intraventricular(hu: Volume, case: Braincase, side: str, rng: np.random.Generator, bleed: Amount) -> Lesion:
    """Blood in the lateral ventricle of `side`, up to a level; see `lesions.plant_lesion`."""
    box, fluid = room(case, side, "intraventricular")
    tilt = np.tan(np.deg2rad(rng.uniform(-LEVEL_TILT_DEG, LEVEL_TILT_DEG, 2)))
    height_mm = case.offsets_mm(box) @ np.array([tilt[0], 1, tilt[1]])
    height_mm += LEVEL_ROUGHNESS_MM * smooth_noise(fluid.shape, 5.0, case.spacing_mm, rng)
    blood = lowest(height_mm, fluid, voxels(bleed.volume_ml, case.spacing_mm, fluid))
    stained = hu.copy()
    stained[box] += np.where(fluid & ~blood, rng.uniform(*STAINED_HU), 0).astype(np.float32)
    return _filled(stained, case, box, blood, np.full(fluid.shape, bleed.hu), rng)


def _filled(
    hu: Volume, case: Braincase, box: tuple[slice, ...], blood: Mask, blood_hu: Array, rng: np.random.Generator
) -> Lesion:
    """A head in which the voxels `blood` of a block show `blood_hu`, unevenly."""
    painted, mask = hu.copy(), np.zeros(hu.shape, dtype=np.uint8)
    uneven = blood_hu + TEXTURE_HU * smooth_noise(blood.shape, 4.0, case.spacing_mm, rng)
    painted[box] = np.where(blood & (hu[box] < CALCIFIED_HU), uneven, hu[box])
    mask[box] = blood
    labels: NDArray[np.int16] = np.asarray(case.labels, dtype=np.int16)
    return Lesion(painted, labels, mask)
