"""Writing a simulated scan as a CT series in DICOM, with the headers of a real one and a fictitious patient.

World coordinates are RAS mm (`coordinates.py`); DICOM's are LPS mm: x and y change sign. An image holds rows of pixels:
its first row runs along the volume's first axis (I), its rows follow one another along the second (J), and image k is
the k-th plane. With the columns a_i, a_j, a_k of the affine and its origin o, all turned to LPS (PS3.3 C.7.6.2.1.1):

    ImageOrientationPatient = a_i / |a_i|, a_j / |a_j|    PixelSpacing = |a_j|, |a_i|
    ImagePositionPatient(k) = o + k a_k

Only a_i and a_j must be orthogonal: an a_k that leans is the tilted gantry's. Scanners store rows toward the patient's
left and columns toward posterior, so by default the first two axes are flipped to run that way; no voxel moves.

Everything, UIDs too, follows from the arguments: the same call writes the same bytes.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pydicom.uid
from numpy.typing import NDArray
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.uid import UID, generate_uid
from pydicom.valuerep import DSfloat

Array = NDArray[np.float64]

TRANSFER_SYNTAXES: dict[str, UID] = {
    "explicit": pydicom.uid.ExplicitVRLittleEndian,
    "jpeg2000": pydicom.uid.JPEG2000Lossless,
    "jpegls": pydicom.uid.JPEGLSLossless,
    "rle": pydicom.uid.RLELossless,
}
"""Encodings of pixels; all lossless."""

ENCODERS = {"jpeg2000": "pylibjpeg", "jpegls": "pyjpegls", "rle": "pydicom"}
"""The encoder of each, named so that the bytes do not depend on other installed packages."""

INTERCEPT_HU = -1024
"""HU of the stored value 0."""

PADDING_STORED = -2000
"""Stored value (`PixelPaddingValue`) of pixels outside of the field of view, below every HU."""

JPEG2000_PIXELS = 32
"""Fewest pixels a side that OpenJPEG compresses at its default of 6 resolutions."""

LARGEST_SKEW = 1e-4
"""Cosine of the angle between rows and columns that still counts as a right angle."""

TO_LPS = np.diag([-1.0, -1.0, 1.0, 1.0])


@dataclass(frozen=True)
class SeriesText:
    """Header text of a fictitious patient and study; the names are DICOM's keywords."""

    PatientName: str = "Simulated^Head"
    PatientID: str = "SIMULATED"
    PatientBirthDate: str = ""
    PatientSex: str = "O"
    PatientAge: str = "050Y"
    StudyID: str = "1"
    StudyDescription: str = "Simulated head CT"
    SeriesNumber: int = 2
    SeriesDescription: str = "Head 5.0 soft"
    BodyPartExamined: str = "HEAD"
    ConvolutionKernel: str = "SOFT"


def write_series(
    folder: Path,
    hu: NDArray[np.generic],
    affine: Array,
    *,
    seed: int = 0,
    transfer_syntax: str = "explicit",
    text: SeriesText | None = None,
    thickness_mm: float | None = None,
    outside: NDArray[np.bool_] | None = None,
    keep_axes: bool = False,
    at: Sequence[float] | None = None,
    attributes: Mapping[str, Any] | None = None,
) -> list[Path]:
    """Write one file for each slice, `IM0001.dcm` and on, in the order of the third axis.

    Args:
        folder: where to; made if it is not there.
        hu: volume (I, J, K) in HU; rounded to whole numbers.
        affine: (4, 4), voxel to RAS mm.
        seed: tells this study's UIDs from those of other ones.
        transfer_syntax: one of `TRANSFER_SYNTAXES`.
        text: of the header; a fictitious patient if not given.
        thickness_mm: `SliceThickness`; the distance between slices if not given.
        outside: (I, J, K), where the scanner saw nothing: stored as `PixelPaddingValue`.
        keep_axes: store rows and columns as the volume's axes run, not as a scanner does.
        at: (K,), where the images lie along the third axis, in units of it; 0, 1, 2, ... if not given. So slices can be
            left out, lie at one place, or be unevenly spaced.
        attributes: values by DICOM's keywords that replace those of every series, or are added to them.

    Returns:
        The files, in the order of `InstanceNumber`.

    Raises:
        ValueError: an unknown transfer syntax, shapes or places that do not fit, HU that 16 bits do not hold, or an
            affine that DICOM can't express.
    """
    if transfer_syntax not in TRANSFER_SYNTAXES:
        raise ValueError(f"transfer_syntax is one of {', '.join(TRANSFER_SYNTAXES)}, got {transfer_syntax!r}")
    stored = _stored(hu, outside)
    if transfer_syntax == "jpeg2000" and min(stored.shape[:2]) < JPEG2000_PIXELS:
        sides = " x ".join(map(str, stored.shape[:2]))
        raise ValueError(f"JPEG 2000 needs images of at least {JPEG2000_PIXELS} pixels a side, got {sides}")
    affine, places = _checked(affine), list(range(stored.shape[2]) if at is None else at)
    if len(places) != stored.shape[2]:
        raise ValueError(f"each of the {stored.shape[2]} images needs a place, got {len(places)} in `at`")
    if not keep_axes:
        stored, affine = in_scanner_order(stored, affine)
    common = _common(TO_LPS @ affine, text or SeriesText(), seed, thickness_mm, attributes or {})
    common.Rows, common.Columns = stored.shape[1], stored.shape[0]
    if outside is not None:
        common.add_new("PixelPaddingValue", "SS", PADDING_STORED)
    folder.mkdir(parents=True, exist_ok=True)
    files = [folder / f"IM{k + 1:04d}.dcm" for k in range(stored.shape[2])]
    lps = TO_LPS @ affine
    for k, file in enumerate(files):
        _write_slice(file, common, stored[:, :, k].T, k, lps[:3, 3] + places[k] * lps[:3, 2], transfer_syntax)
    return files


def _stored(hu: NDArray[np.generic], outside: NDArray[np.bool_] | None) -> NDArray[np.int16]:
    """Stored values (I, J, K)."""
    if hu.ndim != 3 or (outside is not None and outside.shape != hu.shape):
        shapes = f"{hu.shape}{'' if outside is None else f' and {outside.shape}'}"
        raise ValueError(f"the volume must be (I, J, K), and `outside` of the same shape, got {shapes}")
    values = np.rint(np.asarray(hu, dtype=np.float64)) - INTERCEPT_HU
    limits = np.iinfo(np.int16)
    if not (np.isfinite(values).all() and values.min() >= PADDING_STORED and values.max() <= limits.max):
        low, high = PADDING_STORED + INTERCEPT_HU, limits.max + INTERCEPT_HU
        raise ValueError(f"HU must be finite and from {low} to {high}, got {np.min(hu)} to {np.max(hu)}")
    if outside is not None:
        values[outside] = PADDING_STORED
    return values.astype(np.int16)


def _checked(affine: Array) -> Array:
    """The affine, if slices of square corners can have it."""
    affine = np.asarray(affine, dtype=np.float64)
    if affine.shape != (4, 4) or not np.isfinite(affine).all() or abs(np.linalg.det(affine)) < 1e-9:
        raise ValueError(f"the affine must be an invertible 4x4 matrix, got {affine.tolist()}")
    lengths = np.linalg.norm(affine[:3, :2], axis=0)
    cosine = abs(affine[:3, 0] @ affine[:3, 1]) / lengths.prod()
    if cosine > LARGEST_SKEW:
        raise ValueError(
            f"the first two axes must be orthogonal, the cosine of their angle is {cosine:.4f}: only the third may lean"
        )
    return affine


def in_scanner_order(volume: NDArray[Any], affine: Array) -> tuple[NDArray[Any], Array]:
    """The same voxels (I, J, K), the first two axes flipped to run, where they come close, to left and posterior."""
    for axis, size in enumerate(volume.shape[:2]):
        column = affine[:3, axis]
        main = int(np.argmax(np.abs(column)))
        if (column[main] > 0) == (main < 2):
            flip = np.eye(4)
            flip[axis, axis], flip[axis, 3] = -1, size - 1
            volume, affine = np.flip(volume, axis), affine @ flip
    return volume, affine


def _decimals(values: Array | list[float]) -> list[DSfloat]:
    """Decimal strings of 16 characters at most."""
    return [DSfloat(float(value), auto_format=True) for value in values]


def _common(
    lps: Array, text: SeriesText, seed: int, thickness_mm: float | None, attributes: Mapping[str, Any]
) -> Dataset:
    """The attributes that all slices share."""
    data = Dataset()
    for keyword, value in asdict(text).items():
        setattr(data, keyword, value)
    identity = [str(seed), *map(str, asdict(text).values()), np.array2string(lps, precision=6)]
    identity += [f"{keyword} {value}" for keyword, value in attributes.items()]
    data.StudyInstanceUID = generate_uid(entropy_srcs=["study", str(seed), text.PatientID])
    data.FrameOfReferenceUID = generate_uid(entropy_srcs=["frame", str(seed), text.PatientID])
    data.SeriesInstanceUID = generate_uid(entropy_srcs=["series", *identity])
    for keyword, value in {**CONSTANT, **attributes}.items():
        setattr(data, keyword, value)
    lengths = np.linalg.norm(lps[:3, :3], axis=0)
    rows, columns = lps[:3, 0] / lengths[0], lps[:3, 1] / lengths[1]
    normal = np.cross(rows, columns)
    data.ImageOrientationPatient = _decimals([*rows, *columns])
    data.PixelSpacing = _decimals([lengths[1], lengths[0]])
    data.SliceThickness = _decimals([thickness_mm or abs(float(lps[:3, 2] @ normal))])[0]
    lean = np.rad2deg(np.arccos(min(1.0, abs(float(lps[:3, 2] @ normal)) / lengths[2])))
    data.GantryDetectorTilt = _decimals([0.0 if lean < 1e-3 else round(float(lean), 3)])[0]
    return data


CONSTANT: dict[str, Any] = {
    "SpecificCharacterSet": "ISO_IR 100",
    "SOPClassUID": pydicom.uid.CTImageStorage,
    **dict.fromkeys(("StudyDate", "SeriesDate", "ContentDate"), "20200101"),
    **dict.fromkeys(("StudyTime", "SeriesTime", "ContentTime"), "120000"),
    **dict.fromkeys(("AccessionNumber", "ReferringPhysicianName"), ""),
    "Modality": "CT",
    "Manufacturer": "Simulated",
    "ManufacturerModelName": "head_ct_position_anomaly simulator",
    "ImageType": ["ORIGINAL", "PRIMARY", "AXIAL"],
    "PatientPosition": "HFS",
    "PositionReferenceIndicator": "OM",
    "KVP": "120",
    "AcquisitionNumber": 1,
    "SamplesPerPixel": 1,
    "PhotometricInterpretation": "MONOCHROME2",
    "BitsAllocated": 16,
    "BitsStored": 16,
    "HighBit": 15,
    "PixelRepresentation": 1,
    "RescaleIntercept": INTERCEPT_HU,
    "RescaleSlope": 1,
    "RescaleType": "HU",
    "WindowCenter": "40",
    "WindowWidth": "80",
    "BurnedInAnnotation": "NO",
    "LossyImageCompression": "00",
}
"""Attributes that every slice of every simulated series has."""


def _write_slice(
    file: Path, common: Dataset, pixels: NDArray[np.int16], k: int, position: Array, transfer_syntax: str
) -> None:
    """Write image k of a series; `pixels` is (rows, columns), `position` (3,) in LPS mm."""
    data = Dataset()
    data.update(common)
    data.SOPInstanceUID = generate_uid(entropy_srcs=[str(common.SeriesInstanceUID), str(k)])
    data.InstanceNumber = k + 1
    data.ImagePositionPatient = _decimals(position)
    data.SliceLocation = _decimals([position[2]])[0]
    data.PixelData = np.ascontiguousarray(pixels, dtype="<i2").tobytes()
    data["PixelData"].VR = "OW"
    data.file_meta = FileMetaDataset()
    data.file_meta.MediaStorageSOPClassUID = data.SOPClassUID
    data.file_meta.MediaStorageSOPInstanceUID = data.SOPInstanceUID
    data.file_meta.TransferSyntaxUID = TRANSFER_SYNTAXES["explicit"]
    if transfer_syntax != "explicit":
        data.compress(
            TRANSFER_SYNTAXES[transfer_syntax], encoding_plugin=ENCODERS[transfer_syntax], generate_instance_uid=False
        )
    data.save_as(file, enforce_file_format=True)
