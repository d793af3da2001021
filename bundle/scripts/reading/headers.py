"""DICOM headers, read without their pixels: one `ImageHeader` for each image, a file or a frame of a multi-frame file.

Only regular files are opened (a FIFO would block, a dangling link fails), each in its own try. What is not DICOM is
counted as *foreign*; DICOM objects that are not images (reports, directories) as *other objects*. An *enhanced* CT file
holds many frames (see `frames`).
"""

from __future__ import annotations

import errno
import os
import stat
import warnings
from dataclasses import dataclass, field
from pathlib import Path

import pydicom
from pydicom.dataset import Dataset

from ..files.names import shown
from ..findings import InputRefused, refusal
from ..words import counted
from .codestreams import check_inflated_size
from .frames import FRAMES, SHARED, frames_of
from .values import (
    age_years_of,
    as_list,
    birth_date_of,
    contrast_of,
    integer_of,
    number_of,
    numbers_of,
    padding_of,
    patient_of,
    text_of,
    uid_of,
)

IMAGE_STORAGE = ("1.2.840.10008.5.1.4.1.1.2", "1.2.840.10008.5.1.4.1.1.2.1", "1.2.840.10008.5.1.4.1.1.2.2")
"""CT Image Storage, Enhanced CT Image Storage and Legacy Converted Enhanced CT Image Storage."""

TAGS: tuple[str, ...] = (
    *("SOPClassUID", "SOPInstanceUID", "SeriesInstanceUID", "StudyInstanceUID", "FrameOfReferenceUID"),
    *("Modality", "ImageType"),
    *("PatientID", "PatientName", "PatientBirthDate", "PatientAge", "StudyDate", "SeriesDate", "AcquisitionDate"),
    "BodyPartExamined",
    *("SeriesDescription", "ProtocolName", "ConvolutionKernel", "ContrastBolusAgent", "ContrastBolusVolume"),
    *("ImagePositionPatient", "ImageOrientationPatient", "PixelSpacing", "SliceThickness", "Rows", "Columns"),
    *("RescaleSlope", "RescaleIntercept", "RescaleType", "PixelPaddingValue", "PixelPaddingRangeLimit"),
    *("SamplesPerPixel", "PhotometricInterpretation", "BitsAllocated", "BitsStored", "PixelRepresentation"),
    *("HighBit", "AcquisitionNumber"),
    *("NumberOfFrames", "LossyImageCompression", "SeriesNumber"),
    *(SHARED, FRAMES),
)
"""The attributes that are read; all others stay on the disk."""

NOWHERE = (errno.ENOENT, errno.ENOTDIR, errno.ELOOP, errno.ENAMETOOLONG, errno.EINVAL)
"""Errors of the operating system at a link that leads to nothing."""

STARTS = (b"\x02\x00", b"\x08\x00")
"""First bytes of a DICOM file without preamble: the group of its meta information, or that of its data set."""


@dataclass(frozen=True)
class ImageHeader:
    """One image, as the reader needs it. `frame` is None in a single-frame file; elsewhere None means absent.

    `description` is that of the series and the name of the protocol, of which a scanner may give several series one.
    """

    path: Path
    frame: int | None
    patient: tuple[str, ...]
    birth_date: str
    study_uid: str
    frame_uid: str
    series_uid: str
    series_number: int | None
    acquisition: int | None
    sop_class: str
    sop_uid: str
    modality: str
    image_type: tuple[str, ...]
    rows: int
    columns: int
    photometric: str
    samples: int
    bits: tuple[int, int, bool]
    high_bit: int | None
    position_mm: tuple[float, ...] | None
    orientation: tuple[float, ...] | None
    pixel_spacing_mm: tuple[float, ...] | None
    thickness_mm: float | None
    slope: float | None
    intercept: float | None
    rescale_type: str
    padding: tuple[int, int] | None
    kernel: str
    series_description: str
    description: str
    contrast: str
    body_part: str
    age_years: float | None
    lossy: bool


@dataclass
class Headers:
    """The headers of a folder: CT-like images, number of foreign files, other objects, number of links to folders.

    `unread` are the paths of the foreign files.
    """

    images: list[ImageHeader] = field(default_factory=list)
    foreign: int = 0
    other_objects: int = 0
    linked_folders: int = 0
    unread: list[Path] = field(default_factory=list)

    def set_aside(self, file: Path) -> None:
        """Count a foreign file."""
        self.foreign += 1
        self.unread.append(file)


def read_headers(path: Path) -> Headers:
    """The headers of all images at `path`, a file or a folder (searched downwards, links to folders not followed).

    Raises:
        InputRefused: `empty_folder`, `corrupt_file` for a CT file whose header is damaged, or `read_failed`.
    """
    found = Headers()
    files = _files(path, found)
    if not files and not found.foreign:
        links = counted(found.linked_folders, "link to a folder, which is", "links to folders, which are")
        but = f", only {links} not followed" if found.linked_folders else ""
        raise refusal("empty_folder", f"The folder holds no file{but}.")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # pydicom's remarks on values out of form show these values
        for file in files:
            _read_file(file, found)
    return found


def _files(path: Path, found: Headers) -> list[Path]:
    """Regular files at or below `path`, sorted by name; other things (links to nothing, FIFOs) are counted in `found`.

    Links to folders are not followed, since they may lead round in a circle or to other patients.

    Raises:
        InputRefused: `read_failed` when a folder can't be listed or entered.
    """
    if not path.is_dir():
        return [path]
    files = []
    for folder, folders, names in os.walk(path, onerror=_unlisted):
        folders.sort()
        found.linked_folders += sum(Path(folder, name).is_symlink() for name in folders)
        for name in sorted(names):
            file = Path(folder, name)
            if _is_regular(file):
                files.append(file)
            else:
                found.set_aside(file)
    return files


def _is_regular(file: Path) -> bool:
    """True if a file is a regular one; refuses one in a folder that can't be entered, or on a disk that fails."""
    try:
        return stat.S_ISREG(file.stat().st_mode)
    except OSError as error:
        if error.errno not in NOWHERE:
            _unlisted(error)
    return False


def _unlisted(error: OSError) -> None:
    """Refuse a folder that can't be listed or entered: it may hold slices of the series."""
    raise refusal("read_failed", f"A folder inside can't be read ({error.strerror}).") from error


def see_disk(error: Exception, file: Path) -> None:
    """See that an error at a file is one of its bytes, which the system has no words for, not one of the disk.

    Raises:
        InputRefused: `read_failed`.
    """
    if isinstance(error, OSError) and error.strerror:
        raise refusal("read_failed", f"The file {shown(file)} can't be read ({error.strerror}).") from error


def _read_file(file: Path, found: Headers) -> None:
    """Add what `file` holds to `found`. A DICOM file that can't be read is refused: it may be a slice of the series."""
    certain = True
    try:
        certain, possible = looks_like_dicom(file)
        if not possible:
            found.set_aside(file)
            return
        check_inflated_size(file)
        data = _header(file)
        if not certain and "SeriesInstanceUID" not in data:
            found.set_aside(file)
            return
        storage = uid_of(data.file_meta, "MediaStorageSOPClassUID") or uid_of(data, "SOPClassUID")
        if "Rows" not in data and storage and storage not in IMAGE_STORAGE:
            found.other_objects += 1
            return
        _check_complete(file, data)
        found.images.extend(_images(file, data))
    except InputRefused:
        raise
    except Exception as error:  # pydicom raises many kinds on bytes that are not what they should be
        see_disk(error, file)
        if not certain:
            found.set_aside(file)
            return
        why = f"it is damaged or ends early ({type(error).__name__})"
        raise refusal("corrupt_file", f"The file {shown(file)} can't be read: {why}.") from error


def _check_complete(file: Path, data: Dataset) -> None:
    """Refuse an image without the attributes that every image has."""
    for name in ("SeriesInstanceUID", "Rows", "Columns"):
        if data.get(name) in (None, ""):
            raise refusal("corrupt_file", f"The file {shown(file)} has no {name}, or ends early.")


def looks_like_dicom(file: Path) -> tuple[bool, bool]:
    """True if the file has the DICOM prefix; and True if it may be DICOM: else it begins with group 0002 or 0008.

    Programs that store a data set alone leave out the preamble and the prefix, some of them the meta information, too.
    """
    with file.open("rb") as stream:
        start = stream.read(132)
    certain = start[128:] == b"DICM"
    return certain, certain or (start[:2] in STARTS and len(start) == 132)


def _header(file: Path) -> Dataset:
    """The attributes `TAGS` of `file`; pydicom's remarks on values out of form are not the user's concern."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return pydicom.dcmread(file, stop_before_pixels=True, force=True, specific_tags=list(TAGS))


def _images(file: Path, data: Dataset) -> list[ImageHeader]:
    """One header for a single-frame file, one for each frame of an enhanced one."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        if not data.get(FRAMES):
            return [_image(file, None, data, data)]
        return [_image(file, k, whole, values) for k, (whole, values) in enumerate(frames_of(data, TAGS))]


def _image(file: Path, frame: int | None, data: Dataset, values: Dataset) -> ImageHeader:
    """Header of one image: `data` are the attributes of the file, `values` those that may vary between frames."""
    return ImageHeader(
        path=file,
        frame=frame,
        patient=patient_of(data),
        birth_date=birth_date_of(data),
        study_uid=uid_of(data, "StudyInstanceUID"),
        frame_uid=uid_of(data, "FrameOfReferenceUID"),
        series_uid=uid_of(data, "SeriesInstanceUID"),
        series_number=integer_of(data.get("SeriesNumber")),
        acquisition=integer_of(data.get("AcquisitionNumber")),
        sop_class=uid_of(data, "SOPClassUID") or uid_of(data.file_meta, "MediaStorageSOPClassUID"),
        sop_uid=uid_of(data, "SOPInstanceUID") or uid_of(data.file_meta, "MediaStorageSOPInstanceUID"),
        modality=text_of(data, "Modality"),
        image_type=tuple(str(v).upper() for v in as_list(values.get("FrameType") or data.get("ImageType"))),
        rows=int(data.Rows),
        columns=int(data.Columns),
        photometric=text_of(data, "PhotometricInterpretation"),
        samples=int(data.get("SamplesPerPixel", 1) or 1),
        bits=(
            int(data.get("BitsAllocated", 16)),
            int(data.get("BitsStored", 16)),
            bool(data.get("PixelRepresentation")),
        ),
        high_bit=integer_of(data.get("HighBit")),
        position_mm=numbers_of(values.get("ImagePositionPatient"), 3),
        orientation=numbers_of(values.get("ImageOrientationPatient"), 6),
        pixel_spacing_mm=numbers_of(values.get("PixelSpacing"), 2),
        thickness_mm=number_of(values.get("SliceThickness")),
        slope=number_of(values.get("RescaleSlope")),
        intercept=number_of(values.get("RescaleIntercept")),
        rescale_type=text_of(values, "RescaleType"),
        padding=padding_of(values),
        kernel=text_of(values, "ConvolutionKernel"),
        series_description=text_of(data, "SeriesDescription"),
        description=f"{text_of(data, 'SeriesDescription')} {text_of(data, 'ProtocolName')}".strip(),
        contrast=contrast_of(data, values),
        body_part=text_of(data, "BodyPartExamined"),
        age_years=age_years_of(data),
        lossy="01" in (text_of(data, "LossyImageCompression"), text_of(values, "LossyImageCompression")),
    )
