"""A DICOMweb server's answers: lists in pages, classes left out, and whatever goes wrong is a sentence or a retry."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("dicomweb_client")

import requests
from dicom_series import write_series
from retrying import RetryError

from scripts.errors import WrongUsage
from scripts.reading.headers import IMAGE_STORAGE
from scripts.service.dicomweb import WebNode
from scripts.service.sending import NotTaken, SendFailed

CT = sorted(IMAGE_STORAGE)[0]


class Server:
    """Stands for a client of a server with some images, which it lists in pages."""

    def __init__(self, images: int, page: int, ignores_offset: bool = False, fails: Exception | None = None) -> None:
        self.rows = [
            {
                "00080018": {"vr": "UI", "Value": [f"1.2.{number}"]},
                "0020000E": {"vr": "UI", "Value": ["1.2"]},
                **({} if number == 3 else {"00080016": {"vr": "UI", "Value": [CT]}}),
            }
            for number in range(images)
        ]
        self.page, self.ignores_offset, self.fails = page, ignores_offset, fails
        self.refuses = self.has_all = False

    def search_for_instances(self, study_uid: str, fields: list[str], offset: int | None = None) -> list[Any]:
        if self.fails:
            raise self.fails
        first = 0 if self.ignores_offset else offset or 0
        return self.rows[first : first + self.page]

    def retrieve_instance(self, study_uid: str, series_uid: str, image_uid: str) -> Any:
        return image_uid

    def store_instances(self, data: list[Any]) -> Any:
        if self.fails:
            raise self.fails
        return {"FailedSOPSequence": ["why"]} if self.refuses else {}

    def retrieve_instance_metadata(self, study_uid: str, series_uid: str, image_uid: str) -> Any:
        if not self.has_all:
            raise requests.HTTPError("404")
        return {"00080018": {}}


@pytest.fixture
def node(monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.setattr("scripts.service.dicomweb.as_file", lambda data: data.encode())

    def made(server: Server) -> WebNode:
        monkeypatch.setattr(WebNode, "client", lambda self: server)
        return WebNode("http://archive")

    return made


@pytest.mark.parametrize(("page", "ignores"), [(3, False), (100, False), (100, True), (7, False)])
def test_every_page_of_a_list_is_asked_for(page: int, ignores: bool, node: Any) -> None:
    found = dict(node(Server(7, page, ignores)).images("1"))
    assert sorted(found) == [f"1.2.{number}" for number in (0, 1, 2, 4, 5, 6)], "one has no class"


@pytest.mark.parametrize("error", [requests.ConnectionError(), RetryError(None), ValueError(), KeyError()])
def test_what_goes_wrong_with_a_study_is_a_sentence(error: Exception, node: Any) -> None:
    with pytest.raises(WrongUsage, match=rf"did not give the study \({type(error).__name__}\). Check --dicomweb"):
        list(node(Server(3, 3, fails=error)).images("1"))
    with pytest.raises(WrongUsage, match="has no CT image of that study"):
        list(node(Server(0, 3)).images("1"))


def test_a_server_that_is_gone_and_one_that_refuses_are_told_apart(tmp_path: Path, node: Any) -> None:
    files = write_series(tmp_path, at=range(1))
    with pytest.raises(SendFailed, match="can't be reached") as gone:
        node(Server(0, 1, fails=requests.ConnectionError())).send(files)
    assert not isinstance(gone.value, NotTaken)
    with pytest.raises(NotTaken, match=r"did not take \w+ \(RetryError\)"):
        node(Server(0, 1, fails=RetryError(None))).send(files)


@pytest.mark.parametrize("conflict", [True, False])
def test_what_a_server_has_already_is_taken_although_it_refuses_it(conflict: bool, tmp_path: Path, node: Any) -> None:
    files, answer = write_series(tmp_path, at=range(1)), requests.Response()
    answer.status_code = 409
    server = Server(0, 1, fails=requests.HTTPError(response=answer) if conflict else None)
    server.refuses = True
    with pytest.raises(NotTaken, match=r"did not take \w+"):
        node(server).send(files)
    server.has_all = True
    node(server).send(files)
    answer.status_code, server.refuses = 400, False
    if conflict:
        with pytest.raises(NotTaken, match=r"did not take \w+ \(HTTPError\)"):
            node(server).send(files)


def test_a_password_in_the_url_is_used_and_never_shown(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    node = WebNode("http://user:p%40ss@127.0.0.1:1/dicom-web")
    client = node.client()
    assert (client._session.auth, client.host) == (("user", "p@ss"), "127.0.0.1")
    monkeypatch.setattr(client, "store_instances", lambda data: {"FailedSOPSequence": ["why"]})
    monkeypatch.setattr(WebNode, "client", lambda self: client)
    monkeypatch.setattr("scripts.service.dicomweb.holds", lambda client, data: False)
    with pytest.raises(NotTaken, match=r"^http://127.0.0.1:1/dicom-web did not take 000$"):
        node.send(write_series(tmp_path, at=range(1)))


def test_what_is_no_address_is_said() -> None:
    for url in ("ftp://user:secret@archive", "http://", "archive"):
        with pytest.raises(WrongUsage, match=r"is no address of a DICOMweb server") as error:
            WebNode(url).client()
        assert "secret" not in str(error.value)
