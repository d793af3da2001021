"""Reading label maps of whole heads from NIfTI files; see `simulation.anatomy` for what they become."""

from __future__ import annotations

from pathlib import Path

import nibabel
import numpy as np

from .findings import PathMissing
from .simulation.anatomy import Anatomy, prepare

SUFFIXES = (".nii.gz", ".nii")


def anatomy_paths(folder: Path) -> list[Path]:
    """The label maps in a folder, by name.

    Raises:
        PathMissing: there is no such folder, or no NIfTI file in it.
    """
    found = sorted(path for path in folder.glob("*") if path.name.endswith(SUFFIXES))
    if not found:
        raise PathMissing(f"There is no label map (*.nii.gz) in {folder}. Give the folder that holds the anatomies.")
    return found


def load_anatomy(path: Path) -> Anatomy:
    """The prepared anatomy in a NIfTI file of any orientation.

    Raises:
        PathMissing: there is no such file.
        ValueError: the file holds no volume of integers, or an empty one.
    """
    if not path.is_file():
        raise PathMissing(f"There is no file {path}. Give a label map of a whole head (.nii.gz).")
    image = nibabel.as_closest_canonical(nibabel.load(path))
    values = np.asarray(image.dataobj)
    labels = values.astype(np.int16)
    if not np.array_equal(labels, values):
        raise ValueError(f"{path.name} is not a label map: its values are no whole numbers between -32768 and 32767")
    return prepare(labels, np.asarray(image.affine, dtype=np.float64))
