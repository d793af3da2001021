"""Volumes as the bytes of a compressed NIfTI-1 file: the same volume gives the same bytes.

The affine goes into the *sform*, as three rows of float32, with code 1 ("scanner anatomical"). The *qform* can only
hold rotations (see `quaternions`): it is written, with code 1, where it says the same, and with code 0 ("unknown") for
a sheared grid, as of a scan with gantry tilt, so that no reader falls back to a grid without the shear.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterable, Iterator
from itertools import chain
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..geometry.affines import is_sheared
from .quaternions import stored_parts

SCANNER_ANATOMICAL = 1
"""NIfTI's code for world coordinates of the scanner."""

SCAN_LEVEL, MAP_LEVEL = 1, 4
"""Levels of gzip. Scans are noise, for which higher levels take several times longer and save a few percent; maps in
whole steps are smooth, and a quarter smaller."""

GZIP_START = b"\x1f\x8b\x08" + bytes(5) + b"\x04\xff"
"""Header of a gzip file (RFC 1952) without name and time, packed for speed on an unknown system."""

MEMORY_LEVEL = 8
"""zlib's default."""

SLAB_VOXELS = 2**22
"""Voxels brought into the file's order and compressed at a time."""


def nifti_bytes(
    volume: NDArray[Any], affine: NDArray[np.floating[Any]], step: float = 1.0, level: int = SCAN_LEVEL
) -> bytes:
    """A volume (I, J, K), or several on one grid (I, J, K, C), with its affine (4, 4) in RAS mm, as a `.nii.gz` file.

    The values are float32, int16 or uint8, and stand for multiples of `step`, which readers multiply them by (NIfTI's
    `scl_slope`). The result is the bytes of the file, compressed at a `level` of gzip.

    Raises:
        ValueError: neither 3-D nor 4-D, another type, a value that is not finite, or an affine that is not one.
    """
    if volume.ndim not in (3, 4) or volume.dtype not in (np.float32, np.int16, np.uint8):
        raise ValueError(f"a volume must be 3-D or 4-D and float32, int16 or uint8, got {volume.shape} {volume.dtype}")
    if not np.isfinite(volume).all():
        raise ValueError(f"{int((~np.isfinite(volume)).sum())} voxels are not finite; give unknown voxels a value")
    if affine.shape != (4, 4) or not np.isfinite(affine).all() or abs(np.linalg.det(affine)) < 1e-9:
        raise ValueError(f"the affine must be 4x4, finite and invertible, got {np.asarray(affine).tolist()}")
    return _gzipped(chain([_header(volume, affine, step)], _in_file_order(volume)), level)


def _gzipped(parts: Iterable[bytes], level: int) -> bytes:
    """A gzip file of what the parts hold, one after the other."""
    packer = zlib.compressobj(level, zlib.DEFLATED, -zlib.MAX_WBITS, MEMORY_LEVEL)
    packed, crc, size = [GZIP_START], 0, 0
    for part in parts:
        packed.append(packer.compress(part))
        crc, size = zlib.crc32(part, crc), size + len(part)
    return b"".join([*packed, packer.flush(), struct.pack("<LL", crc, size % 2**32)])


def _header(volume: NDArray[Any], affine: NDArray[np.floating[Any]], step: float) -> bytes:
    """The header of a volume's file, up to where the voxels begin."""
    import nibabel as nib  # a quarter of a second, which only those pay who write

    header = nib.Nifti1Image(volume, affine).header
    header.set_xyzt_units("mm")
    header.set_sform(affine, code=SCANNER_ANATOMICAL)
    header.set_qform(affine, code=0 if is_sheared(affine) else SCANNER_ANATOMICAL)
    if not is_sheared(affine):
        header["quatern_b"], header["quatern_c"], header["quatern_d"] = stored_parts(_quaternion(affine))
    header.set_data_offset(header.single_vox_offset)
    header.set_slope_inter(step, 0)
    content: bytes = header.binaryblock
    return content.ljust(header.single_vox_offset, b"\0")


def _quaternion(affine: NDArray[np.floating[Any]]) -> NDArray[np.float64]:
    """The unit quaternion (a, b, c, d), a >= 0, of an affine's axes; left-handed ones have their third axis turned."""
    from nibabel.quaternions import mat2quat

    left, _, right = np.linalg.svd(affine[:3, :3] / np.linalg.norm(affine[:3, :3], axis=0))
    axes = left @ right
    axes[:, 2] *= np.sign(np.linalg.det(axes))
    quaternion = np.asarray(mat2quat(axes), dtype=np.float64)
    return quaternion if quaternion[0] >= 0 else -quaternion


def _in_file_order(volume: NDArray[Any]) -> Iterator[bytes]:
    """The voxels of a volume as the file holds them, first axis fastest, little-endian, some at a time."""
    stored = volume.astype(volume.dtype.newbyteorder("<"), copy=False)
    count = max(1, SLAB_VOXELS * stored.shape[-1] // max(1, stored.size))
    for start in range(0, stored.shape[-1], count):
        yield stored[..., start : start + count].tobytes("F")
