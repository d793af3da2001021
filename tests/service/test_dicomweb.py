"""A DICOMweb server's answers: lists in pages, classes left out, and whatever goes wrong is a sentence or a retry."""

from __future__ import annotations

from base64 import b64encode
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("dicomweb_client")

import pydicom
import requests
from dicom_series import write_series
from pydicom.uid import ExplicitVRLittleEndian, ParametricMapStorage, SegmentationStorage
from retrying import RetryError
from stow_server import Answer, StowServer, failed

from scripts.errors import WrongUsage
from scripts.reading.headers import IMAGE_STORAGE
from scripts.service.dicomweb import WebNode
from scripts.service.sending import TRIES, NotTaken, SendFailed

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

    def search_for_instances(self, study_uid: str, fields: list[str], offset: int | None = None) -> list[Any]:
        if self.fails:
            raise self.fails
        first = 0 if self.ignores_offset else offset or 0
        return self.rows[first : first + self.page]

    def retrieve_instance(self, study_uid: str, series_uid: str, image_uid: str) -> Any:
        return image_uid


@pytest.fixture
def node(monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.setattr("scripts.service.dicomweb.as_file", lambda data: data.encode())

    def made(server: Server) -> WebNode:
        monkeypatch.setattr(WebNode, "client", lambda self: server)
        return WebNode("http://archive")

    return made


@pytest.fixture(scope="module")
def results(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """The files of a map, a segmentation, a report, a capture and a marked slice."""
    pytest.importorskip("highdicom")
    from dicom_results import make

    return sorted(make(tmp_path_factory.mktemp("results"), slices=1).folder.iterdir())


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


def test_a_server_that_is_gone_and_one_that_refuses_are_told_apart(tmp_path: Path) -> None:
    files = write_series(tmp_path, at=range(1))
    with StowServer().open() as server:
        url = server.url
        for status, words in ((503, "HTTP 503"), (401, "HTTP 401"), (301, "HTTP 301, a redirect: check --dicomweb")):
            server.answers[""] = Answer(status, headers={"Location": f"{url}/elsewhere"})
            with pytest.raises(NotTaken, match=rf"^{url} did not take 000 \({words}\)$"):
                WebNode(url).send(files)
        assert server.asked == [], "no redirect is followed"
        server.answers[""] = Answer(200, b"<html>log in</html>", "text/html")
        with pytest.raises(NotTaken, match="with a web page: check --dicomweb"):
            WebNode(url).send(files)
    with pytest.raises(SendFailed, match=r"can't be reached \(ConnectionError\)") as gone:
        WebNode(url).send(files)
    assert not isinstance(gone.value, NotTaken)


@pytest.mark.parametrize("answer", [failed(409, 0x0111), failed(200, 0x0110), Answer(409, b"")])
def test_what_a_server_has_already_is_taken_although_it_refuses_it(answer: Answer, tmp_path: Path) -> None:
    files = write_series(tmp_path, at=range(1))
    with StowServer().open() as server:
        server.answers[""] = answer
        with pytest.raises(NotTaken, match=r"did not take 1 CT Image Storage \("):
            WebNode(server.url).send(files)
        server.stored.add(str(pydicom.dcmread(files[0]).SOPInstanceUID))
        WebNode(server.url).send(files)


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (failed(202, 0x0122), "its class is not supported, 0122"),
        (failed(409, 0x0122), "its class is not supported, 0122"),
        (failed(200, 0x0122, "application/dicom+json; charset=utf-8"), "its class is not supported, 0122"),
        (Answer(415, b""), "HTTP 415"),
        (failed(409, None), "no reason given"),
    ],
)
def test_a_refused_class_keeps_no_other_object_of_the_study(
    answer: Answer, words: str, results: list[Path], caplog: pytest.LogCaptureFixture
) -> None:
    with StowServer(answers={SegmentationStorage: answer, ParametricMapStorage: answer}).open() as server:
        node, tries = WebNode(server.url), 1 if "0122" in words else TRIES
        for _ in range(tries - 1):
            with pytest.raises(NotTaken, match=rf"1 Parametric Map Storage \({words}\), 1 Segmentation Storage"):
                node.send(results)
        node.send(results)
        sent = [data for data in map(pydicom.dcmread, results) if data.SOPClassUID not in server.answers]
        uids = {str(data.SOPInstanceUID) for data in sent}
        assert (len(uids), server.stored) == (3, uids)
        again = tries if words == "its class is not supported, 0122" else 2 * tries  # the map without compression, too
        assert len(server.posted) == len(uids) + again + tries, "those that were taken were sent once"
    assert f"left out: 1 Parametric Map Storage ({words}), 1 Segmentation Storage ({words})" in caplog.text


@pytest.mark.parametrize("answer", [Answer(415, b""), failed(409, 0xC122), failed(202, 0x0110)])
def test_a_server_that_takes_no_compression_gets_objects_without(answer: Answer, results: list[Path]) -> None:
    with StowServer(compressed=answer).open() as server:
        WebNode(server.url).send(results)
        assert server.stored == {str(pydicom.dcmread(path).SOPInstanceUID) for path in results}
        syntaxes = [pydicom.dcmread(path).file_meta.TransferSyntaxUID for path in results]
        twice = sum(syntax != ExplicitVRLittleEndian for syntax in syntaxes)
        assert (twice, len(server.posted)) == (3, len(results) + 3), "map, capture and slice"


def test_a_password_in_the_url_is_used_and_never_shown(tmp_path: Path) -> None:
    node = WebNode("http://user:p%40ss@127.0.0.1:1/dicom-web")
    client = node.client()
    assert (client._session.auth, client.host) == (("user", "p@ss"), "127.0.0.1")
    with StowServer(answers={"": Answer(403)}).open() as server:
        url = server.url.replace("http://", "http://user:p%40ss@")
        with pytest.raises(NotTaken, match=rf"^{server.url} did not take 000 \(HTTP 403\)$"):
            WebNode(url).send(write_series(tmp_path, at=range(1)))
        assert server.logins == ["Basic " + b64encode(b"user:p@ss").decode()]


def test_what_is_no_address_is_said() -> None:
    for url in ("ftp://user:secret@archive", "http://", "archive", f"http://{'a' * 64}.b/dicom-web"):
        with pytest.raises(WrongUsage, match=r"is no address of a DICOMweb server") as error:
            WebNode(url).client()
        assert "secret" not in str(error.value)
