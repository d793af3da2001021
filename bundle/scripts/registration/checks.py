"""Is a pose right? What is measured at the scaled pose, and the verdict.

The metric alone can't tell: a pose that is wrong by 48 degrees can score higher than the right one, and overlap
measures (brain Dice) are the same for both. Each check sees something else:

* *ncc*: the mean normalised correlation of soft tissue and bone with the reference (see `pose_score`);
* *symmetry*: the correlation of the scan with its own mirror image about the reference's mid-plane;
* *bone distance*: how far the bone surfaces of scan and reference lie apart around the brain: the median, the mean of
  both directions;
* *overlap*: the share of the head that lies in the field of view;
* *rotation* and *scale*: how far the head is turned against its header, and its size relative to the reference;
* *agreement*: the inlier fraction (see `robust_fit`) at this pose of what the coarse network of `locator` predicted,
  where there is one and it found a head;
* *straightened*: how far the pose was moved because its halves were unlike (see `mid_plane`): if far, for review.

The grades of `plausibility` come first: what lies at the pose has to be a head, too.

All that were measured pass: "pass". Values a little worse, or a size beyond what was measured, are for "review".
Anything else is "fail". Four checks weigh together (see `balance`): where correlation, symmetry, bone distance or
agreement misses its limit by little, the pose passes if the others make up for it. A head may be unlike the reference,
and yet as symmetric as it should be, and found by the network, too.

From `REVIEW_AGREEMENT` on, the agreement is the better judge of three things, which are then for review: any rotation,
and a correlation or a bone distance as far as `AGREED_NCC` and `AGREED_BONE_MM`. Beyond what the balance allows it
excuses no lack of symmetry, and never one of overlap. Where it is lower, the other checks decide as without it, and the
pose is for review unless they make up for it. No check sees an error below 10 mm, some of up to 20 mm pass, and none
sees a left-right mirrored scan.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from ..preprocessing.foreground import BONE_HU
from .plausibility import Grade, plausibility_grades
from .score import Array, HeadImage, Level, Points, level, points, sample_zero, score, weighted_correlation

PASS_NCC, REVIEW_NCC = 0.7, 0.65
"""NCC from which a pose passes by itself (see `LIMITS`), and from which it is for review."""

PASS_SYMMETRY, REVIEW_SYMMETRY = 0.85, 0.8
"""Correlation with the own mirror image; a midline shift or a craniectomy lowers it little."""

PASS_BONE_MM, REVIEW_BONE_MM = 1.8, 3.2
"""Distance between bone surfaces: 1.2 to 1.4 between simulated heads, 1.8 for a real one, 2.9 for a blurred mean."""

PASS_ROTATION_DEG, REVIEW_ROTATION_DEG = 45.0, 65.0
"""Rotations against the orientation in the header: nothing was measured beyond the first; beyond the second, wrong."""

SCALE = (0.8, 1.2)
"""Head sizes relative to the reference beyond which a pose is for review (a child, or a wrong spacing)."""

OVERLAP = 0.35
"""Share of the head that must lie in the field of view."""

PASS_AGREEMENT, REVIEW_AGREEMENT = 0.45, 0.45
"""Agreement from which a pose passes by itself (see `LIMITS`), and from which it excuses other checks.

On 76 scans of three held-out anatomies 131 of 137 right poses reached the second (0.41 to 0.44 for five, and 0.04 where
the network saw none of the head right), none of 123 wrong ones (0.41 at most); bodies 0.04, shuffled slices 0.29.
A wrong pose that the network itself found can reach more (one, 54 mm off, 0.46): the other checks must hold as well.
"""

LIMITS = {
    "ncc": (PASS_NCC, -0.05),
    "symmetry": (PASS_SYMMETRY, -0.05),
    "bone_distance_mm": (PASS_BONE_MM, 0.4),
    "inlier_fraction": (PASS_AGREEMENT, -0.1),
}
"""The checks that weigh together: the limit of each, and its *slack*, by which it may miss the limit at most.

Of 109 right poses of three held-out anatomies 95 pass by the limits alone, 108 with the slack; of 535 wrong ones, over
20 mm off, none does either way.
"""

WORDS = {
    "ncc": "correlation with the reference head {:.2f}, should be {}",
    "symmetry": "symmetry {:.2f}, should be {}",
    "bone_distance_mm": "skulls {:.1f} mm apart, should be {}",
    "inlier_fraction": "the position network agrees with {:.0%} of the head, should be {:.0%}",
}
"""What is said of a value and its limit."""

PASS_STRAIGHTENED_MM = 3.0
"""A pose that was straightened by no more passes; validation heads without lesions were moved by 1.7 to 3.7 mm."""

AGREED_NCC, AGREED_BONE_MM = 0.55, 4.0
"""What is for review, no longer wrong, where the network agrees.

Right poses: 0.57 and 2.1 mm, the real head 0.62; one whose refinement went astray by 5 mm has 0.15 and 4.6 mm.
"""

CHECK_MM, CHECK_POINTS = 4.0, 6000
"""Resolution and number of the points of NCC and symmetry."""

SURFACE_STEP = 3
"""Every third point of a bone surface is measured."""

SKULL_MM = 18.0
"""Bone farther than this from the intracranial region is face, jaw or neck, which differ more between people."""

FAR_MM = 30.0
"""Distances between bone surfaces are cut off here."""


@dataclass(frozen=True)
class QualityTarget:
    """What the checks need of the reference.

    Attributes:
        points: points in the head mask, for NCC and symmetry.
        surface: (N, 3), mm, points of the bone surface around the brain.
        depth_mm: (I, J, K) signed distance from the bone surface.
        skull: (I, J, K) mask of what lies around the brain.
        affine: (4, 4) of both volumes.
    """

    points: Points
    surface: Array
    depth_mm: NDArray[np.float32]
    skull: NDArray[np.bool_]
    affine: Array


def quality_target(reference: HeadImage, head: NDArray[np.bool_], intracranial: NDArray[np.bool_]) -> QualityTarget:
    """Prepare the checks for a reference head image, its head mask and its intracranial mask, on the same grid."""
    at = points(reference, head, np.zeros(3), CHECK_MM, CHECK_POINTS)
    spacing = np.linalg.norm(reference.affine[:3, :3], axis=0)
    skull: NDArray[np.bool_] = ndimage.distance_transform_edt(~intracranial, sampling=spacing) <= SKULL_MM
    surface, depth = _bone_surface(reference)
    near = _at(skull.astype(np.float32), _apply(np.linalg.inv(reference.affine), surface), 0.0) > 0.5
    return QualityTarget(at, surface[near][::SURFACE_STEP], depth, skull, reference.affine)


def pose_quality(pose: Array, scale: float, target: QualityTarget, scan: HeadImage) -> dict[str, float]:
    """Numbers that describe a pose (4, 4), reference mm to scan mm with the scale in it.

    Returns:
        ncc, symmetry, overlap and scale as fractions, bone_distance_mm, rotation_deg.
    """
    fine = level(scan, CHECK_MM)
    scores = score(pose[None], target.points, fine)
    rotation = pose[:3, :3] / scale
    cosine = np.clip((np.trace(rotation) - 1) / 2, -1.0, 1.0)
    return {
        "ncc": float(scores.ncc[0]),
        "symmetry": symmetry(pose, target.points, fine),
        "bone_distance_mm": bone_distance_mm(pose, scale, target, scan),
        "overlap": float(scores.overlap[0]),
        "rotation_deg": float(np.rad2deg(np.arccos(cosine))),
        "scale": float(scale),
    }


def symmetry(pose: Array, target: Points, scan: Level) -> float:
    """Mean over the channels of the correlation between a scan and its mirror image about the reference's x = 0."""
    sides = np.stack([target.at, target.at * [-1.0, 1.0, 1.0]])
    values = sample_zero(scan.values, _apply(np.linalg.inv(scan.affine) @ pose, sides))
    weight = np.minimum(values[2, 0], values[2, 1])[None]
    plain = values[:2] / np.maximum(values[2], np.float32(1e-3))
    parts = [weighted_correlation(plain[c, :1] * weight, weight, plain[c, 1:]) for c in range(2)]
    return float(np.mean(parts))


def bone_distance_mm(pose: Array, scale: float, target: QualityTarget, scan: HeadImage) -> float:
    """Median distance between the bone surfaces, reference mm, mean of both directions; 30 mm where there is none."""
    surface, depth = _bone_surface(scan)
    ahead = _apply(np.linalg.inv(scan.affine) @ pose, target.surface)
    known = _at(scan.known.astype(np.float32), ahead, 0.0) > 0.99
    there = np.abs(_at(depth, ahead[known], FAR_MM)) / scale
    back = _apply(np.linalg.inv(target.affine) @ np.linalg.inv(pose), surface[::SURFACE_STEP])
    near = _at(target.skull.astype(np.float32), back, 0.0) > 0.5
    here = np.abs(_at(target.depth_mm, back[near], FAR_MM))
    medians = [np.median(part) if len(part) > 0 else FAR_MM for part in (there, here)]
    return float(np.minimum(np.mean(medians), FAR_MM))


def judge(quality: dict[str, float]) -> tuple[str, tuple[str, ...]]:
    """The verdict "pass", "review" or "fail", and for the latter two the reasons, each with its number."""
    grades = _grades(quality)
    failures = tuple(text for _, tolerable, text in grades if not tolerable)
    doubts = tuple(text for good, _, text in grades if not good)
    return ("fail", failures) if failures else ("review", doubts) if doubts else ("pass", ())


def _grades(quality: dict[str, float]) -> tuple[Grade, ...]:
    """Of each check whether it passes, whether it is tolerable, and its number in words."""
    low, high = SCALE
    turned, size, seen = quality["rotation_deg"], quality["scale"], quality["overlap"]
    agreed, moved = quality.get("inlier_fraction"), quality.get("straightened_mm", 0.0)
    least_ncc, most_apart, most_turned = REVIEW_NCC, REVIEW_BONE_MM, REVIEW_ROTATION_DEG
    if agreed is not None and agreed >= REVIEW_AGREEMENT:
        least_ncc, most_apart, most_turned = AGREED_NCC, AGREED_BONE_MM, np.inf
    return (
        *plausibility_grades(quality),
        *_weighed_grades(quality, least_ncc, most_apart),
        (
            turned <= PASS_ROTATION_DEG,
            turned <= most_turned,
            f"turned by {turned:.0f} degrees, should be {PASS_ROTATION_DEG:.0f}",
        ),
        (low <= size <= high, True, f"head size {size:.2f} of the reference, should be {low} to {high}"),
        (seen >= OVERLAP, seen >= OVERLAP, f"{seen:.0%} of the head in the field of view, should be {OVERLAP:.0%}"),
        (
            moved <= PASS_STRAIGHTENED_MM,
            True,
            f"moved by {moved:.1f} mm to match both sides of the skull: is the brain pushed aside?",
        ),
    )


def _weighed_grades(quality: dict[str, float], least_ncc: float, most_apart: float) -> tuple[Grade, ...]:
    """The grades of the checks of `LIMITS` that were measured; the arguments are what is tolerable of two of them.

    Any agreement is tolerable: alone it refuses nothing.
    """
    tolerable = {"ncc": least_ncc, "symmetry": REVIEW_SYMMETRY, "bone_distance_mm": most_apart, "inlier_fraction": 0.0}
    enough = balance(quality) >= 0
    return tuple(
        (
            enough or _inside(quality[name], limit, slack) >= 0,
            _inside(quality[name], tolerable[name], slack) >= 0,
            WORDS[name].format(quality[name], limit),
        )
        for name, (limit, slack) in LIMITS.items()
        if name in quality
    )


def balance(quality: dict[str, float]) -> float:
    """What the checks of `LIMITS` that were measured leave over together, in units of their slacks.

    Each counts by how far it lies inside its limit, at most 1; minus infinity where one misses it by more than its
    slack. From 0 on, what some lack others make up for.
    """
    parts = [_inside(quality[name], limit, slack) for name, (limit, slack) in LIMITS.items() if name in quality]
    return float(np.minimum(parts, 1).sum()) if min(parts) >= -1 else -np.inf


def _inside(value: float, limit: float, slack: float) -> float:
    """By how many slacks a value lies inside a limit: 0 on it, negative beyond it."""
    return (limit - value) / slack


def _bone_surface(image: HeadImage) -> tuple[Array, NDArray[np.float32]]:
    """Points (N, 3) in mm on the outermost layer of bone voxels, and the signed distance (I, J, K) in mm from it.

    The distance is positive outside and negative in the depth of the bone, so that it can be interpolated.
    """
    solid = image.hu > BONE_HU
    if not solid.any() or solid.all():
        return np.zeros((0, 3)), np.full(image.hu.shape, FAR_MM, np.float32)
    spacing = np.linalg.norm(image.affine[:3, :3], axis=0)
    inside = ndimage.distance_transform_edt(solid, sampling=spacing)
    depth = ndimage.distance_transform_edt(~solid, sampling=spacing) - np.maximum(inside - spacing.mean(), 0)
    layer = np.argwhere(solid & (depth == 0)).astype(np.float64)
    return _apply(image.affine, layer), np.clip(depth, -FAR_MM, FAR_MM).astype(np.float32)


def _apply(matrix: NDArray[Any], points: NDArray[Any]) -> Array:
    """The points (..., 3) moved by a matrix (4, 4)."""
    moved: Array = np.einsum("ij,...j->...i", matrix[:3, :3], points) + matrix[:3, 3]
    return moved


def _at(volume: NDArray[np.float32], index: Array, outside: float) -> NDArray[np.float32]:
    """Linear interpolation (N,) of a volume (I, J, K) at indices (N, 3)."""
    values: NDArray[np.float32] = ndimage.map_coordinates(volume, index.T, order=1, mode="constant", cval=outside)
    return values
