"""Rigid registration of a scan to the reference head: a start, then ITK, then the checks.

The *pose* is a similarity from reference mm to scan mm (see `pose_score`). The *start* is a pose within a few mm: the
coarse network of `locator` finds it, or the search of `pose_search` where the network does not. ITK refines its six
rigid parameters inside the brain (see `mutual_information`), with the scale absorbed in the reference's geometry and
frozen; a pose that a bleed drew aside is straightened (see `mid_plane`). The *registration* keeps rotation and
translation only: it maps scan mm to reference mm and leaves the middle of the brain's structures, by which reference
space is anchored, where the scaled pose has it. The checks of `pose_quality` judge the scaled pose, those of
`plausibility` what lies there.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from ..geometry.boxes import bounding_box
from ..geometry.coordinates import CENTRE_MM
from ..geometry.resampling import block_mean, to_canonical
from ..networks.position import DensePositionNet
from ..preprocessing.foreground import validity
from .checks import CHECK_MM, PASS_SYMMETRY, QualityTarget, judge, pose_quality, quality_target, symmetry
from .locator import Located, locate
from .mid_plane import straightened
from .plausibility import PlausibilityTarget, plausibility, plausibility_target
from .refine import rigid_by_mutual_information
from .robust_fit import agreement
from .score import WORKING_MM, Array, HeadImage, head_image, level
from .search import Found, Target, climb_from, search, search_target

BRAIN_HU = (0.0, 60.0)
"""Window of the mutual information: what distinguishes CSF, white and grey matter; all bone is the same."""

HEAD_MARGIN_MM = 8.0
"""How far beyond the head the search compares the images: its outline is what aligns them coarsely."""

BRAIN_DEPTH_MM = 4.0
"""The refinement stays this far inside the skull: it aligns the brain, to which the shape of the skull is no guide."""

TRUSTED = 0.4
"""Inlier fraction from which the locator's pose is worth refining."""


@dataclass(frozen=True)
class Reference:
    """The reference head as registration needs it, all at 2 mm; make it once a process with `prepare_reference`.

    `brain` is the inner part of the intracranial mask, where the refinement compares the images.
    """

    image: HeadImage
    brain: NDArray[np.bool_]
    target: Target
    quality: QualityTarget
    plausible: PlausibilityTarget


@dataclass(frozen=True)
class Registration:
    """A rigid registration: matrix (4, 4) from scan mm to reference mm, numbers that describe it, and the verdict.

    `verdict` is "pass", "review" (a flag: look at it) or "fail" (no heatmap is made); `reasons` says why not "pass".
    `start` says what found the pose that was refined: "locator" or "search".
    """

    matrix: Array
    quality: dict[str, float]
    verdict: str
    reasons: tuple[str, ...] = field(default=())
    start: str = "search"


def prepare_reference(
    volume_hu: NDArray[np.float32], head: NDArray[np.bool_], intracranial: NDArray[np.bool_], affine: Array
) -> Reference:
    """Prepare a reference head (I, J, K) in HU with its head and intracranial masks, axes along +R, +A, +S.

    Raises:
        ValueError: shapes differ, a mask is empty, or the axes are not +R, +A, +S.
    """
    if not volume_hu.shape == head.shape == intracranial.shape:
        raise ValueError(f"reference and masks differ in shape: {volume_hu.shape}, {head.shape}, {intracranial.shape}.")
    if not (head.any() and intracranial.any()):
        raise ValueError("a mask of the reference is empty: make the reference again.")
    if not np.allclose(affine[:3, :3], np.diag(np.abs(np.diag(affine)[:3]))):
        raise ValueError(f"the axes of the reference must be +R, +A, +S, got {affine[:3, :3].tolist()}.")
    known = np.ones(volume_hu.shape, dtype=bool)
    image = head_image(volume_hu.astype(np.float32), known, affine)
    head_share, _, _ = block_mean(head.astype(np.float32), known, affine, WORKING_MM)
    brain_share, _, _ = block_mean(intracranial.astype(np.float32), known, affine, WORKING_MM)
    around, inside = grown(head_share >= 0.5, HEAD_MARGIN_MM), brain_share >= 0.5
    target, quality = search_target(image, around), quality_target(image, around, inside)
    brain = ~grown(~inside, BRAIN_DEPTH_MM)
    plausible = plausibility_target(image, quality.skull, brain, float(inside.sum()) * WORKING_MM**3 / 1000)
    return Reference(image, brain, target, quality, plausible)


def grown(mask: NDArray[np.bool_], distance_mm: float) -> NDArray[np.bool_]:
    """A mask on voxels of 2 mm, with all voxels that lie at most `distance_mm` from it."""
    near: NDArray[np.bool_] = ndimage.distance_transform_edt(~mask, sampling=WORKING_MM) <= distance_mm
    return near


def register(
    volume_hu: NDArray[np.float32], affine: Array, reference: Reference, locator: DensePositionNet | None = None
) -> Registration:
    """Register a scan (I, J, K) in HU, voxels below -1500 HU being outside its field of view, to the reference.

    The volume's axes may be in any order and direction: it is brought to the order closest to +R, +A, +S first. With a
    trained coarse network as `locator` the pose that it finds is the start. The search is the start where there is no
    locator, where too few of its predictions agree, or where the checks don't pass what came of it; of two poses, the
    one that the checks find better is kept.

    Raises:
        ValueError: the scan holds no head, or its affine is singular.
    """
    volume, canonical = to_canonical(volume_hu, affine)
    scan = head_image(volume, validity(volume), canonical)
    located = locate(locator, scan) if locator is not None else None
    tried = []
    if located is not None and located.fit.inlier_fraction >= TRUSTED:
        found = climb_from(reference.target, scan, located.fit.matrix)
        tried.append(_registration(found, "locator", reference, scan, located))
    if not tried or tried[0].verdict != "pass":
        tried.append(_registration(search(reference.target, scan), "search", reference, scan, located))
    return max(tried, key=_merit)


def _registration(
    found: Found, start: str, reference: Reference, scan: HeadImage, located: Located | None
) -> Registration:
    """The registration that comes of a start, with its verdict.

    Where the refined pose leaves the halves of the head unlike, it is straightened: a bleed may have drawn it aside.
    """
    pose, moved_mm = refine(found.matrix, found.scale, reference, scan), 0.0
    fine = level(scan, CHECK_MM)
    if symmetry(pose, reference.quality.points, fine) < PASS_SYMMETRY:
        pose, moved_mm = straightened(pose, reference.quality.points, fine)
    quality = described(pose, found.scale, reference, scan, located) | {"straightened_mm": moved_mm}
    verdict, reasons = judge(quality)
    return Registration(without_scale(pose, found.scale, np.array(CENTRE_MM)), quality, verdict, reasons, start)


def described(
    pose: Array, scale: float, reference: Reference, scan: HeadImage, located: Located | None
) -> dict[str, float]:
    """The numbers of `pose_quality` and `plausibility` for a pose (4, 4) with this scale, and the agreement."""
    quality = pose_quality(pose, scale, reference.quality, scan)
    quality |= plausibility(pose, scale, reference.plausible, scan)
    return quality if located is None else {**quality, "inlier_fraction": agreement(pose, located.matches)}


def _merit(registration: Registration) -> tuple[int, float]:
    """What makes one registration better than another: its verdict, then correlation and symmetry."""
    rank = ("fail", "review", "pass").index(registration.verdict)
    return rank, registration.quality["ncc"] + registration.quality["symmetry"]


def without_scale(pose: Array, scale: float, centre: Array) -> Array:
    """Rigid matrix (4, 4), scan mm to reference mm, that agrees with the scaled pose at `centre` (3,), reference mm."""
    rotation = pose[:3, :3] / scale
    matrix = np.eye(4)
    matrix[:3, :3] = rotation.T
    matrix[:3, 3] = centre - rotation.T @ (pose[:3, :3] @ centre + pose[:3, 3])
    return matrix


def refine(pose: Array, scale: float, reference: Reference, scan: HeadImage) -> Array:
    """The pose (4, 4) after ITK's refinement of its rotation and translation, the scale kept.

    The reference is enlarged by the scale about the origin of its space, so that what is left is rigid.
    """
    enlarge = np.diag([scale] * 3 + [1.0])
    box = bounding_box(reference.brain)
    grid = enlarge @ reference.image.affine
    grid[:3, 3] += grid[:3, :3] @ [part.start for part in box]
    fixed = (_windowed(reference.image.hu[box]), reference.brain[box], grid)
    moving = (_windowed(scan.hu), scan.known, scan.affine)
    return rigid_by_mutual_information(fixed, moving, pose @ np.linalg.inv(enlarge)) @ enlarge


def _windowed(volume_hu: NDArray[np.float32]) -> NDArray[np.float32]:
    """The volume clipped to the brain window."""
    return np.clip(volume_hu, *BRAIN_HU)
