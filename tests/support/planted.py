"""The reference head at 2 mm with a bleed planted in one hemisphere, stored in any axis order, as NIfTI or as DICOM.

The files hold the identifiers of an invented patient in their headers and names.
"""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any

import nibabel as nib
import numpy as np
from geometries import AXIS_ORDERS
from identifiers import FILE, FOLDER, plant, planted_nifti
from nibabel.orientations import apply_orientation, inv_ornt_aff, io_orientation, ornt_transform
from numpy.typing import NDArray

from scripts.assets import asset
from scripts.files.nifti import nifti_bytes
from scripts.simulation.scanner.series import write_series

Array = NDArray[np.float64]

STEP = 2
"""Every second voxel of the reference: 2 mm."""

BLEED_MM, RADIUS_MM, BLEED_HU = (32.0, -15.0, 25.0), 20.0, 70
"""Middle of the bleed (in the right hemisphere; -x in the left one), its radius (34 ml), and its HU."""

ORDERS = {geometry.name: geometry.affine for geometry in AXIS_ORDERS}
"""Axis orders by name, each as an affine that has it."""


@cache
def planted(side: str) -> tuple[NDArray[np.int16], Array]:
    """The head (I, J, K) in HU, axes along +R, +A, +S, with a bleed on the patient's "left" or "right"; its affine.

    Neither is to be written to.
    """
    image: Any = nib.load(asset("models/reference.nii.gz"))
    whole = np.rint(np.asarray(image.dataobj)).astype(np.int16)[::STEP, ::STEP, ::STEP]
    box = tuple(slice(max(0, n.min() - 4), n.max() + 5) for n in np.nonzero(whole > -500))
    affine = image.affine @ np.diag([STEP, STEP, STEP, 1.0])
    affine[:3, 3] += affine[:3, :3] @ [part.start for part in box]
    hu = whole[box].copy()
    middle = np.array(BLEED_MM) * [1 if side == "right" else -1, 1, 1]
    index = (middle - affine[:3, 3]) / STEP
    distance = np.linalg.norm(np.stack(np.indices(hu.shape), axis=-1) - index, axis=-1) * STEP
    hu[distance <= RADIUS_MM] = BLEED_HU
    hu.flags.writeable = affine.flags.writeable = False
    return hu, affine


def in_order(volume: NDArray[Any], affine: Array, order: str) -> tuple[NDArray[Any], Array]:
    """The same voxels in another axis order, and their affine."""
    change = ornt_transform(io_orientation(affine), io_orientation(ORDERS[order]))
    turned = np.ascontiguousarray(apply_orientation(volume, change))
    return turned, affine @ inv_ornt_aff(change, volume.shape)


def write_planted(folder: Path, side: str, order: str, kind: str) -> tuple[Path, list[str]]:
    """Write the head as "nifti" or "dicom"; the path to give to `run`, and further arguments for it."""
    import pydicom

    hu, affine = in_order(*planted(side), order)
    scan = scan_in(folder, kind)
    scan.parent.mkdir(parents=True)
    if kind == "nifti":
        scan.write_bytes(planted_nifti(nifti_bytes(hu, affine)))
        return scan, []
    for number, path in enumerate(write_series(scan, hu, affine, keep_axes=True)):
        dataset = pydicom.dcmread(path)
        plant(dataset)
        dataset.save_as(path)
        path.rename(path.with_name(f"{FILE}_{number:04d}.dcm"))
    return scan, ["--series-uid", series_uid(scan)]


def scan_in(folder: Path, kind: str) -> Path:
    """Where `write_planted` writes to."""
    return folder / FOLDER / f"{FILE}.nii.gz" if kind == "nifti" else folder / FOLDER


def series_uid(folder: Path) -> str:
    """The UID of a series; to name it is what a series that is not axial needs."""
    import pydicom

    return str(pydicom.dcmread(next(folder.iterdir()), stop_before_pixels=True).SeriesInstanceUID)
