"""The DICOM files of a series of a DICOMweb store.

MONAI Label makes a NIfTI of a series before it runs a task. Gantry tilt and unequal slice distances are lost in it, as
is the study that a DICOM Segmentation belongs to; so the bundle reads the DICOM files.
"""

from __future__ import annotations

import os
import re
import shutil
import tempfile
import threading
from pathlib import Path
from typing import Any

from monailabel.datastore.dicom import DICOMWebDatastore
from monailabel.datastore.utils.dicom import dicom_web_download_series

UID = re.compile(r"[0-9.]{1,64}")
"""Form of a series' UID; anything else could be a path."""

FETCHING = threading.Lock()
"""Held while a series is looked for and fetched."""

SERIES, STUDY, IMAGES = "0020000E", "0020000D", "00201209"
"""Tags of SeriesInstanceUID, StudyInstanceUID and NumberOfSeriesRelatedInstances in an answer of QIDO-RS."""


def series_folder(store: DICOMWebDatastore, series_uid: str) -> Path | None:
    """The folder of a series' files in MONAI Label's cache; None if the store has no such series.

    It is fetched if it is not there, or if the store has another number of images by now. It appears complete or not at
    all.
    """
    if not UID.fullmatch(series_uid) or (series := in_store(store, series_uid)) is None:
        return None
    with FETCHING:  # a second request for the same series waits, and finds it there
        return fetched(store, series_uid, series)


def fetched(store: DICOMWebDatastore, series_uid: str, series: dict[str, Any]) -> Path:
    """The folder of a series' files, whose attributes the store tells; fetched first where it is not complete."""
    folder = Path(store._datastore.image_path()).resolve() / series_uid
    held, images = len(list(folder.glob("*"))), value(series, IMAGES)
    if held and images in (None, held):
        return folder
    with tempfile.TemporaryDirectory(dir=folder.parent, prefix=".series_") as partial:
        place = Path(partial) / series_uid
        dicom_web_download_series(value(series, STUDY), series_uid, str(place), store._client, store._fetch_by_frame)
        shutil.rmtree(folder, ignore_errors=True)
        os.replace(place, folder)
    return folder


def in_store(store: DICOMWebDatastore, series_uid: str) -> dict[str, Any] | None:
    """The attributes of a series that the store tells; None if it has none of that UID."""
    found = store._client.search_for_series(search_filters={"SeriesInstanceUID": series_uid})
    return next((series for series in found if value(series, SERIES) == series_uid), None)


def value(series: dict[str, Any], tag: str) -> Any:
    """The value of an element in DICOM's JSON; None where there is none."""
    values = series.get(tag, {}).get("Value") or [None]
    return values[0]
