"""The CT images that DICOM results are about: which they are, and any map on their slices.

The *source images* are those that the reader chose, one for each slice, sorted by height (see `slices`). A volume has
the same slices, or, where their spacing varies, those of a uniform grid; results go back to the *source slices*, where
the scanner measured: the slice of the grid that lies there, else the mean of its neighbours by distance.

A frame of an enhanced CT file stands here as an image of its own, a *flat* one under a UID that is made up: what was
made of flat images refers to the file and the frame again after `refer_to_frames`.
"""

from __future__ import annotations

import re
import warnings
from collections.abc import Callable, Mapping, Sequence
from copy import copy
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any
from uuid import NAMESPACE_OID, uuid5

import numpy as np
import pydicom
from numpy.typing import NDArray
from pydicom.dataset import Dataset
from pydicom.multival import MultiValue
from pydicom.uid import CTImageStorage
from pydicom.valuerep import DS

from ...reading.headers import IMAGE_STORAGE, ImageHeader, read_headers
from ...reading.references import check_references
from ...reading.series import choose, stacks_of
from ...reading.slices import UNIFORM_MM, Grid
from ...reading.stacks import stack_grid
from ...reading.values import number_of

UTF_8 = "ISO_IR 192"
"""The character set of results whose source names one: it holds all that any other can hold."""


def is_date(text: str) -> bool:
    """True if a text is a day of the calendar as DICOM writes it; for an unknown one, some programs write 00000000."""
    try:
        return bool(re.fullmatch(r"\d{8}", text) and datetime.strptime(text, "%Y%m%d"))
    except ValueError:
        return False


def is_time(text: str) -> bool:
    """True if a text is a time as DICOM writes it; its end may be left out, from the minutes on."""
    return bool(re.fullmatch(r"([01]\d|2[0-3])([0-5]\d(([0-5]\d|60)(\.\d{1,6})?)?)?", text))


IS_LINE = re.compile(r".*").fullmatch

NEEDED: Mapping[str, Callable[[str], object]] = {
    "PatientID": IS_LINE,
    "PatientName": IS_LINE,
    "PatientBirthDate": is_date,
    "PatientSex": re.compile(r"[MFO]").fullmatch,
    "StudyID": IS_LINE,
    "StudyDate": is_date,
    "StudyTime": is_time,
    "AccessionNumber": IS_LINE,
    "ReferringPhysicianName": IS_LINE,
}
"""Attributes of patient and study that every object must have, and whether a value can be copied; else it is empty."""

NEVER_EMPTY = ("SpecificCharacterSet", "SOPInstanceUID", "FrameOfReferenceUID", "LossyImageCompression")
"""Attributes that objects have with a value or not at all; some sources have them empty."""

NOT_TOLD = "The source does not tell"
"""The method by which a source was made anonymous that names none, as it would have to."""


@dataclass(frozen=True)
class Frame:
    """The frame behind a flat image: frame `number` (from 1) of the file `uid` of the class `sop_class`."""

    sop_class: str
    uid: str
    number: int


@dataclass(frozen=True)
class Source:
    """The source images without pixels, in the order of `grid.heights_mm`, and by UID what flat ones stand for."""

    images: tuple[Dataset, ...]
    grid: Grid
    frames: Mapping[str, Frame] = field(default_factory=dict)

    @property
    def first(self) -> Dataset:
        """An image to take from what all share: patient, study, orientation, pixel spacing."""
        return self.images[0]


def read_source(path: str | Path, series_uid: str | None = None) -> Source:
    """The source images at `path`, of the series that is chosen or named.

    Raises:
        InputRefused: there are none that can be judged, or they share their UIDs.
    """
    headers = read_headers(Path(path))
    stack = choose(stacks_of(headers), series_uid, bone_alone=True)
    check_references(stack)
    grid, chosen, _ = stack_grid(stack)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # values out of form are emptied or left out
        files = {file: pydicom.dcmread(file, stop_before_pixels=True, force=True) for file in {c.path for c in chosen}}
        for data in files.values():
            complete(data)
        images = tuple(files[h.path] if h.frame is None else flat(h, files[h.path]) for h in chosen)
        share_frame_of_reference(images)
        share_orientation(images)
        for image in images:
            measure(image, grid)
    frames = {}
    for header, image in zip(chosen, images, strict=True):
        if header.frame is not None:
            file_uid = str(files[header.path].SOPInstanceUID)
            frames[str(image.SOPInstanceUID)] = Frame(header.sop_class, file_uid, header.frame + 1)
    return Source(images, grid, frames)


def complete(data: Dataset) -> None:
    """Give a data set the required attributes, empty if the source has no value that can be copied."""
    keep_readable(data)
    if data.get("SpecificCharacterSet"):
        data.decode()
        data.SpecificCharacterSet = UTF_8
    for name in NEVER_EMPTY:
        if not data.get(name):
            data.pop(name, None)
    for name, can_be_copied in NEEDED.items():
        value = data.get(name) or ""
        if name not in data or isinstance(value, MultiValue) or not can_be_copied(str(value)):
            setattr(data, name, "")
    if data.get("PatientIdentityRemoved") == "YES" and not data.get("DeidentificationMethodCodeSequence"):
        data.DeidentificationMethod = data.get("DeidentificationMethod") or NOT_TOLD
    told = (data.get("SOPClassUID"), data.file_meta.get("MediaStorageSOPClassUID"))
    data.SOPClassUID = next((uid for uid in told if uid in IMAGE_STORAGE), CTImageStorage)
    if "SOPInstanceUID" not in data:
        data.SOPInstanceUID = data.file_meta.MediaStorageSOPInstanceUID


def keep_readable(data: Dataset) -> None:
    """Remove private attributes, and those whose bytes are no value of their kind, which nothing could copy."""
    for tag in list(data.keys()):
        try:
            element = data[tag]
        except Exception:  # pydicom raises many kinds on bytes that are not what they should be
            del data[tag]
            continue
        if tag.is_private:
            del data[tag]
        elif element.VR == "SQ":
            for item in element.value:
                keep_readable(item)


def share_frame_of_reference(images: Sequence[Dataset]) -> None:
    """Put the images of a series into one frame of reference: the first that is named, or else one that is made up.

    Their positions were read as those of one frame; some anonymisers give each image another, or leave some without.
    """
    made_up = "2.25." + str(uuid5(NAMESPACE_OID, f"{images[0].SeriesInstanceUID} frame").int)
    uid = next((image.FrameOfReferenceUID for image in images if "FrameOfReferenceUID" in image), made_up)
    for image in images:
        image.FrameOfReferenceUID = uid


def share_orientation(images: Sequence[Dataset]) -> None:
    """Give the images of a series the orientation of the first one: they were read as parallel.

    Some scanners round the cosines of each image by themselves; highdicom takes images with the same digits only.
    """
    for image in images:
        image.ImageOrientationPatient = list(images[0].ImageOrientationPatient)


def measure(image: Dataset, grid: Grid) -> None:
    """Let an image say of its slices what their positions say: results copy their thickness and distance.

    Without a thickness it is their distance. Another distance than theirs is left out: some scanners write the gap
    between slices, or a negative one.
    """
    if (number_of(image.get("SliceThickness")) or 0.0) <= 0:
        image.SliceThickness = DS(grid.spacing_mm, auto_format=True)
    told = number_of(image.get("SpacingBetweenSlices"))
    if told is None or np.abs(np.diff(grid.heights_mm) - told).max() > UNIFORM_MM:
        image.pop("SpacingBetweenSlices", None)


def flat(header: ImageHeader, data: Dataset) -> Dataset:
    """A frame of an enhanced file as an image of its own."""
    image = Dataset()
    for element in data:
        if not element.keyword.endswith("FunctionalGroupsSequence") and element.keyword != "NumberOfFrames":
            image[element.tag] = copy(element)
    made_up = uuid5(NAMESPACE_OID, f"{data.SOPInstanceUID} {header.frame}").int
    image.SOPClassUID, image.SOPInstanceUID = CTImageStorage, f"2.25.{made_up}"
    image.ImagePositionPatient = list(header.position_mm or ())
    image.ImageOrientationPatient = list(header.orientation or ())
    image.PixelSpacing = list(header.pixel_spacing_mm or ())
    image.SliceThickness = header.thickness_mm
    return image


def refer_to_frames(data: Dataset, frames: Mapping[str, Frame]) -> None:
    """Let every reference of a data set to a flat image refer to the file, and where frames can be named, to the frame.

    A list names a file, or a frame of it, once.
    """
    files = {frame.uid for frame in frames.values()}
    for element in data:
        if element.VR != "SQ":
            continue
        named, kept = set(), []
        for item in element.value:
            frame = frames.get(str(item.get("ReferencedSOPInstanceUID", "")))
            if frame:
                item.ReferencedSOPClassUID, item.ReferencedSOPInstanceUID = frame.sop_class, frame.uid
                of_content = element.keyword == "ReferencedSOPSequence" and "ValueType" in data
                if of_content or element.keyword == "SourceImageSequence":
                    item.ReferencedFrameNumber = frame.number
            refer_to_frames(item, frames)
            name = str(item.get("ReferencedSOPInstanceUID")), str(item.get("ReferencedFrameNumber"))
            if name[0] not in files or name not in named:
                kept.append(item)
            named.add(name)
        element.value = kept


def on_slices(values: NDArray[Any], grid: Grid, labels: bool = False) -> NDArray[Any]:
    """A volume (I, J, K) on the source slices, (S, rows, columns) = (S, J, I); labels come from the nearest slice."""
    planes = values.transpose(2, 1, 0)
    found = np.empty((len(grid.heights_mm), *planes.shape[1:]), planes.dtype)
    for number, height in enumerate(grid.heights_mm - grid.heights_mm[0]):
        place = min(float(height) / grid.spacing_mm, len(planes) - 1)
        nearest = round(place)
        if labels or abs(place - nearest) * grid.spacing_mm <= UNIFORM_MM:
            found[number] = planes[nearest]
        else:
            below, weight = int(place), place - int(place)
            found[number] = (1 - weight) * planes[below] + weight * planes[below + 1]
    return found
