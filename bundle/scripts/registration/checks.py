"""Measurements that describe the scaled pose; `verdict` judges it.

* *ncc*: the mean normalised correlation of soft tissue and bone with the reference (see `score`);
* *symmetry*: the correlation of the scan with its own mirror image about the reference's mid-plane;
* *bone distance*: the median distance between the bone surfaces of scan and reference around the brain, averaged over
  both directions;
* *overlap*: the share of the head that lies in the field of view;
* *rotation* and *scale*: the angle of the head against its header, and its size relative to the reference.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from ..preprocessing.foreground import BONE_HU
from .quality import PoseQuality
from .score import Array, HeadImage, Level, Points, level, points, sample_zero, score, weighted_correlation

CHECK_MM, CHECK_POINTS = 4.0, 6000
"""Resolution and number of the points of NCC and symmetry."""

SURFACE_STEP = 3
"""Only every third point of a bone surface is measured."""

SKULL_MM = 18.0
"""Bone farther than this from the intracranial region is ignored: face, jaw and neck differ more between people."""

FAR_MM = 30.0
"""Distances between bone surfaces are cut off here."""


@dataclass(frozen=True)
class QualityTarget:
    """The reference head, prepared for the checks.

    Attributes:
        points: points in the head mask, for NCC and symmetry.
        surface: (N, 3), mm, points of the bone surface around the brain.
        depth_mm: (I, J, K) signed distance from the bone surface.
        skull: (I, J, K) mask of the intracranial region and 18 mm around it.
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


def pose_quality(pose: Array, scale: float, target: QualityTarget, scan: HeadImage) -> PoseQuality:
    """Measurements of a pose (4, 4), reference mm to scan mm, scale included."""
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
    """Median distance between the bone surfaces, reference mm, mean of both directions; 30 mm if there is no bone."""
    surface, depth = _bone_surface(scan)
    ahead = _apply(np.linalg.inv(scan.affine) @ pose, target.surface)
    known = _at(scan.known.astype(np.float32), ahead, 0.0) > 0.99
    there = np.abs(_at(depth, ahead[known], FAR_MM)) / scale
    back = _apply(np.linalg.inv(target.affine) @ np.linalg.inv(pose), surface[::SURFACE_STEP])
    near = _at(target.skull.astype(np.float32), back, 0.0) > 0.5
    here = np.abs(_at(target.depth_mm, back[near], FAR_MM))
    medians = [np.median(part) if len(part) > 0 else FAR_MM for part in (there, here)]
    return float(np.minimum(np.mean(medians), FAR_MM))


def _bone_surface(image: HeadImage) -> tuple[Array, NDArray[np.float32]]:
    """Points (N, 3) in mm on the outermost layer of bone voxels, and the signed distance (I, J, K) in mm from it.

    The distance is positive outside the bone and negative inside, so that it can be interpolated.
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
