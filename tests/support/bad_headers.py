"""Paths, files and series that must be refused: nothing there, not a CT, nothing to choose, impossible geometry."""

from __future__ import annotations

import os
import struct
import zlib
from pathlib import Path

import numpy as np
import pydicom
from dicom_series import write_series
from geometries import LPS, THIN, geometry
from input_case import Case
from input_files import (
    BY_NAME,
    MIDDLE,
    OTHER,
    SLICES,
    both,
    colour,
    cut,
    every,
    file,
    folder,
    nifti,
    one,
    report,
    series,
    spoilt,
    text,
    values,
)
from pydicom.dataset import Dataset
from pydicom.uid import DeflatedExplicitVRLittleEndian


def small_deflate_bomb(path: Path) -> None:
    """A deflated file whose header goes on for a third of a gigabyte: the same 16 MB again and again."""
    files = write_series(path)
    dataset = pydicom.dcmread(files[MIDDLE])
    dataset.file_meta.TransferSyntaxUID = DeflatedExplicitVRLittleEndian
    dataset.save_as(files[MIDDLE])
    content = files[MIDDLE].read_bytes()
    start = 144 + struct.unpack("<I", content[140:144])[0]
    packer = zlib.compressobj(9, wbits=-15)
    filler = packer.compress(zlib.decompress(content[start:], -15)) + packer.flush(zlib.Z_FULL_FLUSH)
    part = packer.compress(bytes(2**24)) + packer.flush(zlib.Z_FULL_FLUSH)
    files[MIDDLE].write_bytes(content[:start] + filler + 20 * part + packer.flush())


def no_text_name(path: Path) -> None:
    """A damaged slice whose name is no text and has a line break in it."""
    files = write_series(path)
    target = os.fsencode(path) + b"/sl\xff\nice\x1b[31m.dcm"
    os.rename(files[MIDDLE], target)
    content = Path(os.fsdecode(target)).read_bytes()
    Path(os.fsdecode(target)).write_bytes(cut(0.4)(content))


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
    Case("an archive", file(b"PK\x03\x04" + bytes(500), "scan.zip"), "zip_unusable"),
    Case("a web page named as DICOM", file("<html>" + " " * 500, "scan.dcm"), "no_dicom"),
    Case(
        "a folder of pictures", folder(lambda path: (path / "a.png").write_bytes(b"\x89PNG" + bytes(400))), "no_dicom"
    ),
    Case(
        "a folder of NIfTI files",
        folder(lambda path: (nifti()(path / "a"), nifti(suffix=".nii.gz")(path / "a"))),
        "no_dicom",
    ),
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
    Case(
        "a derived bone kernel",
        series(every(ConvolutionKernel="H70h", ImageType=["DERIVED", "SECONDARY", "MPR"])),
        "no_suitable_series",
    ),
    Case("a derived series", series(every(ImageType=["DERIVED", "SECONDARY", "MPR"])), "no_suitable_series"),
    Case(
        "a derived series, its words filled up",
        series(text("ImageType", ["DERIVED ", "SECONDARY ", "MPR"])),
        "no_suitable_series",
    ),
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
    Case("a position 100 m away", series(one(ImagePositionPatient=[0, 0, 100000])), "missing_slices"),
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
