"""Is what lies at a pose the head of an adult, upright, whole and in Hounsfield units?

A search finds the best pose of anything, and what fits best can still be no head. Measured at the pose, and judged by
`verdict`:

* *tipped*: the angle between the vertical axes of head and header. Beyond 120 degrees the head is upside down by its
  header: slices in reverse order mirror the head, and left and right can't be told then.
* *brain in view*: the share of the reference's intracranial region that shows head in the scan, neither air nor
  unknown. Half a head has half of it, whichever way it was cut.
* *brain density*: the median HU inside the skull. Brain has 25 to 45 HU; a shift or a factor of the HU moves it.
* *size*: by how much the braincase is longer than the reference's along its own three axes, found by stretching the
  pose until it fits best. Their product gives the *intracranial volume*; the largest over the smallest is the
  *distortion*, which a wrong distance of slices raises.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..geometry.affines import transform_points
from .score import Array, HeadImage, Level, Points, level, points, score

STRETCH_MM, STRETCH_POINTS = 6.0, 2500
"""Resolution and number of the points that are compared while the pose is stretched."""

BRAIN_POINTS = 4000
"""Points inside the skull at which the scan is looked at."""

STRETCH_STEP = np.array([4.0] * 3 + [0.08] * 3)
"""First steps of the stretch: shifts in mm, then logarithms of the sizes."""

LEAST_STEP = 0.1
"""The stretch ends when the steps are this share of the first."""

MOST_ROUNDS = 40
"""Most rounds of the stretch."""

SIZE_BOUNDS = (0.6, 1.6)
"""Sizes relative to the reference that are tried."""


@dataclass(frozen=True)
class PlausibilityTarget:
    """What is needed of the reference.

    Attributes:
        case: points of the braincase: inside the skull and the bone around it.
        brain: (N, 3), mm, points inside the skull, off the bone.
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
    """Numbers that say what lies at a pose (4, 4), reference mm to scan mm with the scale in it.

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
    """The share of the points (N, 3) where the scan shows head, and the median HU there; NaN where it shows none."""
    index = np.rint(transform_points(np.linalg.inv(scan.affine) @ pose, brain)).astype(np.int64)
    inside = np.all((index >= 0) & (index < scan.hu.shape), axis=1)
    at = tuple(index[inside].T)
    shown = scan.head[at] & scan.known[at]
    density = float(np.median(scan.hu[at][shown])) if shown.any() else float("nan")
    return float(shown.sum() / len(brain)), density


def stretched(pose: Array, target: Points, scan: Level) -> Array:
    """Factors (3,) along the reference's axes by which a pose (4, 4) has to be stretched to fit the scan best.

    Each round tries a step of every shift and size in both directions, about the middle of the braincase; the best one
    is taken, or the steps are halved.
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
