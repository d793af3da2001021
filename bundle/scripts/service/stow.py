"""One object to a DICOMweb server by STOW-RS (PS3.18 10.5), and what the server answers.

A request has one object, so that each is taken or refused by itself. The object is refused if its answer lists it as
failed, whatever the status: some servers answer 200 or 202 then, others 409. dicomweb-client, by which the rest goes,
takes an answer with a charset in its content type for an empty one, so that a failure in it passes for success.
"""

from __future__ import annotations

import secrets
from http import HTTPStatus
from typing import Any

import requests

from .sending import Refusal

TIMEOUT_S = 30.0
"""Longest wait for a connection, and for an answer."""

FAILED, REASON = "00081198", "00081197"
"""Tags of the objects that were not stored, and of the reason."""

OF_THE_OBJECT = frozenset(
    {
        HTTPStatus.BAD_REQUEST,
        HTTPStatus.CONFLICT,
        HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
        HTTPStatus.UNSUPPORTED_MEDIA_TYPE,
        HTTPStatus.UNPROCESSABLE_ENTITY,
        HTTPStatus.INTERNAL_SERVER_ERROR,
    }
)
"""Statuses by which a server refuses one object; others that are no success are about the server."""


def post(session: requests.Session, url: str, content: bytes) -> requests.Response:
    """The answer to a DICOM file that is sent to the studies of the service at a base URL.

    A redirect is not followed: what is posted would become a question, and its answer a success.

    Raises:
        requests.RequestException: there is none.
    """
    boundary = secrets.token_hex(16)
    begin = f"--{boundary}\r\nContent-Type: application/dicom\r\n\r\n"
    body = b"".join((begin.encode(), content, f"\r\n--{boundary}--\r\n".encode()))
    headers = {
        "Content-Type": f'multipart/related; type="application/dicom"; boundary={boundary}',
        "Accept": "application/dicom+json",
    }
    return session.post(
        f"{url.rstrip('/')}/studies", data=body, headers=headers, timeout=TIMEOUT_S, allow_redirects=False
    )


def refusal_of(answer: requests.Response) -> Refusal | None:
    """Why the object was refused; None if it was stored.

    Raises:
        ValueError: the answer is about the server, not the object.
    """
    failed = failures(answer)
    if failed:
        code = value_of(failed[0], REASON)
        return Refusal(code if isinstance(code, int) else None)
    if answer.status_code in OF_THE_OBJECT:
        return Refusal(None, f"HTTP {answer.status_code}")
    if not 200 <= answer.status_code < 300:
        more = ", a redirect: check --dicomweb" if answer.is_redirect else ""
        raise ValueError(f"HTTP {answer.status_code}{more}")
    if "html" in answer.headers.get("Content-Type", ""):  # as of a page to log in by
        raise ValueError("it answers with a web page: check --dicomweb")
    return None


def failures(answer: requests.Response) -> list[Any]:
    """The items of the objects that an answer lists as failed; none where it is no DICOM JSON."""
    try:
        content = answer.json()
        found = (content[0] if isinstance(content, list) else content)[FAILED]["Value"]
    except (ValueError, LookupError, TypeError):
        return []
    return list(found) if isinstance(found, list) else []


def value_of(found: Any, tag: str) -> Any:
    """A value of DICOM JSON; None where there is none, as of a server that leaves it out."""
    try:
        return found[tag]["Value"][0]
    except (LookupError, TypeError):
        return None
