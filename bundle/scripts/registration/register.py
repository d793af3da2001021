"""Rigid registration of a scan to the reference head: a start, then ITK, then the verdict.

The *pose* is a similarity from reference mm to scan mm (see `score`). The *start* is a pose within a few mm of the
right one: the coarse network of `locator` finds it, or else `search`. ITK refines its six rigid parameters inside the
brain (see `refine`); the scale is frozen, absorbed in the reference's geometry. The *registration* keeps rotation and
translation only and maps scan mm to reference mm. It agrees with the scaled pose at the middle of the brain, where
reference space is anchored. The *quality* is a set of measurements at the scaled pose (see `brain_level`, `checks`,
`plausibility`), which `verdict` judges.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from ..geometry.boxes import bounding_box
from ..geometry.coordinates import CENTRE_MM
from ..geometry.resampling import block_mean, to_canonical
from ..networks.position import DensePositionNet
from ..preprocessing.foreground import validity
from .brain_level import BrainImage, BrainTarget, brain_image, brain_level, brain_peak, brain_target
from .checks import QualityTarget, pose_quality, quality_target
from .locator import Located, locate
from .plausibility import PlausibilityTarget, plausibility, plausibility_target
from .quality import Quality
from .refine import rigid_by_mutual_information
from .robust_fit import agreement
from .score import WORKING_MM, Array, HeadImage, head_image
from .search import Found, Target, climb_from, search, search_target
from .verdict import judge

BRAIN_HU = (0.0, 60.0)
"""HU window of the mutual information: it separates CSF, white and grey matter, and makes all bone equal."""

HEAD_MARGIN_MM = 8.0
"""Margin around the head in which the search compares the images: the outline aligns them coarsely."""

BRAIN_DEPTH_MM = 4.0
"""Distance from the skull that the refinement keeps: it aligns the brain, not the skull, whose shape differs."""

TRUSTED = 0.4
"""Smallest inlier fraction at which the locator's pose is refined."""


@dataclass(frozen=True)
class Reference:
    """The reference head, prepared for registration at 2 mm; make it once per process with `prepare_reference`.

    `brain` is the inner part of the intracranial mask, where the refinement compares the images.
    """

    image: HeadImage
    brain: NDArray[np.bool_]
    level: BrainTarget
    target: Target
    quality: QualityTarget
    plausible: PlausibilityTarget


@dataclass(frozen=True)
class Scan:
    """A scan, prepared for measurements at any pose: its head image and its brain image."""

    head: HeadImage
    brain: BrainImage


@dataclass(frozen=True)
class Registration:
    """A rigid registration: matrix (4, 4) from scan mm to reference mm, numbers that describe it, and the verdict.

    `verdict` is "pass", "review" (a flag: look at it) or "fail" (no heatmap is made); `reasons` says why not "pass".
    `head` is False where no head was recognised at the pose; the verdict is then "fail". `start` names the method that
    found the start: "locator" or "search".
    """

    matrix: Array
    quality: Quality
    verdict: str
    reasons: tuple[str, ...] = field(default=())
    start: str = "search"
    head: bool = True


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
    return Reference(image, brain, brain_target(image, inside), target, quality, plausible)


def grown(mask: NDArray[np.bool_], distance_mm: float) -> NDArray[np.bool_]:
    """A mask on voxels of 2 mm, dilated by `distance_mm`."""
    near: NDArray[np.bool_] = ndimage.distance_transform_edt(~mask, sampling=WORKING_MM) <= distance_mm
    return near


def register(
    volume_hu: NDArray[np.float32], affine: Array, reference: Reference, locator: DensePositionNet | None = None
) -> Registration:
    """Register a scan (I, J, K) in HU, voxels below -1500 HU being outside its field of view, to the reference.

    The volume's axes may be in any order and direction: they are first reordered to those closest to +R, +A, +S. Starts
    are refined until a pose passes; if none does, the pose of the highest level is kept.

    Raises:
        ValueError: the scan shows no head, or its affine is singular.
    """
    scan, tried = prepare_scan(volume_hu, affine), []
    for start, found, located in starts(reference, scan, locator):
        tried.append(_registration(found, start, reference, scan, located))
        if tried[-1].verdict == "pass":
            return tried[-1]
    return max(tried, key=lambda one: one.quality["level"])


def prepare_scan(volume_hu: NDArray[np.float32], affine: Array) -> Scan:
    """Prepare a scan (I, J, K) in HU, its axes in any order and direction, for the registration.

    Raises:
        ValueError: its affine is singular.
    """
    volume, canonical = to_canonical(volume_hu, affine)
    image = head_image(volume, validity(volume), canonical)
    return Scan(image, brain_image(image))


def starts(
    reference: Reference, scan: Scan, locator: DensePositionNet | None
) -> Iterator[tuple[str, Found, Located | None]]:
    """The starts, cheapest first: method, start, and the result of the coarse network.

    The coarse network's pose comes first, if enough of its predictions agree: in the header's orientation, then in any
    orientation. The search comes last, or alone if there is no network.

    Raises:
        ValueError: the scan shows no head.
    """
    located = None
    if locator is not None:
        for turned in (False, True):
            located = locate(locator, scan.head, turned)
            if located is not None and located.turned == turned and located.fit.inlier_fraction >= TRUSTED:
                yield "locator", climb_from(reference.target, scan.head, located.fit.matrix), located
    yield "search", search(reference.target, scan.head), located


def _registration(found: Found, start: str, reference: Reference, scan: Scan, located: Located | None) -> Registration:
    """The registration refined from a start, with its verdict."""
    pose = refine(found.matrix, found.scale, reference, scan.head)
    quality = described(pose, found.scale, reference, scan, located)
    verdict, reasons, head = judge(quality)
    matrix = without_scale(pose, found.scale, np.array(CENTRE_MM))
    return Registration(matrix, quality, verdict, reasons, start, head)


def described(pose: Array, scale: float, reference: Reference, scan: Scan, located: Located | None) -> Quality:
    """The quality of a pose (4, 4), reference mm to scan mm, and its scale; agreement only if `located` is given."""
    level = brain_level(pose, reference.level, scan.brain)
    quality: Quality = {
        "level": level,
        "peak": brain_peak(pose, level, reference.level, scan.brain),
        **pose_quality(pose, scale, reference.quality, scan.head),
        **plausibility(pose, scale, reference.plausible, scan.head),  # type: ignore[typeddict-item]  # no agreement
    }
    if located is not None:
        quality["inlier_fraction"] = agreement(pose, located.matches)
    return quality


def without_scale(pose: Array, scale: float, centre: Array) -> Array:
    """Rigid matrix (4, 4), scan mm to reference mm, that agrees with the scaled pose at `centre` (3,), reference mm."""
    rotation = pose[:3, :3] / scale
    matrix = np.eye(4)
    matrix[:3, :3] = rotation.T
    matrix[:3, 3] = centre - rotation.T @ (pose[:3, :3] @ centre + pose[:3, 3])
    return matrix


def refine(pose: Array, scale: float, reference: Reference, scan: HeadImage) -> Array:
    """The pose (4, 4) after ITK's refinement of its rotation and translation, the scale kept.

    The reference is enlarged by the scale about the origin of its space, so that the remaining transform is rigid.
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
