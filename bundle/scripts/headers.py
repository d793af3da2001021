"""DICOM headers, read without their pixels: one `ImageHeader` for each image, a file or a frame of a multi-frame file.

Only regular files are opened (a FIFO would block, a dangling link fails), each in its own try. What is not DICOM is
counted as *foreign*; DICOM objects that are not images (reports, directories) as *other objects*. An *enhanced* CT file
holds many frames; what varies from frame to frame stands in its functional groups (DICOM PS3.3 A.38, C.7.6.16).
"""

from __future__ import annotations

import math
import os
import stat
import warnings
from collections.abc import Iterator, MutableSequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pydicom
from pydicom.dataset import Dataset

from .findings import refusal

IMAGE_STORAGE = ("1.2.840.10008.5.1.4.1.1.2", "1.2.840.10008.5.1.4.1.1.2.1", "1.2.840.10008.5.1.4.1.1.2.2")
"""CT Image Storage, Enhanced CT Image Storage and Legacy Converted Enhanced CT Image Storage."""

TAGS: tuple[str, ...] = (
    *("SOPClassUID", "SeriesInstanceUID", "StudyInstanceUID", "Modality", "ImageType"),
    *("PatientID", "PatientName", "PatientBirthDate", "PatientAge", "StudyDate", "BodyPartExamined"),
    *("SeriesDescription", "ProtocolName", "ConvolutionKernel", "ContrastBolusAgent", "ContrastBolusVolume"),
    *("ImagePositionPatient", "ImageOrientationPatient", "PixelSpacing", "SliceThickness", "Rows", "Columns"),
    *("RescaleSlope", "RescaleIntercept", "RescaleType", "PixelPaddingValue", "PixelPaddingRangeLimit"),
    *("SamplesPerPixel", "PhotometricInterpretation", "BitsAllocated", "BitsStored", "PixelRepresentation"),
    *("NumberOfFrames", "LossyImageCompression", "SeriesNumber"),
    *("SharedFunctionalGroupsSequence", "PerFrameFunctionalGroupsSequence"),
)
"""The attributes that are read; all others stay on the disk."""

FRAME_GROUPS: dict[str, tuple[str, ...]] = {
    "CTImageFrameTypeSequence": ("FrameType",),
    "PlanePositionSequence": ("ImagePositionPatient",),
    "PlaneOrientationSequence": ("ImageOrientationPatient",),
    "PixelMeasuresSequence": ("PixelSpacing", "SliceThickness"),
    "PixelValueTransformationSequence": ("RescaleSlope", "RescaleIntercept", "RescaleType"),
    "CTReconstructionSequence": ("ConvolutionKernel",),
    "ContrastBolusUsageSequence": ("ContrastBolusAgentAdministered",),
}
"""Where an enhanced file keeps what a single-frame file keeps at its top level."""


@dataclass(frozen=True)
class ImageHeader:
    """What the reader needs of one image. `frame` is None in a single-frame file; None elsewhere means absent."""

    path: Path
    frame: int | None
    patient: tuple[str, ...]
    study_uid: str
    series_uid: str
    series_number: int | None
    sop_class: str
    modality: str
    image_type: tuple[str, ...]
    rows: int
    columns: int
    photometric: str
    samples: int
    bits: tuple[int, int, bool]
    position_mm: tuple[float, ...] | None
    orientation: tuple[float, ...] | None
    pixel_spacing_mm: tuple[float, ...] | None
    thickness_mm: float | None
    slope: float | None
    intercept: float | None
    rescale_type: str
    padding: tuple[int, int] | None
    kernel: str
    description: str
    contrast: str
    body_part: str
    age_years: float | None
    lossy: bool


@dataclass
class Headers:
    """What a folder holds: CT-like images, how many foreign files and other objects there are."""

    images: list[ImageHeader] = field(default_factory=list)
    foreign: int = 0
    other_objects: int = 0


def read_headers(path: Path) -> Headers:
    """The headers of all images at `path`, a file or a folder (searched downwards, links to folders not followed).

    Raises:
        InputRefused: `path_missing`, `empty_folder`, or `corrupt_file` for a CT file whose header can't be read.
    """
    found = Headers()
    count = 0
    for file in _regular_files(path):
        count += 1
        _read_file(file, found)
    if not count:
        raise refusal("empty_folder", "The folder holds no file that can be read.")
    return found


def _regular_files(path: Path) -> Iterator[Path]:
    """Regular files at or below `path`, sorted by name."""
    if not path.is_dir():
        yield path
        return
    for folder, folders, names in os.walk(path):
        folders.sort()
        for name in sorted(names):
            file = Path(folder, name)
            try:
                if stat.S_ISREG(file.stat().st_mode):
                    yield file
            except OSError:
                continue


def _read_file(file: Path, found: Headers) -> None:
    """Add what `file` holds to `found`."""
    looks_like_dicom = False
    try:
        looks_like_dicom = _looks_like_dicom(file)
        if not looks_like_dicom:
            found.foreign += 1
            return
        data = _header(file)
        storage = str(data.file_meta.get("MediaStorageSOPClassUID", "") or data.get("SOPClassUID", ""))
        if "Rows" not in data and storage not in IMAGE_STORAGE:
            found.other_objects += 1
            return
        found.images.extend(_images(file, data))
    except Exception as error:
        if not looks_like_dicom:
            found.foreign += 1
            return
        text = f"The header of the DICOM file {file.name[:60]} can't be read ({type(error).__name__})."
        raise refusal("corrupt_file", text) from error


def _looks_like_dicom(file: Path) -> bool:
    """Whether the file has the DICOM prefix, or begins with group 0008 as files without one do."""
    with file.open("rb") as stream:
        start = stream.read(132)
    return start[128:] == b"DICM" or (start[:2] == b"\x08\x00" and len(start) == 132)


def _header(file: Path) -> Dataset:
    """The attributes `TAGS` of `file`; pydicom's remarks on values out of form are not the user's concern."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return pydicom.dcmread(file, stop_before_pixels=True, force=True, specific_tags=list(TAGS))


def _images(file: Path, data: Dataset) -> list[ImageHeader]:
    """One header for a single-frame file, one for each frame of an enhanced one."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        frames = data.get("PerFrameFunctionalGroupsSequence")
        if not frames:
            return [_image(file, None, data, data)]
        shared = data.get("SharedFunctionalGroupsSequence") or [Dataset()]
        return [_image(file, k, data, _frame_values(shared[0], frame, data)) for k, frame in enumerate(frames)]


def _frame_values(shared: Dataset, frame: Dataset, data: Dataset) -> Dataset:
    """The attributes of one frame at one level: from its own functional groups, else from the shared ones."""
    values = Dataset()
    for group, names in FRAME_GROUPS.items():
        sequence = frame.get(group) or shared.get(group)
        for name in names:
            if sequence and name in sequence[0]:
                values[name] = sequence[0][name]
    for name in ("PixelPaddingValue", "PixelPaddingRangeLimit"):
        if name in data:
            values[name] = data[name]
    return values


def _image(file: Path, frame: int | None, data: Dataset, values: Dataset) -> ImageHeader:
    """Header of one image: `data` are the attributes of the file, `values` those that may vary between frames."""
    return ImageHeader(
        path=file,
        frame=frame,
        patient=_patient(data),
        study_uid=str(data.get("StudyInstanceUID", "")),
        series_uid=str(data.SeriesInstanceUID),
        series_number=_integer(data.get("SeriesNumber")),
        sop_class=str(data.get("SOPClassUID", "") or data.file_meta.get("MediaStorageSOPClassUID", "")),
        modality=_text(data, "Modality"),
        image_type=tuple(str(v).upper() for v in _list(values.get("FrameType") or data.get("ImageType"))),
        rows=int(data.Rows),
        columns=int(data.Columns),
        photometric=_text(data, "PhotometricInterpretation"),
        samples=int(data.get("SamplesPerPixel", 1) or 1),
        bits=(
            int(data.get("BitsAllocated", 16)),
            int(data.get("BitsStored", 16)),
            bool(data.get("PixelRepresentation")),
        ),
        position_mm=_numbers(values.get("ImagePositionPatient"), 3),
        orientation=_numbers(values.get("ImageOrientationPatient"), 6),
        pixel_spacing_mm=_numbers(values.get("PixelSpacing"), 2),
        thickness_mm=_number(values.get("SliceThickness")),
        slope=_number(values.get("RescaleSlope")),
        intercept=_number(values.get("RescaleIntercept")),
        rescale_type=_text(values, "RescaleType"),
        padding=_padding(values),
        kernel=_text(values, "ConvolutionKernel"),
        description=f"{_text(data, 'SeriesDescription')} {_text(data, 'ProtocolName')}".strip(),
        contrast=_contrast(data, values),
        body_part=_text(data, "BodyPartExamined"),
        age_years=_age_years(data),
        lossy=_text(data, "LossyImageCompression") == "01",
    )


def _list(value: Any) -> list[Any]:
    """A DICOM value as a list."""
    if value is None or value == "":
        return []
    return list(value) if isinstance(value, (MutableSequence, tuple)) else [value]


def _text(data: Dataset, name: str) -> str:
    """A text value in upper case, the values of a list joined; "" when absent."""
    return " ".join(str(v) for v in _list(data.get(name))).strip().upper()


def _number(value: Any) -> float | None:
    """A finite number, or None."""
    numbers = _numbers(value, 1)
    return numbers[0] if numbers else None


def _integer(value: Any) -> int | None:
    """A whole number, or None."""
    number = _number(value)
    return None if number is None else int(number)


def _numbers(value: Any, count: int) -> tuple[float, ...] | None:
    """`count` finite numbers, or None for anything else."""
    try:
        numbers = tuple(float(v) for v in _list(value))
    except (TypeError, ValueError):
        return None
    return numbers if len(numbers) == count and all(map(math.isfinite, numbers)) else None


def _patient(data: Dataset) -> tuple[str, ...]:
    """What tells patients apart: the ID, or name and birth date where there is none. It stays inside the reader."""
    identity = _text(data, "PatientID")
    return (identity,) if identity else ("", _text(data, "PatientName"), _text(data, "PatientBirthDate"))


def _padding(values: Dataset) -> tuple[int, int] | None:
    """Range of stored values that mean padding, both ends included, or None."""
    value, limit = _number(values.get("PixelPaddingValue")), _number(values.get("PixelPaddingRangeLimit"))
    if value is None:
        return None
    ends = (int(value), int(value if limit is None else limit))
    return min(ends), max(ends)


def _contrast(data: Dataset, values: Dataset) -> str:
    """The contrast agent that the header names, or "" when it names none."""
    if _text(values, "ContrastBolusAgentAdministered") == "YES":
        return "YES"
    return _text(data, "ContrastBolusAgent")


def _age_years(data: Dataset) -> float | None:
    """Age in years from `PatientAge` ("012Y", "006M", ...), else from birth and study dates; None when not stated."""
    age = _text(data, "PatientAge")
    days = {"D": 365.25, "W": 365.25 / 7, "M": 12.0, "Y": 1.0}
    if len(age) == 4 and age[:3].isdigit() and age[3] in days:
        return int(age[:3]) / days[age[3]]
    birth, study = _text(data, "PatientBirthDate"), _text(data, "StudyDate")
    if len(birth) == 8 and len(study) == 8 and (birth + study).isdigit():
        return (int(study) - int(birth)) / 10000
    return None
