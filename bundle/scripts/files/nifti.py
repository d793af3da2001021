"""Volumes as the bytes of a compressed NIfTI-1 file: the same volume gives the same bytes.

The affine goes into the *sform*, as three rows of float32, with code 1 ("scanner anatomical"). The *qform* can only
hold rotations: it is written, with code 1, where it says the same, and with code 0 ("unknown") for a sheared grid, as
of a scan with gantry tilt, so that no reader falls back to a grid without the shear.
"""

from __future__ import annotations

import gzip
import io
from typing import Any

import nibabel as nib
import numpy as np
from numpy.typing import NDArray

SCANNER_ANATOMICAL = 1
"""NIfTI's code for world coordinates of the scanner."""

GZIP_LEVEL = 1
"""Heatmaps are smooth floats: higher levels take several times longer and save a few percent."""

ORTHOGONAL_TOLERANCE = 1e-4
"""Cosine between two axes of a grid up to which it counts as unsheared."""


def nifti_bytes(volume: NDArray[Any], affine: NDArray[np.floating[Any]]) -> bytes:
    """A volume (I, J, K), or several on one grid (I, J, K, C), with its affine (4, 4) in RAS mm, as a `.nii.gz` file.

    The values are float32, int16 or uint8; the result is the bytes of the file.

    Raises:
        ValueError: neither 3-D nor 4-D, another type, a value that is not finite, or an affine that is not one.
    """
    if volume.ndim not in (3, 4) or volume.dtype not in (np.float32, np.int16, np.uint8):
        raise ValueError(f"a volume must be 3-D or 4-D and float32, int16 or uint8, got {volume.shape} {volume.dtype}")
    if not np.isfinite(volume).all():
        raise ValueError(f"{int((~np.isfinite(volume)).sum())} voxels are not finite; give unknown voxels a value")
    if affine.shape != (4, 4) or not np.isfinite(affine).all() or abs(np.linalg.det(affine)) < 1e-9:
        raise ValueError(f"the affine must be 4x4, finite and invertible, got {np.asarray(affine).tolist()}")
    image = nib.Nifti1Image(volume, affine)
    image.header.set_xyzt_units("mm")
    image.set_sform(affine, code=SCANNER_ANATOMICAL)
    image.set_qform(affine, code=0 if is_sheared(affine) else SCANNER_ANATOMICAL)
    stream = io.BytesIO()
    with gzip.GzipFile(filename="", mode="wb", compresslevel=GZIP_LEVEL, fileobj=stream, mtime=0) as packed:
        image.to_stream(packed)
    return stream.getvalue()


def is_sheared(affine: NDArray[np.floating[Any]]) -> bool:
    """True if the axes of a grid are not at right angles."""
    axes = affine[:3, :3] / np.linalg.norm(affine[:3, :3], axis=0)
    return bool(np.abs(axes.T @ axes - np.eye(3)).max() > ORTHOGONAL_TOLERANCE)
