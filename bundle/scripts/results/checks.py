"""Checks of a folder of results: the hashes by `record.verify`, and a look into the volumes.

A *problem* is a file's name and what is wrong with it. Hashes show that a file is as it was written; the volumes are
opened all the same, since a result is only as good as what can be read: each is finite and 3-D, all lie on one grid,
and the regions hold whole numbers from 0 to `LARGEST_LABEL`.
"""

from __future__ import annotations

import gzip
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .record import RESULT_NAME, ResultIncomplete, changed_files, read_result

VOLUME, REGIONS = ".nii.gz", "regions.nii.gz"
"""Suffix of volumes' names, and the volume of labels."""

LARGEST_LABEL = 3
"""Label of the skull, after 1 and 2, the hemispheres."""

SAME_PLACE_MM = 1e-3
"""Affines may differ by so much, which is the rounding of a header."""

Volumes = dict[str, tuple[tuple[int, ...], NDArray[np.float64]]]
"""Shape and affine by name."""


def read_map(path: Path) -> tuple[NDArray[Any], NDArray[np.float64]]:
    """Voxels (I, J, K) and affine (4, 4) of a NIfTI file.

    Raises:
        OSError, ValueError: there is no such file, or it can't be read as a volume.
    """
    import nibabel as nib

    try:
        image: Any = nib.load(path)
        return np.asanyarray(image.dataobj), np.asarray(image.affine)
    except (OSError, MemoryError):
        raise
    except Exception as error:  # nibabel raises many kinds on bytes that are not NIfTI
        raise ValueError(f"{path.name} can't be read as a volume ({type(error).__name__})") from error


def decoded_map(content: bytes) -> tuple[NDArray[Any], NDArray[np.float64]]:
    """Voxels (I, J, K) and affine (4, 4) of the bytes of a compressed NIfTI file."""
    import nibabel as nib

    image: Any = nib.Nifti1Image.from_bytes(gzip.decompress(content))  # to the end, with its checksum
    return np.asanyarray(image.dataobj), np.asarray(image.affine)


def problems(folder: Path) -> dict[str, str]:
    """The problems of the results in a folder, by file; empty if they are complete."""
    try:
        outputs = read_result(folder)["outputs"]
    except ResultIncomplete:
        missing = not (folder / RESULT_NAME).is_file()
        return {RESULT_NAME: "is missing" if missing else "is damaged, or not of this program"}
    found = changed_files(folder, outputs)
    grids: Volumes = {}
    for name in outputs:
        if name.endswith(VOLUME) and name not in found:
            try:
                if problem := _volume_problem(folder / name, name, grids):
                    found[name] = problem
            except Exception as error:  # nibabel raises many kinds on bytes that are not NIfTI
                found[name] = f"can't be read as a volume ({type(error).__name__})"
    return found


def _volume_problem(path: Path, name: str, grids: Volumes) -> str:
    """The problem of a volume; its grid is compared with the first of `grids`, to which it is added."""
    values, affine = decoded_map(path.read_bytes())
    if values.ndim != 3:
        return f"has {values.ndim} dimensions"
    if not np.isfinite(values).all():
        return "holds voxels that are NaN or infinite"
    if name == REGIONS and (values.min() < 0 or values.max() > LARGEST_LABEL or (values % 1).any()):
        return f"holds other labels than 0 to {LARGEST_LABEL}"
    grids[name] = values.shape, affine
    first, (shape, expected) = next(iter(grids.items()))
    if values.shape != shape or not np.allclose(affine, expected, rtol=0, atol=SAME_PLACE_MM):
        return f"lies on another grid than {first}"
    return ""
