"""Common attributes of all DICOM results: their maker, UIDs, dates and descriptions.

The *identity* of a result is a digest of what went in (source images with their places, all that is copied of patient,
study and scanner, weights) and what came out (map, scores, findings, version). All UIDs follow from it, so a different
result never has the same UID: an archive may have corrected a header, and kept the UIDs of the images.
Nothing follows from the clock, so the same input gives the same bytes, and what is sent twice is stored once.

The date of a result is that of the scan, unless the user names the time at which it was made, in seconds since 1970
(UTC), in the environment as `SOURCE_DATE_EPOCH` (see https://reproducible-builds.org/specs/source-date-epoch). That
time becomes part of the identity. Versions are told apart by the series' description as well.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any
from uuid import UUID, uuid5

import numpy as np
from numpy.typing import NDArray
from pydicom.dataset import Dataset
from pydicom.multival import MultiValue

from ...errors import WrongUsage
from .source import Source, is_date, is_time, refer_to_frames

MANUFACTURER, MODEL = "head_ct_position_anomaly developers", "head_ct_position_anomaly"
"""Manufacturer and model name of the objects."""

RESEARCH = "For research use only, not a medical device"
"""Stands in every object, in words and, where there is an attribute for it, as a code."""

CAUTIONS = (RESEARCH, "For research use only", "Research only")
"""Words behind the title of a series; the first that has room is taken."""

LONGEST = 64
"""Characters of a description."""

EPOCH = "SOURCE_DATE_EPOCH"
"""The environment variable with the time at which results are made."""

UNCONFIRMED = "UNCONFIRMED POSE: "
"""Stands before the descriptions of every object of a result whose pose could not be confirmed."""

NAMESPACE = UUID("6f1f4f5e-3c6b-5b8e-9d0a-52b8f4f0a1c7")
"""Of this project's UIDs; any fixed number would do."""

FIRST_SERIES_NUMBER = 9001
"""Series of results stand behind those of the scanner."""

NO_DATE, NO_TIME = "19700101", "000000"
"""Date and time if the source has none: an object must have a date, which must not depend on the day it was made."""

DATES = ("ContentDate", "AcquisitionDate", "SeriesDate", "StudyDate")
"""Attributes in which the date of the source is searched; the time is that of the same name."""

LOSSY = ("LossyImageCompression", "LossyImageCompressionRatio", "LossyImageCompressionMethod")
"""Attributes that tell of lossy compression."""

OF_IMAGES = (
    *("SOPClassUID", "SOPInstanceUID", "SeriesInstanceUID", "StudyInstanceUID", "FrameOfReferenceUID"),
    *("ImagePositionPatient", "ImageOrientationPatient", "PixelSpacing", "SliceThickness", "SpacingBetweenSlices"),
    *("BodyPartExamined", "BurnedInAnnotation", *LOSSY),
)
"""Attributes of each image that results copy or lie by; those of patient, study and scanner are the first image's."""

DROPPED = ("InstanceCreationDate", "InstanceCreationTime", "ContributionDateTime")
"""Attributes that tell when an object was made; they are there only if the user named the time."""

CODE_STRING = re.compile(r"[A-Z0-9_][A-Z0-9 _]{0,15}")
"""Form of a value of VR CS that says something."""

DATED = (
    ("ContentDate", "ContentTime"),
    ("SeriesDate", "SeriesTime"),
    ("DateOfSecondaryCapture", "TimeOfSecondaryCapture"),
)
"""Dates and times of an object."""


@dataclass(frozen=True)
class Identity:
    """A digest from which the UIDs of one result follow, and the bundle's version and weights that made it.

    `mark` precedes the statement in every object: empty, or `UNCONFIRMED`. `made` is when the result was made, where
    the user named it. `parameters` are those of the algorithm, see `parameters_of`.
    """

    digest: str
    version: str
    weights_sha256: str
    mark: str = ""
    made: datetime | None = None
    parameters: Mapping[str, str] = field(default_factory=dict)

    def uid(self, *role: str) -> str:
        """The UID of what has the `role` in the result, for example of the series of the report."""
        return f"2.25.{uuid5(NAMESPACE, ' '.join((self.digest, *role))).int}"

    @property
    def device_uid(self) -> str:
        """The UID of the program with these weights."""
        return f"2.25.{uuid5(NAMESPACE, f'device {self.version} {self.weights_sha256}').int}"

    @property
    def statement(self) -> str:
        """The statement in every object: its mark, then the note on research use."""
        return f"{self.mark}{RESEARCH}"

    @property
    def derivation(self) -> str:
        """The parameters in words, for images, which have no other place for them."""
        return ", ".join(f"{name} = {value}" for name, value in self.parameters.items())

    def described(self, title: str) -> str:
        """The description of a series: its mark and title, which lists show, then the caution and the version."""
        version = f" v{self.version}"
        choices = [f"{self.mark}{title}. {caution}{end}" for end in (version, "") for caution in CAUTIONS]
        return next((text for text in choices if len(text) <= LONGEST), choices[-1][:LONGEST])

    def object(self, name: str, number: int, title: str, instance: int = 1) -> dict[str, Any]:
        """Arguments of every object of highdicom: its series, the `number`-th of the result, and its maker.

        `instance` counts the objects of the series from 1.
        """
        role = ("instance", name) if instance == 1 else ("instance", name, str(instance))
        return {
            "series_instance_uid": self.uid("series", name),
            "series_number": FIRST_SERIES_NUMBER + number,
            "sop_instance_uid": self.uid(*role),
            "instance_number": instance,
            "manufacturer": MANUFACTURER,
            "manufacturer_model_name": MODEL,
            "software_versions": self.version,
            "device_serial_number": self.weights_sha256[:16],
            "series_description": self.described(title),
        }


def identity_of(
    source: Source,
    maps: Iterable[NDArray[Any]],
    facts: Mapping[str, Any],
    weights_sha256: str,
    version: str,
    mark: str = "",
) -> Identity:
    """The identity of a result: of `source`, its `maps`, and JSON values that are the same for the same input."""
    made = time_made()
    digest = hashlib.sha256()
    for image in source.images:
        digest.update(json.dumps([str(image.get(name)) for name in OF_IMAGES]).encode())
    for values in maps:
        digest.update(np.ascontiguousarray(values).ravel().view(np.uint8).data)
    told = [facts, weights_sha256, version, *([] if made is None else [made.isoformat()])]
    digest.update(json.dumps(told, sort_keys=True).encode())
    return Identity(digest.hexdigest(), version, weights_sha256, mark, made)


def parameters_of(result: Mapping[str, Any]) -> dict[str, str]:
    """The parameters of the algorithm by name: settings, map, and the sha256 of the weights and of the calibration.

    The latter is that of `thresholds.json`, as in `cohort.json`; without a calibration there is none.
    """
    named = {**result["settings"], "map": result["map"], "weights_sha256": result["weights_sha256"]}
    if result["calibration_sha256"]:
        named["calibration_sha256"] = result["calibration_sha256"]
    return {name: str(value) for name, value in named.items()}


def time_made() -> datetime | None:
    """The time that the user named in `SOURCE_DATE_EPOCH`, or None.

    Raises:
        WrongUsage: it is no such time.
    """
    text = os.environ.get(EPOCH)
    if not text:
        return None
    try:
        return datetime.fromtimestamp(int(text), UTC)
    except (ValueError, OverflowError, OSError) as error:
        raise WrongUsage(f"{EPOCH} is {text!r}. It must be whole seconds since 1970, or not be set.") from error


def date_and_time(image: Dataset) -> tuple[str, str]:
    """Date and time of an image as DICOM writes them, or `NO_DATE`, `NO_TIME`."""
    for name in DATES:
        date, time = str(image.get(name) or ""), str(image.get(name.replace("Date", "Time")) or "")
        if is_date(date):
            return date, time if is_time(time) else NO_TIME
    return NO_DATE, NO_TIME


def body_part(image: Dataset) -> str:
    """The body part that the source names, or head if it names none: the scan was aligned with a head."""
    value = image.get("BodyPartExamined")
    first = str((list(value) or [""])[0] if isinstance(value, MultiValue) else value or "")
    return first if CODE_STRING.fullmatch(first) else "HEAD"


def burned_in(image: Dataset) -> str:
    """YES if text in the pixels tells patient and date (PS3.3 C.7.6.1.1), else NO: only the text of a source may."""
    return "YES" if image.get("BurnedInAnnotation") == "YES" else "NO"


def finish(data: Dataset, source: Source, identity: Identity, name: str) -> Dataset:
    """Remove from an object what differs between runs, date it, and let it refer to real images."""
    organization = identity.uid("dimensions", name)
    data.walk(lambda level, element: settle(level, element.tag, organization))
    date, time = date_and_time(source.first)
    if identity.made is not None:
        date, time = identity.made.strftime("%Y%m%d"), identity.made.strftime("%H%M%S")
        data.InstanceCreationDate, data.InstanceCreationTime = date, time  # no offset: it would hold for the study, too
    data.SeriesDate, data.SeriesTime = date, time
    for dated, timed in DATED:
        if dated in data:
            setattr(data, dated, date)
            setattr(data, timed, time)
    refer_to_frames(data, source.frames)
    return data


def settle(level: Dataset, tag: Any, organization_uid: str) -> None:
    """Drop an attribute that tells when, or give one that is random the UID that follows from the result."""
    if tag not in level:
        return
    keyword = level[tag].keyword
    if keyword in DROPPED:
        del level[tag]
    elif keyword == "DimensionOrganizationUID":
        level[tag].value = organization_uid
