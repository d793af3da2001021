"""Common attributes of all DICOM results: their maker, UIDs, dates and descriptions.

The *identity* of a result is a digest of what went in (source images, weights) and what came out (map, scores,
findings, version). All UIDs follow from it, and dates are those of the source: the same input gives the same bytes,
and a different result never has the same UID. The date of a result is therefore that of the scan.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any
from uuid import UUID, uuid5

import numpy as np
from numpy.typing import NDArray
from pydicom.dataset import Dataset

from .source import Source, refer_to_frames

MANUFACTURER, MODEL = "head_ct_position_anomaly developers", "head_ct_position_anomaly"
"""Manufacturer and model name of the objects."""

RESEARCH = "For research use only, not a medical device"
"""Stands in every object, in words and, where there is an attribute for it, as a code."""

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

DROPPED = ("InstanceCreationDate", "InstanceCreationTime", "ContributionDateTime")
"""Attributes that tell when an object was made, which need not be there."""


@dataclass(frozen=True)
class Identity:
    """A digest from which the UIDs of one result follow, and the bundle's version and weights that made it.

    `mark` precedes the statement in every object: empty, or `UNCONFIRMED`.
    """

    digest: str
    version: str
    weights_sha256: str
    mark: str = ""

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

    def object(self, name: str, number: int, title: str) -> dict[str, Any]:
        """Arguments of every object of highdicom: its series, the `number`-th of the result, and its maker."""
        return {
            "series_instance_uid": self.uid("series", name),
            "series_number": FIRST_SERIES_NUMBER + number,
            "sop_instance_uid": self.uid("instance", name),
            "instance_number": 1,
            "manufacturer": MANUFACTURER,
            "manufacturer_model_name": MODEL,
            "software_versions": self.version,
            "device_serial_number": self.weights_sha256[:16],
            "series_description": f"{self.mark}{title} ({RESEARCH})"[:64],
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
    digest = hashlib.sha256()
    for image in source.images:
        digest.update(f"{image.SOPInstanceUID} ".encode())
    for values in maps:
        digest.update(np.ascontiguousarray(values).tobytes())
    digest.update(json.dumps([facts, weights_sha256, version], sort_keys=True).encode())
    return Identity(digest.hexdigest(), version, weights_sha256, mark)


def date_and_time(image: Dataset) -> tuple[str, str]:
    """Date and time of an image as DICOM writes them, or `NO_DATE`, `NO_TIME`."""
    for name in DATES:
        date, time = str(image.get(name) or ""), str(image.get(name.replace("Date", "Time")) or "")
        if re.fullmatch(r"\d{8}", date):
            return date, time if re.fullmatch(r"\d{6}(\.\d{1,6})?", time) else NO_TIME
    return NO_DATE, NO_TIME


def body_part(image: Dataset) -> str:
    """The body part that the source names, or head if it names none: the scan was aligned with a head."""
    return str(image.get("BodyPartExamined") or "HEAD")


def finish(data: Dataset, source: Source, identity: Identity, name: str) -> Dataset:
    """Remove from an object what differs between runs, and let it refer to real images."""
    date, time = date_and_time(source.first)
    for dated, timed in (("ContentDate", "ContentTime"), ("DateOfSecondaryCapture", "TimeOfSecondaryCapture")):
        if dated in data:
            setattr(data, dated, date)
            setattr(data, timed, time)
    organization = identity.uid("dimensions", name)
    data.walk(lambda level, element: settle(level, element.tag, organization))
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
