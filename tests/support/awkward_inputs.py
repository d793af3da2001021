"""Inputs that must be accepted and load right: awkward encodings and geometries, and all that is flagged."""

from __future__ import annotations

import gzip
import os
import struct
from pathlib import Path

import nibabel as nib
import numpy as np
import pydicom
from bad_volumes import scaled, swapped
from dicom_series import SERIES, head_hu
from geometries import AXIS_ORDERS, GEOMETRIES, PLAIN
from input_case import ok
from input_files import (
    BY_NAME,
    OTHER,
    SLICES,
    SYNTAXES,
    beside,
    both,
    changed_file,
    colour,
    enhanced,
    every,
    jpeg_lossless,
    nifti,
    put,
    report,
    series,
    syntax,
    values,
    without_preamble,
    without_prefix,
)
from pydicom.dataset import Dataset
from pydicom.uid import DeflatedExplicitVRLittleEndian, ExplicitVRBigEndian, ImplicitVRLittleEndian


def padded(dataset: Dataset, k: int) -> None:
    """A round field of view; what is outside of it holds the padding value of a scanner."""
    circle = np.hypot(*np.meshgrid(np.arange(48) - 23.5, np.arange(44) - 21.5, indexing="ij")) < 21
    values(lambda hu, k: np.where(circle, hu, -2000))(dataset, k)
    dataset.add_new("PixelPaddingValue", "SS", -2000)


def unsigned_padded(dataset: Dataset, k: int) -> None:
    """The same with unsigned numbers, as some scanners write the tag."""
    padded(dataset, k)
    stored = np.frombuffer(dataset.PixelData, np.int16).reshape(44, 48).astype(np.int32)
    dataset.set_pixel_data(np.where(stored < -1500, 63536, stored + 1024).astype(np.uint16), "MONOCHROME2", 16)
    dataset.RescaleIntercept = -1024
    dataset.add_new("PixelPaddingValue", "US", 63536)


def padded_with_tissue(dataset: Dataset, k: int) -> None:
    """The padding value, 30, is one that voxels of the brain have, too."""
    circle = np.hypot(*np.meshgrid(np.arange(48) - 23.5, np.arange(44) - 21.5, indexing="ij")) < 21
    scattered = (np.arange(48)[:, None] + np.arange(44)) % 3 == 0
    values(lambda hu, k: np.where(~circle | ((hu == 38) & scattered), 30, hu))(dataset, k)
    dataset.add_new("PixelPaddingValue", "SS", 30)


def own_rescale(dataset: Dataset, k: int) -> None:
    """Another slope and intercept in each slice, as PET-CT workstations write."""
    hu = head_hu(PLAIN.points(np.array([k])))[:, :, 0]
    dataset.RescaleSlope, dataset.RescaleIntercept = 0.5 + k / 100, -1024 - k
    stored = np.rint((hu - dataset.RescaleIntercept) / dataset.RescaleSlope).astype(np.int16)
    dataset.set_pixel_data(np.ascontiguousarray(stored.T), "MONOCHROME2", 16)


def big_endian(dataset: Dataset, k: int) -> None:
    dataset.file_meta.TransferSyntaxUID = ExplicitVRBigEndian
    dataset.PixelData = np.frombuffer(dataset.PixelData, "<u2").astype(">u2").tobytes()


def long_numbers(dataset: Dataset, k: int) -> None:
    """Direction cosines longer than the 16 characters that DICOM allows."""
    numbers = ["0.99999999999999999", "0.00000000000000001", "0", "0", "1.00000000000000001", "0.00000000000000000"]
    dataset["ImageOrientationPatient"] = pydicom.DataElement(0x00200037, "LO", numbers)


def overlay_bits(dataset: Dataset, k: int) -> None:
    """Something else in the four bits that the pixels do not use."""
    stored = np.frombuffer(dataset.PixelData, np.uint16) | 0x5000
    dataset.PixelData = stored.tobytes()


def float_scaled(path: Path) -> Path:
    """float32 values that the header's slope and intercept turn into HU."""
    return nifti(lambda hu: ((hu + 1024) * 4).astype(np.float32), spoil=scaled(0.25, -1024.0), suffix=".nii.gz")(path)


def unsigned_scaled(path: Path) -> Path:
    """uint16 and an intercept."""
    return nifti(lambda hu: (hu + 1024).astype(np.uint16), spoil=scaled(1.0, -1024.0))(path)


TWO_SPACINGS = [*range(18), *range(18, SLICES, 2)]
TILTED = [grid for grid in GEOMETRIES if grid.name.startswith("tilted")]
AXIAL = [grid for grid in GEOMETRIES if grid.name not in ("coronal", "sagittal") and grid not in TILTED]

ACCEPTED = [
    *(
        ok(f"DICOM, {grid.name}", series(geometry=grid), "thick_slices" if grid.name in ("anisotropic",) else "")
        for grid in AXIAL
    ),
    *(
        ok(f"DICOM, {name}, named", series(geometry=BY_NAME[name]), "not_axial", series_uid=SERIES)
        for name in ("coronal", "sagittal")
    ),
    *(ok(f"a gantry {grid.name}", series(geometry=grid), "gantry_tilt") for grid in TILTED),
    *(ok(f"NIfTI, {grid.name}", nifti(geometry=grid, suffix=".nii.gz")) for grid in AXIS_ORDERS),
    *(ok(f"a sheared NIfTI, {grid.name}", nifti(geometry=grid, codes=(1, 0))) for grid in TILTED),
    ok("two spacings", series(at=TWO_SPACINGS), "two_spacings"),
    ok("two spacings under tilt", series(geometry=TILTED[0], at=[*range(20), *range(20, 41, 2)]), "two_spacings"),
    ok("uneven spacing", series(at=[k + 0.1 * (k % 3 == 1) for k in range(SLICES)]), "uneven_spacing"),
    ok("slices in reverse", series(at=range(SLICES - 1, -1, -1))),
    ok("instance numbers shuffled", series(lambda d, k: setattr(d, "InstanceNumber", k * 17 % SLICES))),
    ok("instance numbers all the same", series(every(InstanceNumber=1))),
    ok("no instance numbers", series(every(InstanceNumber=None))),
    ok("another rescale in each slice", series(own_rescale)),
    ok("a round field of view", series(padded)),
    ok("a padding value that the brain has", series(padded_with_tissue), "padding_inside"),
    ok("a round field of view, unsigned", series(unsigned_padded)),
    ok("bits that are not used", series(overlay_bits)),
    *(ok(name, series(compress=uid)) for name, uid in SYNTAXES.items()),
    ok("JPEG lossless", series(then=jpeg_lossless)),
    ok("big endian", series(big_endian)),
    ok("deflated", series(syntax(DeflatedExplicitVRLittleEndian))),
    ok("implicit value representations", series(syntax(ImplicitVRLittleEndian))),
    ok("no preamble", series(then=without_preamble)),
    ok("meta information without preamble", series(then=without_prefix)),
    ok("every second file without preamble", series(then=lambda files: without_prefix(files[1::2]))),
    ok(
        "deflated, without preamble",
        series(syntax(DeflatedExplicitVRLittleEndian), then=lambda files: without_prefix(files[1::2])),
    ),
    ok(
        "every second file no DICOM",
        series(then=lambda files: [f.write_bytes(b"") for f in files[1::2]]),
        "slices_set_aside",
    ),
    ok("direction cosines of 19 characters", series(long_numbers)),
    ok("enhanced multi-frame", enhanced()),
    ok("enhanced multi-frame, frames shuffled", enhanced(order=[k * 5 % SLICES for k in range(SLICES)])),
    ok("a colour series beside it", both(series(), series(colour, series_uid=OTHER)), "images_set_aside"),
    ok(
        "a localizer beside it",
        both(series(), series(every(ImageType=["ORIGINAL", "PRIMARY", "LOCALIZER"]), at=[0], series_uid=OTHER)),
        "images_set_aside",
    ),
    ok("a bone reconstruction beside it", both(series(), series(every(ConvolutionKernel="H70h"), series_uid=OTHER))),
    ok(
        "a bone reconstruction of another frame of reference beside it",
        both(series(), series(every(ConvolutionKernel="H70h", FrameOfReferenceUID="1.2"), series_uid=OTHER)),
        "bone_series_unused",
    ),
    ok("a bone kernel alone", series(every(ConvolutionKernel="H70h")), "bone_kernel"),
    ok("bone by its description", series(every(SeriesDescription="Head BONE", ConvolutionKernel="")), "bone_kernel"),
    ok(
        "a contrast series beside it",
        both(series(), series(every(ContrastBolusAgent="Iomeprol"), series_uid=OTHER)),
        "images_set_aside",
    ),
    ok("a shortened repeat beside it", both(series(), series(at=range(20), series_uid=OTHER)), "images_set_aside"),
    ok("a report beside it", beside(report), "files_set_aside"),
    ok("foreign files", beside(lambda path: (path / "viewer.exe").write_bytes(b"MZ" + bytes(1000))), "files_set_aside"),
    ok("a dangling link beside it", beside(lambda path: (path / "x.dcm").symlink_to("nowhere")), "files_set_aside"),
    ok("a pipe beside it", beside(lambda path: os.mkfifo(path / "x.dcm")), "files_set_aside"),
    ok("the series twice", both(series(), series()), "duplicates_dropped"),
    ok("a slice three times", series(at=[*range(SLICES), 5, 5]), "duplicates_dropped"),
    ok("contrast agent", series(every(ContrastBolusAgent="Iomeprol")), "contrast_suspected"),
    ok("a child", series(every(PatientAge="010Y")), "under_18"),
    ok("lossy compression", series(every(LossyImageCompression="01")), "lossy_compression"),
    ok("a bone kernel that is named", series(every(ConvolutionKernel="H70h")), "bone_kernel", series_uid=SERIES),
    ok(
        "a derived series that is named",
        series(every(ImageType=["DERIVED", "PRIMARY"])),
        "derived_series",
        series_uid=SERIES,
    ),
    ok("slices of 7 mm", series(geometry=BY_NAME["anisotropic"]), "thick_slices"),
    ok("metal", series(values(lambda hu, k: np.where(hu == 70, 3071, hu))), "metal", changed=True),
    ok("NIfTI-2", nifti(kind=nib.Nifti2Image)),
    ok("a qform only", nifti(codes=(0, 1))),
    ok("float32 with a slope", float_scaled),
    ok("uint16 with an intercept", unsigned_scaled),
    ok("float64", nifti(lambda hu: hu.astype(np.float64))),
    ok("big endian NIfTI", nifti(spoil=swapped)),
    ok("a fourth axis of one", nifti(lambda hu: hu[..., None])),
    ok("gzip under a plain name", changed_file(nifti(), gzip.compress)),
    ok("sform and qform differ", nifti(spoil=put(268, struct.pack("<f", 30.0))), "nifti_affines_differ"),
    ok("padding of -3024", nifti(lambda hu: np.where(np.arange(48)[:, None, None] < 2, -3024, hu).astype(np.int16))),
]

UNNOTICED = [
    ok("mirrored, left for right", series(values(lambda hu, k: hu[::-1])), changed=True),
    ok("HU 50 too high", series(values(lambda hu, k: hu + 50)), changed=True),
    ok("HU 50 too low", series(values(lambda hu, k: hu - 50)), changed=True),
    ok("NIfTI mirrored", nifti(lambda hu: hu[::-1]), changed=True),
]
"""What reading can't notice; that the HU are off by so much is seen inside the skull, once the scan is registered."""
