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
from collections.abc import Mapping
from copy import copy
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from uuid import NAMESPACE_OID, uuid5

import numpy as np
import pydicom
from numpy.typing import NDArray
from pydicom.dataset import Dataset
from pydicom.multival import MultiValue
from pydicom.uid import CTImageStorage

from ...reading.headers import ImageHeader, read_headers
from ...reading.references import check_references
from ...reading.series import choose, stacks_of
from ...reading.slices import UNIFORM_MM, Grid
from ...reading.stacks import stack_grid

UTF_8 = "ISO_IR 192"
"""The character set of results whose source names one: it holds all that any other can hold."""

NEEDED = {
    "PatientID": r".*",
    "PatientName": r".*",
    "PatientBirthDate": r"\d{8}",
    "PatientSex": r"[MFO]",
    "StudyID": r".*",
    "StudyDate": r"\d{8}",
    "StudyTime": r"\d{6}(\.\d{1,6})?",
    "AccessionNumber": r".*",
    "ReferringPhysicianName": r".*",
}
"""Attributes of patient and study that every object must have, and what their values look like; else they are empty."""

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
    frames = {}
    for header, image in zip(chosen, images, strict=True):
        if header.frame is not None:
            file_uid = str(files[header.path].SOPInstanceUID)
            frames[str(image.SOPInstanceUID)] = Frame(header.sop_class, file_uid, header.frame + 1)
    return Source(images, grid, frames)


def complete(data: Dataset) -> None:
    """Give a data set the required attributes, empty if the source has no value that can be copied."""
    if data.get("SpecificCharacterSet"):
        data.decode()
        data.SpecificCharacterSet = UTF_8
    data.remove_private_tags()
    for name, form in NEEDED.items():
        value = data.get(name) or ""
        if name not in data or isinstance(value, MultiValue) or not re.fullmatch(form, str(value)):
            setattr(data, name, "")
    if "SliceThickness" not in data:  # of type 2: it is there, and may be empty
        data.SliceThickness = None
    if not data.get("FrameOfReferenceUID"):
        data.FrameOfReferenceUID = "2.25." + str(uuid5(NAMESPACE_OID, f"{data.SeriesInstanceUID} frame").int)
    if data.get("PatientIdentityRemoved") == "YES" and not data.get("DeidentificationMethodCodeSequence"):
        data.DeidentificationMethod = data.get("DeidentificationMethod") or NOT_TOLD
    if "SOPClassUID" not in data or "SOPInstanceUID" not in data:
        data.SOPClassUID = data.file_meta.MediaStorageSOPClassUID
        data.SOPInstanceUID = data.file_meta.MediaStorageSOPInstanceUID


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
    """Let every reference of a data set to a flat image refer to the file and the frame; a list names a file once."""
    for element in data:
        if element.VR != "SQ":
            continue
        seen: list[Any] = []
        for item in element.value:
            frame = frames.get(str(item.get("ReferencedSOPInstanceUID", "")))
            if frame:
                item.ReferencedSOPClassUID, item.ReferencedSOPInstanceUID = frame.sop_class, frame.uid
                if element.keyword in ("SourceImageSequence", "ReferencedSOPSequence"):
                    item.ReferencedFrameNumber = frame.number
                if element.keyword != "SourceImageSequence" and any(
                    other.get("ReferencedSOPInstanceUID") == frame.uid for other in seen
                ):
                    continue
            refer_to_frames(item, frames)
            seen.append(item)
        element.value = seen


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
