"""The acquisition of a scan as its headers tell it: device, kernel, slices, age, sex and month; nobody's identity.

A *device* is manufacturer and model. Two devices of one model are told apart by four hexadecimal digits of a hash of
the serial number, or of the station's name: they lead back to neither, since thousands of them share each hash. Of
dates only the month is kept, of birth only the age in years.
"""

from __future__ import annotations

import hashlib
import warnings
from dataclasses import dataclass
from pathlib import Path

import pydicom
from pydicom.dataset import Dataset

from ..files.names import is_nifti
from ..words import printable, shortened
from .headers import read_headers
from .inputs import scan_at
from .series import choose, stacks_of
from .values import text_of

TAGS = (
    *("Manufacturer", "ManufacturerModelName", "DeviceSerialNumber", "StationName", "PatientSex"),
    *("AcquisitionDate", "AcquisitionDateTime", "SeriesDate", "StudyDate"),
)
"""The attributes that are read beside those of the reader."""

DATES = TAGS[5:]
"""Attributes that say the date, the best one first."""

LONGEST = 60
"""Characters of a device's or a kernel's name."""


@dataclass(frozen=True)
class Acquisition:
    """The facts of the headers; None or "" where they don't. `month` is YYYY-MM."""

    scanner: str = ""
    kernel: str = ""
    thickness_mm: float | None = None
    age_years: float | None = None
    sex: str = ""
    month: str = ""


def acquisition_of(path: str | Path, series_uid: str | None = None) -> Acquisition:
    """The acquisition of the series at a path that is chosen or named, from headers alone; empty of a NIfTI file.

    Raises:
        InputRefused: there is no such scan.
    """
    place = scan_at(path)
    if place.is_file() and is_nifti(place):
        return Acquisition()
    first = choose(stacks_of(read_headers(place)), series_uid, bone_alone=True).first
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # pydicom's remarks on values out of form show these values
        data = pydicom.dcmread(first.path, stop_before_pixels=True, force=True, specific_tags=list(TAGS))
        sex = text_of(data, "PatientSex")
        return Acquisition(
            scanner_of(data),
            shortened(printable(first.kernel), LONGEST),
            first.thickness_mm,
            first.age_years,
            sex if sex in ("F", "M") else "",
            month_of(data),
        )


def scanner_of(data: Dataset) -> str:
    """The name of the device; "" where the header has no model."""
    names = [text_of(data, name) for name in ("Manufacturer", "ManufacturerModelName")]
    if not names[1]:
        return ""
    own = text_of(data, "DeviceSerialNumber") or text_of(data, "StationName")
    digits = f" #{hashlib.sha256(own.encode()).hexdigest()[:4]}" if own else ""
    return f"{shortened(printable(' '.join(names)), LONGEST - len(digits))}{digits}"


def month_of(data: Dataset) -> str:
    """The month of the acquisition, YYYY-MM; "" where no attribute says it."""
    for name in DATES:
        date = text_of(data, name)[:8]
        if len(date) == 8 and date.isdecimal() and 1 <= int(date[4:6]) <= 12:
            return f"{date[:4]}-{date[4:6]}"
    return ""
