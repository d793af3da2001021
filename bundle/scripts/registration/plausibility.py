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


def plausibility(pose: Array, scale: float, target: PlausibilityTarget, scan: HeadImage) -> dict[str, float]:
    """Measurements at a pose (4, 4), reference mm to scan mm, scale included.

    Returns:
        tipped_deg, brain_in_view (a share), brain_hu, intracranial_ml, and the distortion, 1 or more.
    """
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

    Each round tries a step of every shift and size in both directions, about the middle of the braincase. It takes the
    best one, or halves the steps if none improves the fit.
    """
    current, steps = np.zeros(6), STRETCH_STEP.copy()
    bounds = np.log(SIZE_BOUNDS)
    best = _fit(current[None], pose, target, scan)[0]
    signs = np.concatenate([np.eye(6), -np.eye(6)])
    for _ in range(MOST_ROUNDS):
        around = current + signs * steps
        around[:, 3:] = np.clip(around[:, 3:], *bounds)
        values = _fit(around, pose, target, scan)
        winner = int(values.argmax())
        if values[winner] > best:
            current, best = around[winner], float(values[winner])
        elif steps[0] <= LEAST_STEP * STRETCH_STEP[0]:
            break
        else:
            steps /= 2
    return np.asarray(np.exp(current[3:]))


def _fit(stretches: Array, pose: Array, target: Points, scan: Level) -> Array:
    """Scores (P,) of a pose after shifts and stretches (P, 6) about the centre of the target."""
    matrices = np.tile(np.eye(4), (len(stretches), 1, 1))
    factors = np.exp(stretches[:, 3:])
    matrices[:, range(3), range(3)] = factors
    matrices[:, :3, 3] = target.centre * (1 - factors) + stretches[:, :3]
    return score(pose @ matrices, target, scan).score
