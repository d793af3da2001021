"""Measurements at a pose that tell an adult's upright, whole head in Hounsfield units from other inputs.

A search finds a best pose in any image, even without a head. `verdict` judges these measurements at the pose:

* *tipped*: the angle between the vertical axes of head and header. Beyond 120 degrees the head is upside down by its
  header. Slices in reverse order look the same but mirror the head, so left and right are unknown.
* *brain in view*: the share of the reference's intracranial region that shows head in the scan, neither air nor
  unknown. For half a head it is about 0.5 to 0.72, depending on the cut.
* *brain density*: the median HU inside the skull. Brain has 25 to 45 HU; an offset or a factor of the HU changes it.
* *size*: the length of the braincase relative to the reference's along each of its three axes, found by stretching
  the pose until it fits best. The product of the three gives the *intracranial volume*. The largest over the smallest
  is the *distortion*, which a wrong slice spacing raises.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..geometry.affines import transform_points
from .pattern_search import pattern_search
from .quality import HeadQuality
from .score import Array, HeadImage, Level, Points, level, points, score

STRETCH_MM, STRETCH_POINTS = 6.0, 2500
"""Resolution and number of the points compared while the pose is stretched."""

BRAIN_POINTS = 4000
"""Points inside the skull at which the scan is sampled."""

STRETCH_STEP = np.array([4.0] * 3 + [0.08] * 3)
"""First steps of the stretch: shifts in mm, then logarithms of the sizes."""

LEAST_STEP = 0.1
"""The stretch ends when the steps have shrunk to this share of the first."""

MOST_ROUNDS = 40
"""Most rounds of the stretch."""

SIZE_BOUNDS = (0.6, 1.6)
"""Bounds of the sizes tried, relative to the reference."""


@dataclass(frozen=True)
class PlausibilityTarget:
    """The reference head, prepared for these measurements.

    Attributes:
        case: points of the braincase, that is the intracranial space and the bone around it.
        brain: (N, 3), mm, points inside the skull, away from the bone.
        volume_ml: intracranial volume.
    """

    case: Points
    brain: Array
    volume_ml: float


def plausibility_target(
    reference: HeadImage, skull: NDArray[np.bool_], brain: NDArray[np.bool_], volume_ml: float
) -> PlausibilityTarget:
    """Prepare the checks for a reference head image, its braincase with the bone, and its brain, on the same grid."""
    index = np.argwhere(brain)
    chosen = index[(np.arange(min(BRAIN_POINTS, len(index))) * len(index)) // min(BRAIN_POINTS, len(index))]
    inside = transform_points(reference.affine, chosen.astype(np.float64))
    return PlausibilityTarget(
        points(reference, skull, inside.mean(axis=0), STRETCH_MM, STRETCH_POINTS), inside, volume_ml
    )


def plausibility(pose: Array, scale: float, target: PlausibilityTarget, scan: HeadImage) -> HeadQuality:
    """Measurements at a pose (4, 4), reference mm to scan mm, scale included."""
    seen, density = _brain(pose, target.brain, scan)
    sizes = scale * stretched(pose, target.case, level(scan, STRETCH_MM))
    return {
        "tipped_deg": float(np.rad2deg(np.arccos(np.clip(pose[2, 2] / scale, -1.0, 1.0)))),
        "brain_in_view": seen,
        "brain_hu": density,
        "intracranial_ml": float(target.volume_ml * np.prod(sizes)),
        "distortion": float(sizes.max() / sizes.min()),
    }


def _brain(pose: Array, brain: Array, scan: HeadImage) -> tuple[float, float]:
    """The share of the points (N, 3) at which the scan shows head, and their median HU; NaN if there are none."""
    index = np.rint(transform_points(np.linalg.inv(scan.affine) @ pose, brain)).astype(np.int64)
    inside = np.all((index >= 0) & (index < scan.hu.shape), axis=1)
    at = tuple(index[inside].T)
    shown = scan.head[at] & scan.known[at]
    density = float(np.median(scan.hu[at][shown])) if shown.any() else float("nan")
    return float(shown.sum() / len(brain)), density


def stretched(pose: Array, target: Points, scan: Level) -> Array:
    """Factors (3,) along the reference's axes by which a stretched pose (4, 4) fits the scan best.

    They are searched together with shifts about the middle of the braincase.
    """
    limits = np.full((2, 6), [[-np.inf], [np.inf]])
    limits[:, 3:] = np.log(SIZE_BOUNDS)[:, None]

    def fits(stretches: Array) -> Array:
        flat = stretches.reshape(-1, 6)
        matrices, factors = np.tile(np.eye(4), (len(flat), 1, 1)), np.exp(flat[:, 3:])
        matrices[:, range(3), range(3)] = factors
        matrices[:, :3, 3] = target.centre * (1 - factors) + flat[:, :3]
        return score(pose @ matrices, target, scan).score.reshape(stretches.shape[:-1])

    found, _ = pattern_search(fits, np.zeros((1, 6)), STRETCH_STEP, limits, MOST_ROUNDS, False, LEAST_STEP)
    return np.asarray(np.exp(found[0, 3:]))
