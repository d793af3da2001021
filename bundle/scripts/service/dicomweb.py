"""Studies from a DICOMweb server (WADO-RS) and results to it (STOW-RS), through dicomweb-client."""

from __future__ import annotations

import io
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from http import HTTPStatus
from pathlib import Path
from typing import Any

import pydicom
import requests
from dicomweb_client.api import DICOMwebClient
from requests.utils import get_auth_from_url, urldefragauth

from ..errors import WrongUsage
from ..reading.headers import IMAGE_STORAGE
from .sending import NotTaken, SendFailed


@dataclass(frozen=True)
class WebNode:
    """A DICOMweb server at a base URL, for example http://127.0.0.1:8042/dicom-web , with USER:PASSWORD@ if it asks."""

    url: str

    @property
    def address(self) -> str:
        """The URL as it may be shown: without user and password."""
        return str(urldefragauth(self.url))

    def client(self) -> Any:
        """A client of the server; a proxy or certificates are taken from the environment, as `requests` does.

        Raises:
            WrongUsage: the URL is none.
        """
        session = requests.Session()
        if any(login := get_auth_from_url(self.url)):
            session.auth = login
        try:
            return DICOMwebClient(url=self.address, session=session)
        except ValueError as error:
            text = f"{self.address} is no address of a DICOMweb server. Say --dicomweb http://HOST:PORT/PATH."
            raise WrongUsage(text) from error

    def images(self, study_uid: str) -> Iterator[tuple[str, bytes]]:
        """UID and file of every CT image of a study, whose list may come in several pages.

        Raises:
            WrongUsage: the server can't be reached, does not answer as it should, or has no CT image of the study.
        """
        client, seen, count = self.client(), set[str](), 0
        try:
            while True:
                page = client.search_for_instances(study_uid, fields=["SOPClassUID"], offset=len(seen) or None)
                new = [found for found in page if value_of(found, "00080018") not in seen]
                for found in new:
                    image_uid, series_uid = value_of(found, "00080018"), value_of(found, "0020000E")
                    seen.add(image_uid)
                    if value_of(found, "00080016") in IMAGE_STORAGE:
                        count += 1
                        yield image_uid, as_file(client.retrieve_instance(study_uid, series_uid, image_uid))
                if not new:  # that was all, or the server knows no pages and gives the first one again
                    break
        except Exception as error:  # of requests, of its retrying, and of answers that are none
            text = f"{self.address} did not give the study ({type(error).__name__}). Check --dicomweb."
            raise WrongUsage(text) from error
        if not count:
            raise WrongUsage(f"{self.address} has no CT image of that study. Check --study.")

    def send(self, files: Iterable[Path]) -> None:
        """Send DICOM files; all were taken when it returns.

        Raises:
            SendFailed: the server can't be reached.
            NotTaken: it did not take one.
        """
        client = self.client()
        for path in files:
            try:
                data = pydicom.dcmread(path)
                answer = client.store_instances([data])
            except (requests.ConnectionError, requests.Timeout) as error:
                raise SendFailed(f"{self.address} can't be reached ({type(error).__name__})") from error
            except Exception as error:  # of requests, or of its retrying, where the server is there and does not answer
                if not (is_conflict(error) and holds(client, data)):
                    raise NotTaken(f"{self.address} did not take {path.stem} ({type(error).__name__})") from error
            else:
                if answer.get("FailedSOPSequence") and not holds(client, data):
                    raise NotTaken(f"{self.address} did not take {path.stem}")


def is_conflict(error: Exception) -> bool:
    """True if a server answered that it stored nothing (PS3.18 10.5.3.2), as some do where they have the object."""
    answer = error.response if isinstance(error, requests.HTTPError) else None
    return answer is not None and answer.status_code == HTTPStatus.CONFLICT


def holds(client: Any, data: pydicom.Dataset) -> bool:
    """True if a server has an object already, of results that are sent again."""
    uids = (data.StudyInstanceUID, data.SeriesInstanceUID, data.SOPInstanceUID)
    try:
        return bool(client.retrieve_instance_metadata(*uids))
    except Exception:  # as it says that it has none
        return False


def value_of(found: Mapping[str, Any], tag: str) -> str:
    """A value of DICOM JSON; empty where there is none, as of a server that leaves the class out."""
    return str((found.get(tag, {}).get("Value") or [""])[0])


def as_file(data: pydicom.Dataset) -> bytes:
    """A data set as the bytes of a DICOM file."""
    stream = io.BytesIO()
    data.save_as(stream, enforce_file_format=True)
    return stream.getvalue()
