"""The catalogue of bad and awkward inputs: what each is, and what has to happen.

A `Case` either is *refused* with a code, or *accepted*, with a flag or without one; then its voxels are where the
header says, with the right HU. `changed` names the few whose voxels are not the head's, so that only the flag counts.
"""

from __future__ import annotations

import gzip
import os
import struct
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import nibabel as nib
import numpy as np
import pydicom
from dicom_series import SERIES, head_hu, image, write_series
from geometries import AXIS_ORDERS, GEOMETRIES, LPS, PLAIN, THIN, Geometry, geometry
from input_files import (
    MIDDLE,
    OTHER,
    SLICES,
    Make,
    beside,
    both,
    changed_file,
    cut,
    enhanced,
    every,
    file,
    folder,
    jpeg_lossless,
    nifti,
    noise_from,
    one,
    put,
    reheadered,
    series,
    spoilt,
    syntax,
    syntax_from,
    text,
    values,
    without_preamble,
)
from pydicom.dataset import Dataset
from pydicom.uid import (
    DeflatedExplicitVRLittleEndian,
    ExplicitVRBigEndian,
    ImplicitVRLittleEndian,
    JPEG2000Lossless,
    JPEGLSLossless,
    RLELossless,
)

BY_NAME = {grid.name: grid for grid in GEOMETRIES}
SYNTAXES = {"RLE": RLELossless, "JPEG-LS": JPEGLSLossless, "JPEG 2000": JPEG2000Lossless}


@dataclass(frozen=True)
class Case:
    """An input and what must happen: a refusal with `code`, or a flag with it ("" for none)."""

    name: str
    make: Make
    code: str
    refused: bool = True
    series_uid: str | None = None
    changed: bool = False


def ok(name: str, make: Make, code: str = "", **options: Any) -> Case:
    """An input that is accepted, with a flag."""
    return Case(name, make, code, refused=False, **options)


def small_deflate_bomb(path: Path) -> None:
    """A deflated file whose header goes on for half a gigabyte."""
    files = write_series(path)
    dataset = pydicom.dcmread(files[MIDDLE])
    dataset.file_meta.TransferSyntaxUID = DeflatedExplicitVRLittleEndian
    dataset.save_as(files[MIDDLE])
    content = files[MIDDLE].read_bytes()
    start = 144 + struct.unpack("<I", content[140:144])[0]
    packer = zlib.compressobj(9, wbits=-15)
    filler = packer.compress(zlib.decompress(content[start:], -15))
    filler += b"".join(packer.compress(bytes(2**24)) for _ in range(20)) + packer.flush()
    files[MIDDLE].write_bytes(content[:start] + filler)


def report(path: Path) -> None:
    """A structured report: DICOM without an image."""
    dataset = image(PLAIN, 0, SERIES, 0)
    dataset.file_meta.MediaStorageSOPClassUID = dataset.SOPClassUID = "1.2.840.10008.5.1.4.1.1.88.22"
    del dataset.Rows
    path.mkdir(exist_ok=True)
    dataset.save_as(path / "report.dcm", enforce_file_format=True)


def no_text_name(path: Path) -> None:
    """A damaged slice whose name is no text and has a line break in it."""
    files = write_series(path)
    target = os.fsencode(path) + b"/sl\xff\nice\x1b[31m.dcm"
    os.rename(files[MIDDLE], target)
    content = Path(os.fsdecode(target)).read_bytes()
    Path(os.fsdecode(target)).write_bytes(cut(0.4)(content))


def colour(dataset: Dataset, k: int) -> None:
    dataset.set_pixel_data(np.zeros((44, 48, 3), np.uint8), "RGB", 8)


def capture(dataset: Dataset, k: int) -> None:
    colour(dataset, k)
    dataset.ImageType = ["DERIVED", "SECONDARY", "DOSE_INFO"]


PATHS = [
    Case("a path that is missing", lambda path: path, "path_missing"),
    Case("a link to nowhere", lambda path: (path.symlink_to("nowhere"), path)[1], "path_missing"),
    Case("an empty folder", folder(), "empty_folder"),
    Case("a folder with an empty folder", folder(lambda path: (path / "a").mkdir()), "empty_folder"),
    Case("a pipe", lambda path: (os.mkfifo(path), path)[1], "no_dicom"),
    Case("a device", lambda path: Path("/dev/null"), "no_dicom"),
    Case("a folder with a pipe", folder(lambda path: os.mkfifo(path / "a.dcm")), "no_dicom"),
    Case("a text file", file("hello"), "no_dicom"),
    Case("an empty file", file(b"", "scan.dcm"), "no_dicom"),
    Case("an archive", file(b"PK\x03\x04" + bytes(500), "scan.zip"), "no_dicom"),
    Case("a web page named as DICOM", file("<html>" + " " * 500, "scan.dcm"), "no_dicom"),
    Case(
        "a folder of pictures", folder(lambda path: (path / "a.png").write_bytes(b"\x89PNG" + bytes(400))), "no_dicom"
    ),
    Case("a folder of NIfTI files", folder(lambda path: nifti()(path / "a")), "no_dicom"),
    Case("a report without images", folder(report), "no_dicom"),
    Case("a file of the series alone", lambda path: series()(path) / "020.dcm", "too_few_slices"),
    Case("a DICOM prefix and nothing else", file(bytes(128) + b"DICM", "scan.dcm"), "corrupt_file"),
    Case("a DICOM prefix and noise", file(bytes(128) + b"DICM" + bytes(range(256)), "scan.dcm"), "corrupt_file"),
]

HEADERS = [
    Case("a slice cut in its header", series(then=spoilt(lambda c: c[:400])), "corrupt_file"),
    Case("a slice cut after its meta information", series(then=spoilt(lambda c: c[:300])), "corrupt_file"),
    Case("a slice without SeriesInstanceUID", series(one(SeriesInstanceUID=None)), "corrupt_file"),
    Case("a slice without Rows", series(one(Rows=None)), "corrupt_file"),
    Case("a slice without Columns", series(one(Columns=None)), "corrupt_file"),
    Case("a slice of no rows", series(every(Rows=0)), "short_coverage"),
    Case("Rows as text", series(text("Rows", "many")), "corrupt_file"),
    Case("a deflated file that inflates to too much", lambda path: (small_deflate_bomb(path), path)[1], "too_large"),
    Case("a name that is no text", lambda path: (no_text_name(path), path)[1], "corrupt_pixels"),
    Case("rows and columns beyond the memory", series(every(Rows=65535, Columns=65535)), "too_large"),
    Case("two patients", both(series(), series(every(PatientID="B"), series_uid=OTHER)), "several_patients"),
    Case("two patients in one series", series(one(PatientID="B")), "several_patients"),
    Case(
        "one ID, two dates of birth",
        series(lambda d, k: setattr(d, "PatientBirthDate", "19500101" if k % 2 else "19800202")),
        "several_patients",
    ),
    Case(
        "two names without an ID",
        series(lambda d, k: every(PatientID="", PatientName=f"X{k % 2}")(d, k)),
        "several_patients",
    ),
]

KINDS = [
    Case("MR images", series(every(Modality="MR")), "not_ct"),
    Case("PET images", series(every(Modality="PT")), "not_ct"),
    Case("images without a modality", series(every(Modality=None)), "not_ct"),
    Case("a localizer", series(every(ImageType=["ORIGINAL", "PRIMARY", "LOCALIZER"]), at=[0, 1]), "localizer_only"),
    Case("a scout", series(every(ImageType=["ORIGINAL", "PRIMARY", "SCOUT"]), at=[0]), "localizer_only"),
    Case("colour images", series(colour), "colour_images"),
    Case("captures of a screen", series(capture), "colour_images"),
    Case("secondary captures in grey", series(every(SOPClassUID="1.2.840.10008.5.1.4.1.1.7.2")), "colour_images"),
    Case("palette colour", series(every(PhotometricInterpretation="PALETTE COLOR")), "colour_images"),
    Case("no photometric interpretation", series(every(PhotometricInterpretation=None)), "colour_images"),
    Case("MONOCHROME1", series(every(PhotometricInterpretation="MONOCHROME1")), "monochrome1"),
    Case("one image of MONOCHROME1", series(one(PhotometricInterpretation="MONOCHROME1")), "monochrome1"),
]

CHOICES = [
    Case("two series of equal worth", both(series(), series(series_uid=OTHER)), "several_series"),
    Case("two studies", both(series(), series(every(StudyInstanceUID="1.2.3"), series_uid=OTHER)), "several_series"),
    Case("no series of that UID", series(), "series_not_found", series_uid="1.2.3"),
    Case("a bone kernel", series(every(ConvolutionKernel="H70h")), "no_suitable_series"),
    Case("bone by its description", series(every(SeriesDescription="Head BONE")), "no_suitable_series"),
    Case("a derived series", series(every(ImageType=["DERIVED", "SECONDARY", "MPR"])), "no_suitable_series"),
    Case("coronal slices", series(geometry=BY_NAME["coronal"]), "no_suitable_series"),
    Case("sagittal slices", series(geometry=BY_NAME["sagittal"]), "no_suitable_series"),
]

GEOMETRY = [
    Case("no position", series(every(ImagePositionPatient=None)), "geometry_missing"),
    Case("a slice without position", series(one(ImagePositionPatient=None)), "geometry_missing"),
    Case("a position of two numbers", series(text("ImagePositionPatient", ["1", "2"])), "geometry_missing"),
    Case("a position that is text", series(text("ImagePositionPatient", ["a", "b", "c"])), "geometry_missing"),
    Case("a position that is not finite", series(text("ImagePositionPatient", ["nan", "0", "0"])), "geometry_missing"),
    Case(
        "a position beyond any scanner", series(text("ImagePositionPatient", ["1e300", "0", "0"])), "geometry_missing"
    ),
    Case("a position 100 m away", series(one(ImagePositionPatient=[0, 0, 100000])), "geometry_invalid"),
    Case("no orientation", series(every(ImageOrientationPatient=None)), "geometry_missing"),
    Case("a slice without orientation", series(one(ImageOrientationPatient=None)), "geometry_missing"),
    Case("an orientation of zeros", series(every(ImageOrientationPatient=[0] * 6)), "geometry_invalid"),
    Case(
        "an orientation not of unit length",
        series(every(ImageOrientationPatient=[2, 0, 0, 0, 2, 0])),
        "geometry_invalid",
    ),
    Case(
        "an orientation not at right angles",
        series(every(ImageOrientationPatient=[1, 0, 0, 0.6, 0.8, 0])),
        "geometry_invalid",
    ),
    Case("rows along columns", series(every(ImageOrientationPatient=[1, 0, 0, 1, 0, 0])), "geometry_invalid"),
    Case(
        "a slice turned by 10 degrees",
        series(one(ImageOrientationPatient=[0.9848, 0.1736, 0, -0.1736, 0.9848, 0])),
        "mixed_geometry",
    ),
    Case("no pixel spacing", series(every(PixelSpacing=None)), "geometry_missing"),
    Case("a pixel spacing of zero", series(every(PixelSpacing=[0, 0])), "geometry_invalid"),
    Case("a negative pixel spacing", series(every(PixelSpacing=[-4.6, 4.4])), "geometry_invalid"),
    Case("pixels of 50 mm", series(every(PixelSpacing=[50, 50])), "geometry_invalid"),
    Case("pixel spacing in metres", series(every(PixelSpacing=[0.0046, 0.0044])), "geometry_invalid"),
    Case("pixel spacing with a comma", series(text("PixelSpacing", ["4,6", "4,4"])), "geometry_missing"),
    Case("a slice of another pixel spacing", series(one(PixelSpacing=[4.6, 4.5])), "mixed_geometry"),
    Case(
        "slices of another size",
        both(series(), series(geometry=geometry("narrow", LPS, (4.4, 4.6, 3.0), (40, 44, 37)))),
        "mixed_geometry",
    ),
    Case("all slices at one place", series(every(ImagePositionPatient=[0, 0, 0])), "geometry_invalid"),
    Case("a slice missing", series(at=[k for k in range(SLICES) if k != MIDDLE]), "missing_slices"),
    Case("the last slice but one missing", series(at=[k for k in range(SLICES) if k != SLICES - 2]), "missing_slices"),
    Case("the second slice missing", series(at=[k for k in range(SLICES) if k != 1]), "missing_slices"),
    Case("two slices missing", series(at=[k for k in range(SLICES) if k not in (9, 25)]), "missing_slices"),
    Case(
        "three slices in a row missing", series(at=[k for k in range(SLICES) if k not in (9, 10, 11)]), "missing_slices"
    ),
    Case("a thin slice missing", series(geometry=THIN, at=[k for k in range(85) if k != 40]), "missing_slices"),
    Case("every third slice missing", series(geometry=THIN, at=[k for k in range(85) if k % 3]), "missing_slices"),
    Case("14 slices", series(at=range(14)), "too_few_slices"),
    Case("60 mm of head", series(at=range(20)), "short_coverage"),
    Case("a field of view of 50 mm", series(every(PixelSpacing=[1, 1])), "short_coverage"),
    Case("slices 60 mm apart", series(at=[20 * k for k in range(SLICES)]), "geometry_invalid"),
    Case(
        "a slice beside the others",
        series(lambda d, k: k == MIDDLE and setattr(d, "ImagePositionPatient", [0, 0, d.ImagePositionPatient[2]])),
        "geometry_invalid",
    ),
    Case(
        "two acquisitions in between each other",
        series(
            lambda d, k: setattr(d, "AcquisitionNumber", 1 if k < SLICES else 2),
            at=[*range(SLICES), *(k + 0.4 for k in range(SLICES - 1))],
        ),
        "position_conflict",
    ),
    Case(
        "two images at one place that differ",
        series(values(lambda hu, k: hu if k < SLICES else hu + 9), at=[*range(SLICES), 5]),
        "position_conflict",
    ),
    Case(
        "the series twice, once moved by a pixel",
        both(series(), series(values(lambda hu, k: np.roll(hu, 1, 0)))),
        "position_conflict",
    ),
]

VALUES = [
    Case("no rescale slope", series(every(RescaleSlope=None)), "rescale_missing"),
    Case("no rescale intercept", series(every(RescaleIntercept=None)), "rescale_missing"),
    Case("a slice without intercept", series(one(RescaleIntercept=None)), "rescale_missing"),
    Case("a slope of 0", series(every(RescaleSlope=0)), "rescale_invalid"),
    Case("a negative slope", series(every(RescaleSlope=-1)), "rescale_invalid"),
    Case("a slope that is text", series(text("RescaleSlope", "one")), "rescale_missing"),
    Case("a slope that is not finite", series(text("RescaleSlope", "inf")), "rescale_missing"),
    Case("a slope of 1e300", series(text("RescaleSlope", "1e300")), "rescale_missing"),
    Case("a slope of a million", series(every(RescaleSlope=1000000)), "rescale_invalid"),
    Case("an intercept of 1e8", series(every(RescaleIntercept=100000000)), "rescale_invalid"),
    Case("another intercept in one slice", series(one(RescaleIntercept=0)), "rescale_invalid"),
    Case("another slope in one slice", series(one(RescaleSlope=2)), "rescale_invalid"),
    Case(
        "another intercept in half",
        series(lambda d, k: k > 18 and setattr(d, "RescaleIntercept", -1224)),
        "rescale_invalid",
    ),
    Case("no HU: the intercept left out", series(every(RescaleIntercept=0)), "implausible_hu"),
    Case("values of an electron density", series(every(RescaleType="ED")), "rescale_invalid"),
    Case(
        "8 bits",
        series(lambda d, k: d.set_pixel_data(np.zeros((44, 48), np.uint8), "MONOCHROME2", 8)),
        "rescale_invalid",
    ),
    Case("no bits stored", series(every(BitsStored=0)), "rescale_invalid"),
    Case("more bits stored than there are", series(every(BitsStored=20, HighBit=19)), "rescale_invalid"),
    Case("another highest bit", series(every(HighBit=15)), "rescale_invalid"),
    Case(
        "signed values that are said to be unsigned",
        series(lambda d, k: (values(lambda hu, k: hu)(d, k), every(PixelRepresentation=0)(d, k))),
        "implausible_hu",
    ),
    Case("all voxels the same", series(values(lambda hu, k: hu * 0 + 40)), "zero_variance"),
    Case(
        "noise",
        series(values(lambda hu, k: np.random.default_rng(k).integers(-1024, 3000, hu.shape))),
        "implausible_hu",
    ),
    Case("water only", series(values(lambda hu, k: np.random.default_rng(k).normal(0, 5, hu.shape))), "implausible_hu"),
    Case(
        "air only", series(values(lambda hu, k: np.random.default_rng(k).normal(-1000, 5, hu.shape))), "implausible_hu"
    ),
    Case("a window burnt in", series(values(lambda hu, k: np.clip((hu + 100) * 255 / 300, 0, 255))), "implausible_hu"),
    Case("inverted values", series(values(lambda hu, k: 40 - hu)), "implausible_hu"),
    Case("HU 200 too high", series(values(lambda hu, k: hu + 200)), "implausible_hu"),
    Case("HU 200 too low", series(values(lambda hu, k: hu - 200)), "implausible_hu"),
    Case("half the scale", series(values(lambda hu, k: hu / 2)), "implausible_hu"),
    Case("the brain cut out", series(values(lambda hu, k: np.where(hu < -500, 0, hu))), "implausible_hu"),
]

PIXELS = [
    Case("a slice without pixels", series(one(PixelData=None)), "corrupt_pixels"),
    Case("a slice of no bytes", series(one(PixelData=b"")), "corrupt_pixels"),
    Case(
        "a slice of half the bytes",
        series(lambda d, k: k == MIDDLE and setattr(d, "PixelData", d.PixelData[:2112])),
        "corrupt_pixels",
    ),
    Case(
        "a slice with four bytes too many",
        series(lambda d, k: k == MIDDLE and setattr(d, "PixelData", d.PixelData + bytes(4))),
        "corrupt_pixels",
    ),
    Case("more rows than there are", series(every(Rows=88)), "corrupt_pixels"),
    Case("fewer rows than there are", series(every(Rows=43)), "corrupt_pixels"),
    Case("32 bits that are 16", series(every(BitsAllocated=32)), "corrupt_pixels"),
    Case("two frames that are one", series(every(NumberOfFrames=2)), "corrupt_pixels"),
    Case("a file cut in its pixels", series(then=spoilt(cut(0.6))), "corrupt_pixels"),
    Case("a file cut two bytes before its end", series(then=spoilt(lambda c: c[:-2])), "corrupt_pixels"),
    Case(
        "a slice of noise",
        series(values(lambda hu, k: np.random.default_rng(0).integers(-1024, 3000, hu.shape), only=MIDDLE)),
        "corrupt_pixels",
    ),
    Case(
        "raw pixels that are said to be compressed",
        series(then=spoilt(syntax_from(b"1.2.1\x00", b"1.2.5\x00"))),
        "corrupt_pixels",
    ),
    Case("an unknown transfer syntax", series(then=spoilt(syntax_from(b"1.2.1\x00", b"9.9.9\x00"))), "corrupt_pixels"),
    Case(
        "a movie's transfer syntax",
        series(compress=JPEG2000Lossless, then=spoilt(syntax_from(b"1.2.4.90", b"1.2.4.99"))),
        "corrupt_pixels",
    ),
    *(
        Case(f"a {name} file cut", series(compress=uid, then=spoilt(cut(0.6))), "corrupt_pixels")
        for name, uid in SYNTAXES.items()
    ),
    *(
        Case(
            f"a {name} file with another size in its header",
            series(compress=uid, then=reheadered(Rows=88)),
            "mixed_geometry",
        )
        for name, uid in SYNTAXES.items()
    ),
    *(
        Case(
            f"a {name} series with another size in all headers",
            series(compress=uid, then=lambda files: [reheadered(Columns=40)([f] * (MIDDLE + 1)) for f in files]),
            "corrupt_pixels",
        )
        for name, uid in SYNTAXES.items()
    ),
    *(
        Case(f"{name} of noise", series(compress=uid, then=spoilt(noise_from(30, 400))), "corrupt_pixels")
        for name, uid in SYNTAXES.items()
    ),
    Case(
        "JPEG lossless cut",
        series(then=lambda files: (jpeg_lossless(files), spoilt(cut(0.6))(files))),
        "corrupt_pixels",
    ),
    Case("an enhanced file cut", changed_file(enhanced(), cut(0.6)), "corrupt_pixels"),
    Case("more frames than the file describes", enhanced(lambda d: setattr(d, "NumberOfFrames", 40)), "corrupt_pixels"),
    Case("a million frames", enhanced(lambda d: setattr(d, "NumberOfFrames", 1000000)), "corrupt_pixels"),
    Case(
        "a frame without a position",
        enhanced(lambda d: delattr(d.PerFrameFunctionalGroupsSequence[MIDDLE], "PlanePositionSequence")),
        "geometry_missing",
    ),
    Case(
        "a frame without a rescale",
        enhanced(lambda d: delattr(d.PerFrameFunctionalGroupsSequence[MIDDLE], "PixelValueTransformationSequence")),
        "rescale_missing",
    ),
    Case(
        "frames without groups", enhanced(lambda d: delattr(d, "PerFrameFunctionalGroupsSequence")), "geometry_missing"
    ),
    Case("a frame left out", enhanced(order=[k for k in range(SLICES) if k != MIDDLE]), "missing_slices"),
    Case(
        "an enhanced file without its shared groups",
        enhanced(lambda d: delattr(d, "SharedFunctionalGroupsSequence")),
        "geometry_missing",
    ),
]


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

REFUSED = [*PATHS, *HEADERS, *KINDS, *CHOICES, *GEOMETRY, *VALUES, *PIXELS, *NIFTI]


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
    ok("a round field of view, unsigned", series(unsigned_padded)),
    ok("bits that are not used", series(overlay_bits)),
    *(ok(name, series(compress=uid)) for name, uid in SYNTAXES.items()),
    ok("JPEG lossless", series(then=jpeg_lossless)),
    ok("big endian", series(big_endian)),
    ok("deflated", series(syntax(DeflatedExplicitVRLittleEndian))),
    ok("implicit value representations", series(syntax(ImplicitVRLittleEndian))),
    ok("no preamble", series(then=without_preamble)),
    ok("direction cosines of 19 characters", series(long_numbers)),
    ok("enhanced multi-frame", enhanced()),
    ok("enhanced multi-frame, frames shuffled", enhanced(order=[k * 5 % SLICES for k in range(SLICES)])),
    ok("a colour series beside it", both(series(), series(colour, series_uid=OTHER)), "images_set_aside"),
    ok(
        "a localizer beside it",
        both(series(), series(every(ImageType=["ORIGINAL", "PRIMARY", "LOCALIZER"]), at=[0], series_uid=OTHER)),
        "images_set_aside",
    ),
    ok(
        "a bone reconstruction beside it",
        both(series(), series(every(ConvolutionKernel="H70h"), series_uid=OTHER)),
        "images_set_aside",
    ),
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
"""What nothing can notice; the page of findings says so."""

CASES = [*REFUSED, *ACCEPTED, *UNNOTICED]
