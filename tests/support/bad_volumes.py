"""NIfTI files that must be refused."""

from __future__ import annotations

import gzip
import struct
from collections.abc import Callable
from typing import Any

import nibabel as nib
import numpy as np
from dicom_series import head_hu
from geometries import PLAIN, Geometry
from input_case import Case
from input_files import changed_file, file, nifti, put


def scaled(slope: float, intercept: float) -> Callable[[bytearray], None]:
    """The slope and the intercept of a NIfTI-1 header."""
    return put(112, struct.pack("<ff", slope, intercept))


def affine_row(row: int, numbers: list[float]) -> Callable[[bytearray], None]:
    """A row of the sform in a NIfTI-1 header, without its last number."""
    return put(280 + 16 * row, struct.pack("<fff", *numbers))


def swapped(data: bytearray) -> bytes:
    """The same NIfTI file in the other byte order."""
    plain = nib.Nifti1Image.from_bytes(bytes(data))
    header = plain.header.as_byteswapped()
    return bytes(nib.Nifti1Image(plain.get_fdata().astype(">i2"), None, header).to_bytes())


def shift(hu: Any, by: int) -> Any:
    return (hu + by).astype(np.int16)


PACKED = nifti(suffix=".nii.gz")
"""A compressed volume with nothing wrong."""

RGB = np.dtype([("R", "u1"), ("G", "u1"), ("B", "u1")])

NIFTI = [
    Case("a NIfTI file that is text", file("hello" * 200, "scan.nii"), "nifti_corrupt"),
    Case("an empty NIfTI file", file(b"", "scan.nii.gz"), "nifti_corrupt"),
    Case("NIfTI cut in its header", changed_file(nifti(), lambda c: c[:200]), "nifti_corrupt"),
    Case("NIfTI cut in its voxels", nifti(spoil=lambda d: d[:90000]), "nifti_corrupt"),
    Case("NIfTI with one byte less", nifti(spoil=lambda d: d[:-1]), "nifti_corrupt"),
    Case("gzip cut", changed_file(PACKED, lambda c: c[: len(c) // 2]), "nifti_corrupt"),
    Case("gzip without its checksum", changed_file(PACKED, lambda c: c[:-8]), "nifti_corrupt"),
    Case("gzip with another checksum", changed_file(PACKED, lambda c: c[:-8] + bytes(8)), "nifti_corrupt"),
    Case("gzip in gzip", changed_file(PACKED, gzip.compress), "nifti_corrupt"),
    Case("a gigabyte behind the voxels", nifti(spoil=lambda d: d + bytes(2**27), suffix=".nii.gz"), "nifti_corrupt"),
    Case(
        "voxels that begin far behind",
        nifti(spoil=put(108, struct.pack("<f", 2.0**30)), suffix=".nii.gz"),
        "nifti_corrupt",
    ),
    Case("voxels that begin in the header", nifti(spoil=put(108, struct.pack("<f", 100.0))), "nifti_corrupt"),
    Case("a NIfTI header without its image", nifti(spoil=put(344, b"ni1\x00")), "nifti_corrupt"),
    Case("no NIfTI magic", nifti(spoil=put(344, b"abcd")), "nifti_corrupt"),
    Case("an unknown NIfTI data type", nifti(spoil=put(70, struct.pack("<h", 999))), "nifti_corrupt"),
    Case("one voxel less in the header", nifti(spoil=put(42, struct.pack("<h", 47))), "nifti_corrupt"),
    Case("one voxel more in the header", nifti(spoil=put(42, struct.pack("<h", 49))), "nifti_corrupt"),
    Case("a header of 32767 cubed", nifti(spoil=put(42, b"\xff\x7f" * 3), suffix=".nii.gz"), "too_large"),
    Case("negative dimensions", nifti(spoil=put(42, struct.pack("<h", -48))), "nifti_not_3d"),
    Case("no dimensions", nifti(spoil=put(40, struct.pack("<h", 0))), "nifti_not_3d"),
    Case("a 2-D NIfTI", nifti(lambda hu: hu[:, :, 0]), "nifti_not_3d"),
    Case("a NIfTI of one slice", nifti(lambda hu: hu[:, :, :1]), "nifti_not_3d"),
    Case("a 4-D NIfTI", nifti(lambda hu: np.stack([hu, hu], axis=-1)), "nifti_not_3d"),
    Case("a 5-D NIfTI", nifti(lambda hu: np.stack([hu] * 3, axis=-1)[:, :, :, None]), "nifti_not_3d"),
    Case("8 bits in NIfTI", nifti(lambda hu: np.clip(hu, 0, 255).astype(np.uint8)), "nifti_data_type"),
    Case("colour in NIfTI", nifti(lambda hu: np.zeros(hu.shape, RGB)), "nifti_data_type"),
    Case("complex numbers in NIfTI", nifti(lambda hu: hu.astype(np.complex64)), "nifti_data_type"),
    Case("NIfTI without an affine", nifti(codes=(0, 0)), "nifti_no_affine"),
    Case("a singular affine", nifti(spoil=affine_row(1, [-4.4, 0, 0])), "nifti_no_affine"),
    Case("an affine of zeros", nifti(spoil=affine_row(2, [0, 0, 0])), "nifti_no_affine"),
    Case("an affine that is not finite", nifti(spoil=affine_row(0, [float("nan"), 0, 0])), "nifti_no_affine"),
    Case(
        "an affine in metres",
        nifti(
            geometry=Geometry("", PLAIN.shape, np.diag([0.001, 0.001, 0.001, 1]) @ PLAIN.affine),
            change=lambda hu: head_hu(PLAIN.points()),
        ),
        "nifti_no_affine",
    ),
    Case("NaN in NIfTI", nifti(lambda hu: np.where(hu == 70, np.nan, hu).astype(np.float32)), "not_finite"),
    Case("infinity in NIfTI", nifti(lambda hu: np.where(hu == 70, np.inf, hu).astype(np.float32)), "not_finite"),
    Case("infinite after scaling", nifti(spoil=scaled(1.0, float("inf"))), "nifti_corrupt"),
    Case("beyond float32", nifti(lambda hu: hu.astype(np.float64) * 1e300), "not_finite"),
    Case("a slope of 1000", nifti(spoil=scaled(1000, 0)), "implausible_hu"),
    Case("all voxels of a NIfTI the same", nifti(lambda hu: np.full(hu.shape, 40, np.int16)), "zero_variance"),
    Case("a brain without air", nifti(lambda hu: np.where(hu < -500, 0, hu).astype(np.int16)), "implausible_hu"),
    Case("HU without their offset", nifti(lambda hu: shift(hu, 1024)), "implausible_hu"),
    Case("an MR in NIfTI", nifti(lambda hu: np.clip(hu + 1000, 0, None).astype(np.float32)), "implausible_hu"),
    Case("a label map", nifti(lambda hu: (hu > 0).astype(np.int16)), "implausible_hu"),
    Case("intensities from 0 to 1", nifti(lambda hu: ((hu + 1024) / 2024).astype(np.float32)), "implausible_hu"),
    Case("14 slices in NIfTI", nifti(lambda hu: hu[:, :, :14]), "too_few_slices"),
    Case("60 mm in NIfTI", nifti(lambda hu: hu[:, :, :20]), "short_coverage"),
]
