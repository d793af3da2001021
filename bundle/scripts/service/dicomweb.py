"""Studies from a DICOMweb server (WADO-RS) and results to it (STOW-RS), through dicomweb-client."""

from __future__ import annotations

import io
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pydicom
import requests
from dicomweb_client.api import DICOMwebClient
from requests.utils import get_auth_from_url, urldefragauth

from ..errors import WrongUsage
from ..reading.headers import IMAGE_STORAGE
from .sending import PLAIN, NotTaken, Refusal, SendFailed, Sent, meta_of, uncompressed
from .stow import post, refusal_of, value_of


@dataclass(frozen=True)
class WebNode:
    """A DICOMweb server at a base URL, for example http://127.0.0.1:8042/dicom-web , with USER:PASSWORD@ if it asks."""

    url: str
    sent: Sent = field(default_factory=Sent, repr=False, compare=False)

    @property
    def address(self) -> str:
        """The URL as it may be shown: without user and password."""
        return str(urldefragauth(self.url))

    def session(self) -> requests.Session:
        """A session with the server; a proxy or certificates are taken from the environment, as `requests` does."""
        session = requests.Session()
        if any(login := get_auth_from_url(self.url)):
            session.auth = login
        return session

    def client(self, session: requests.Session | None = None) -> Any:
        """A client of the server, by a session of its own if none is given.

        Raises:
            WrongUsage: the URL is none.
        """
        try:
            (urlsplit(self.address).hostname or "").encode("idna")
            return DICOMwebClient(url=self.address, session=session or self.session())
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
                new = [found for found in page if text_of(found, "00080018") not in seen]
                for found in new:
                    image_uid, series_uid = text_of(found, "00080018"), text_of(found, "0020000E")
                    seen.add(image_uid)
                    if text_of(found, "00080016") in IMAGE_STORAGE:
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
        """Send DICOM files; when it returns, all were taken, or refused for good and left out (see `sending`).

        Raises:
            SendFailed: the server can't be reached.
            NotTaken: it did not take one, and is to be sent that again.
        """
        with self.session() as session:
            self.sent.send(files, self.address, partial(self.store, session))

    def store(self, session: requests.Session, path: Path) -> Refusal | None:
        """Send one file, without compression if it is refused as it is; why it was refused, or None.

        Raises:
            SendFailed: the server can't be reached.
            NotTaken: it is there, and does not answer as it should.
        """
        refusal = self.posted(session, path.stem, path.read_bytes())
        if refusal is None or holds(self.client(session), path):
            return None
        if refusal.may_be_of_the_syntax and meta_of(path).TransferSyntaxUID not in PLAIN:
            return self.posted(session, path.stem, as_file(uncompressed(path)))
        return refusal

    def posted(self, session: requests.Session, name: str, content: bytes) -> Refusal | None:
        """Send the content of a file; raises and returns as `store` does."""
        try:
            return refusal_of(post(session, self.address, content))
        except (requests.ConnectionError, requests.Timeout) as error:
            raise SendFailed(f"{self.address} can't be reached ({type(error).__name__})") from error
        except (requests.RequestException, ValueError) as error:
            why = type(error).__name__ if isinstance(error, requests.RequestException) else error
            raise NotTaken(f"{self.address} did not take {name} ({why})") from error


def holds(client: Any, path: Path) -> bool:
    """True if a server has the object of a file already, of results that are sent again."""
    data = pydicom.dcmread(path, stop_before_pixels=True)
    uids = (data.StudyInstanceUID, data.SeriesInstanceUID, data.SOPInstanceUID)
    try:
        return bool(client.retrieve_instance_metadata(*uids))
    except Exception:  # as it says that it has none
        return False


def text_of(found: Mapping[str, Any], tag: str) -> str:
    """A value of DICOM JSON as text; empty where there is none, as of a server that leaves the class out."""
    return str(value_of(found, tag) or "")


def as_file(data: pydicom.Dataset) -> bytes:
    """A data set as the bytes of a DICOM file."""
    stream = io.BytesIO()
    data.save_as(stream, enforce_file_format=True)
    return stream.getvalue()
