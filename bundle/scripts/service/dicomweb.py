"""Studies from a DICOMweb server (WADO-RS) and results to it (STOW-RS), through dicomweb-client."""

from __future__ import annotations

import io
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pydicom
import requests
from dicomweb_client.api import DICOMwebClient

from ..errors import WrongUsage
from ..reading.headers import IMAGE_STORAGE
from .node import SendFailed


@dataclass(frozen=True)
class WebNode:
    """A DICOMweb server at a base URL, for example http://127.0.0.1:8042/dicom-web ."""

    url: str

    def client(self) -> Any:
        """A client of the server; a proxy or certificates are taken from the environment, as `requests` does."""
        return DICOMwebClient(url=self.url)

    def images(self, study_uid: str) -> Iterator[tuple[str, bytes]]:
        """UID and file of every CT image of a study.

        Raises:
            WrongUsage: the server can't be reached, or has no CT image of the study.
        """
        count = 0
        try:
            client = self.client()
            for found in client.search_for_instances(study_uid, fields=["SOPClassUID"]):
                uids = {tag: found[tag]["Value"][0] for tag in ("00080016", "00080018", "0020000E")}
                if uids["00080016"] in IMAGE_STORAGE:
                    data = client.retrieve_instance(study_uid, uids["0020000E"], uids["00080018"])
                    count += 1
                    yield uids["00080018"], as_file(data)
        except requests.RequestException as error:
            raise WrongUsage(
                f"{self.url} did not give the study ({type(error).__name__}). Check --dicomweb."
            ) from error
        if not count:
            raise WrongUsage(f"{self.url} has no CT image of that study. Check --study.")

    def send(self, files: Iterable[Path]) -> None:
        """Send DICOM files; all were taken when it returns.

        Raises:
            SendFailed: the server can't be reached, or did not take one.
        """
        client = self.client()
        for path in files:
            try:
                answer = client.store_instances([pydicom.dcmread(path)])
            except requests.RequestException as error:
                raise SendFailed(f"{self.url} did not take {path.stem} ({type(error).__name__})") from error
            if answer.get("FailedSOPSequence"):
                raise SendFailed(f"{self.url} did not take {path.stem}")


def as_file(data: pydicom.Dataset) -> bytes:
    """A data set as the bytes of a DICOM file."""
    stream = io.BytesIO()
    data.save_as(stream, enforce_file_format=True)
    return stream.getvalue()
