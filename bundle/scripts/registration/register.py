"""Rigid registration of a scan to the reference head: a start, then ITK, then the verdict.

The *pose* is a similarity from reference mm to scan mm (see `score`). The *start* is a pose within a few mm: the
coarse network of `locator` finds it, or `search` where the network does not. ITK refines its six
rigid parameters inside the brain (see `refine`), with the scale absorbed in the reference's geometry and
frozen. The *registration* keeps rotation and translation only: it maps scan mm to reference mm and leaves the middle
of the brain's structures, by which reference space is anchored, where the scaled pose has it. The *quality* describes
the scaled pose and what lies there (see `brain_level`, `checks`, `plausibility`), and `verdict` judges it.
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
from .refine import rigid_by_mutual_information
from .robust_fit import agreement
from .score import WORKING_MM, Array, HeadImage, head_image
from .search import Found, Target, climb_from, search, search_target
from .verdict import judge

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
    level: BrainTarget
    target: Target
    quality: QualityTarget
    plausible: PlausibilityTarget


@dataclass(frozen=True)
class Scan:
    """What of a scan is measured at every pose: its head image and its brain image."""

    head: HeadImage
    brain: BrainImage


@dataclass(frozen=True)
class Registration:
    """A rigid registration: matrix (4, 4) from scan mm to reference mm, numbers that describe it, and the verdict.

    `verdict` is "pass", "review" (a flag: look at it) or "fail" (no heatmap is made); `reasons` says why not "pass".
    `head` says whether what lies at the pose is taken for a head; where it is not, the verdict is "fail". `start` says
    what found the pose that was refined: "locator" or "search".
    """

    matrix: Array
    quality: dict[str, float]
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
    """A mask on voxels of 2 mm, with all voxels that lie at most `distance_mm` from it."""
    near: NDArray[np.bool_] = ndimage.distance_transform_edt(~mask, sampling=WORKING_MM) <= distance_mm
    return near


def register(
    volume_hu: NDArray[np.float32], affine: Array, reference: Reference, locator: DensePositionNet | None = None
) -> Registration:
    """Register a scan (I, J, K) in HU, voxels below -1500 HU being outside its field of view, to the reference.

    The volume's axes may be in any order and direction: it is brought to the order closest to +R, +A, +S first. Starts
    are refined until a pose passes; if none does, the pose of the highest level is kept.

    Raises:
        ValueError: the scan holds no head, or its affine is singular.
    """
    scan, tried = prepare_scan(volume_hu, affine), []
    for start, found, located in starts(reference, scan, locator):
        tried.append(_registration(found, start, reference, scan, located))
        if tried[-1].verdict == "pass":
            break
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
    """The starts, cheapest first: what found it, the start, and what the coarse network found in the scan.

    The coarse network's pose comes first, if enough of its predictions agree: of a head that lies as the header says,
    then of one that lies in any way; at last, or where there is no network, that of the search.

    Raises:
        ValueError: the scan holds no head.
    """
    located = None
    if locator is not None:
        for turned in (False, True):
            located = locate(locator, scan.head, turned)
            if located is not None and located.turned == turned and located.fit.inlier_fraction >= TRUSTED:
                yield "locator", climb_from(reference.target, scan.head, located.fit.matrix), located
    yield "search", search(reference.target, scan.head), located


def _registration(found: Found, start: str, reference: Reference, scan: Scan, located: Located | None) -> Registration:
    """The registration that comes of a start, with its verdict."""
    pose = refine(found.matrix, found.scale, reference, scan.head)
    quality = described(pose, found.scale, reference, scan, located)
    verdict, reasons, head = judge(quality)
    matrix = without_scale(pose, found.scale, np.array(CENTRE_MM))
    return Registration(matrix, quality, verdict, reasons, start, head)


def described(pose: Array, scale: float, reference: Reference, scan: Scan, located: Located | None) -> dict[str, float]:
    """The quality of a pose (4, 4), reference mm to scan mm, with this scale; the agreement where there is one."""
    level = brain_level(pose, reference.level, scan.brain)
    quality = {"level": level, "peak": brain_peak(pose, level, reference.level, scan.brain)}
    quality |= pose_quality(pose, scale, reference.quality, scan.head)
    quality |= plausibility(pose, scale, reference.plausible, scan.head)
    return quality if located is None else {**quality, "inlier_fraction": agreement(pose, located.matches)}


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
