"""What must hold of whatever the reader says about a mutated input, and whether a volume shows the head where it is.

The head is known at every point of the world (`dicom_series.head_hu`). *Inner* voxels lie so deep in one of its parts
that neither rounding nor, where slices were interpolated, interpolation changes anything there.
"""

from __future__ import annotations

import numpy as np
from dicom_series import head_hu
from geometries import world
from numpy.typing import NDArray
from slice_mutations import SECRET

from scripts.findings import KINDS, REFUSAL
from scripts.reading.inputs import Inspection
from scripts.volume import Volume

INNER_MM, INNER_RESAMPLED_MM, WRONG_HU = 1.0, 10.0, 20
"""How deep inner voxels lie, as they were scanned and interpolated, and from which error on a voxel is wrong."""

RESAMPLED = {"two_spacings", "uneven_spacing"}
"""Flags of volumes whose slices were interpolated."""

LONGEST_MESSAGE = 400
"""Characters of a finding."""

PERSONAL = (SECRET, "Invented^Patient", "INVENTED-1")
"""Texts of headers that no finding may hold."""

NOTED = {"thick_slices", "gantry_tilt"}
"""Flags that say nothing of a mutation."""


def complaint(inspection: Inspection) -> str:
    """What is wrong with what the reader said; empty if nothing is."""
    refusals = [finding for finding in inspection.findings if finding.severity == REFUSAL]
    for finding in inspection.findings:
        if finding.code not in KINDS or KINDS[finding.code].severity != finding.severity:
            return f"{finding.code} is not in the table"
        if not finding.message.isprintable() or len(finding.message) > LONGEST_MESSAGE:
            return f"a message of {len(finding.message)} characters, or with control characters: {finding.message!r}"
        if any(text.upper() in finding.message.upper() for text in PERSONAL):
            return f"a message holds a name: {finding.message}"
    if inspection.volume is None:
        return "" if refusals else "no volume, and no refusal"
    return "a volume, and a refusal" if refusals else bad_volume(inspection.volume)


def bad_volume(volume: Volume) -> str:
    """What is wrong with a volume on the face of it."""
    hu, affine = volume.hu, volume.affine
    if hu.dtype not in (np.int16, np.float32) or hu.ndim != 3 or not np.isfinite(hu).all():
        return f"voxels of type {hu.dtype} and shape {hu.shape}, perhaps not finite"
    if hu.min() < -1024:
        return f"values down to {hu.min()} HU"
    if affine.shape != (4, 4) or not np.isfinite(affine).all() or not (affine[3] == [0, 0, 0, 1]).all():
        return f"affine {affine.tolist()}"
    sizes = np.linalg.norm(affine[:3, :3], axis=0)
    if sizes.min() < 0.01 or sizes.max() > 50 or abs(np.linalg.det(affine[:3, :3] / sizes)) < 0.1:
        return f"voxels of {sizes.tolist()} mm, or a singular affine"
    if volume.valid is not None and (volume.valid.shape != hu.shape or volume.valid.dtype != bool):
        return "a mask that is none of the volume"
    return ""


def wrong_slices(volume: Volume) -> list[int]:
    """Slices in which over 2 % of the known inner voxels are not what the head is there."""
    grid = np.stack(np.meshgrid(*map(np.arange, volume.hu.shape), indexing="ij"), axis=-1)
    points = world(volume.affine, grid)
    truth = head_hu(points)
    inner = is_inner(points, truth, INNER_RESAMPLED_MM if is_resampled(volume) else INNER_MM)
    if volume.valid is not None:
        inner &= volume.valid
    wrong = inner & (np.abs(volume.hu.astype(np.float64) - truth) > WRONG_HU)
    share = wrong.sum(axis=(0, 1)) / np.maximum(inner.sum(axis=(0, 1)), 1)
    return np.flatnonzero(share > 0.02).tolist()


def is_resampled(volume: Volume) -> bool:
    """Whether slices were interpolated."""
    return bool(RESAMPLED & {finding.code for finding in volume.findings})


def is_inner(points: NDArray[np.float64], truth: NDArray[np.int16], depth_mm: float) -> NDArray[np.bool_]:
    """Where the head is the same at the point and around it."""
    inner = np.ones(truth.shape, dtype=bool)
    for axis in range(3):
        for side in (-depth_mm, depth_mm):
            step = np.zeros(3)
            step[axis] = side
            inner &= head_hu(points + step) == truth
    return inner


def flags_of(inspection: Inspection) -> set[str]:
    """The flags that may tell of a mutation."""
    return {finding.code for finding in inspection.findings} - NOTED
