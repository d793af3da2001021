"""What the node takes, drops and refuses, what it says about it, and when a study is finished."""

from __future__ import annotations

import io
import logging
import socket
import time
import tracemalloc
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from types import SimpleNamespace

import pytest

pytest.importorskip("pynetdicom")
pytest.importorskip("highdicom")

import pydicom
from dicom_results import make
from pacs_nodes import NAME, free_port, send, write_object, write_study
from pynetdicom import AE
from pynetdicom.pdu import A_ASSOCIATE_RQ
from pynetdicom.sop_class import CTImageStorage, Verification

from scripts.reading.headers import IMAGE_STORAGE
from scripts.service import receiver
from scripts.service.limits import Limits
from scripts.service.receiver import ELEMENTS_DISCARDED, MAX_ASSOCIATIONS, OUT_OF_RESOURCES, Receiver, study_of
from scripts.service.spool import Spool, key_of

# pynetdicom leaves the socket of a connection that was refused to the garbage collector.
pytestmark = pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")

MR_IMAGE, DOSE_REPORT, PRIVATE = "1.2.840.10008.5.1.4.1.1.4", "1.2.840.10008.5.1.4.1.1.88.67", "1.3.12.2.1107.5.9.1"
EXPLICIT, PRIVATE_SYNTAX = "1.2.840.10008.1.2.1", "1.2.840.113619.5.2"
CONNECTED, REJECTED = 2, 3


@contextmanager
def receiving(folder: Path, limits: Limits | None = None) -> Iterator[tuple[Spool, int]]:
    spool, port = Spool(folder / "spool", limits or Limits(free_bytes=0)), free_port()
    with Receiver(spool, "HEADCTANOMALY", ["SCANNER"]).listening("127.0.0.1", port):
        yield spool, port


@pytest.fixture(scope="module")
def node(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Spool, int]]:
    """A node that listens while the module is tested; each test has a study of its own."""
    with receiving(tmp_path_factory.mktemp("node")) as one:
        yield one


def held(spool: Spool, number: int) -> list[Path]:
    """The files that are held of the study of a number."""
    return sorted(path for path in spool.root.rglob("*.dcm") if path.parents[1].name == key_of(f"1.2.3.{number + 1}"))


def lines(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [record.getMessage() for record in caplog.records if record.name == "head_ct_anomaly"]


def wait(condition: Callable[[], bool]) -> None:
    """A sender is answered before the node has done what it does in the end."""
    deadline = time.monotonic() + 20
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def test_images_are_on_the_disk_as_they_were_sent(node: tuple[Spool, int], tmp_path: Path) -> None:
    spool, port = node
    files = write_study(tmp_path, 0, 3)
    assert send(port, files) == [0, 0, 0]
    assert send(port, files) == [0, 0, 0], "again, as senders do"
    assert len(held(spool, 0)) == 3
    sent = {str(data.SOPInstanceUID): data for data in map(pydicom.dcmread, files)}
    for path in held(spool, 0):
        data = pydicom.dcmread(path)
        assert data == sent[str(data.SOPInstanceUID)]
        assert data.PatientName == NAME


def test_what_is_no_ct_is_confirmed_and_dropped_in_one_line(
    node: tuple[Spool, int], tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    spool, port = node
    results = sorted((make(tmp_path / "made").folder).iterdir())
    others = [
        write_object(tmp_path, str(k), 1, uid) for k, uid in enumerate([MR_IMAGE, MR_IMAGE, DOSE_REPORT, PRIVATE])
    ]
    files = write_study(tmp_path / "in", 1, 2)
    assert send(port, [files[0], *others, *results, files[1]]) == [0] * (2 + 4 + len(results))
    wait(lambda: "sent" in caplog.text)
    assert {pydicom.dcmread(path).SOPClassUID for path in held(spool, 1)} <= {*IMAGE_STORAGE}
    assert len(held(spool, 1)) == 2
    assert key_of(str(pydicom.dcmread(results[0]).StudyInstanceUID)) not in spool.keys("incoming")
    (line,) = lines(caplog)
    assert line.startswith("SCANNER at 127.0.0.1 sent 2 CT images; dropped, since it is not CT: 2 MR Image Storage, ")
    assert "1 X-Ray Radiation Dose SR Storage" in line
    assert line.endswith("more")


def test_a_private_class_has_no_name_in_the_log(
    node: tuple[Spool, int], tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    assert send(node[1], [write_object(tmp_path, "1", 20, PRIVATE)]) == [0]
    wait(lambda: "sent" in caplog.text)
    assert lines(caplog) == ["SCANNER at 127.0.0.1 sent 0 CT images; dropped, since it is not CT: 1 a private class"]


def test_a_study_whose_sender_broke_off_waits_longer(
    node: tuple[Spool, int], tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    spool, port = node
    files, report = write_study(tmp_path, 2, 4), write_object(tmp_path, "1", 2, DOSE_REPORT)
    assert send(port, files[:2], abort=True) == [0, 0]
    wait(lambda: "SCANNER at 127.0.0.1 broke off after 2 CT images" in caplog.text)
    assert send(port, [report]) == [0], "which says nothing about the images"
    assert key_of("1.2.3.3") not in spool.promote(0, 1000)
    assert send(port, files) == [0] * 4
    wait(lambda: spool.promote(0, 1000).get(key_of("1.2.3.3"), False))


def test_a_study_that_is_never_finished_is_worked_in_the_end(node: tuple[Spool, int], tmp_path: Path) -> None:
    spool, port = node
    assert send(port, write_study(tmp_path, 3, 2), abort=True) == [0, 0]
    assert spool.promote(0, 0)[key_of("1.2.3.4")] is False


def test_who_goes_on_to_another_study_has_finished_the_first(node: tuple[Spool, int], tmp_path: Path) -> None:
    spool, port = node
    files = [*write_study(tmp_path / "a", 4, 2), *write_study(tmp_path / "b", 5, 2)]
    assert send(port, files, abort=True) == [0] * 4
    promoted = spool.promote(0, 1000)
    assert promoted[key_of("1.2.3.5")]
    assert key_of("1.2.3.6") not in promoted


def test_an_image_with_other_pixels_under_the_same_uid_is_not_taken(
    node: tuple[Spool, int], tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    spool, port = node
    files = write_study(tmp_path, 6, 3)
    assert send(port, files) == [0, 0, 0]
    before = [path.read_bytes() for path in held(spool, 6)]
    for file in files[1:]:
        data = pydicom.dcmread(file)
        data.PixelData = bytes(len(data.PixelData))
        data.save_as(file)
    assert send(port, files) == [0, ELEMENTS_DISCARDED, ELEMENTS_DISCARDED]
    assert [path.read_bytes() for path in held(spool, 6)] == before
    wait(lambda: caplog.text.count(" sent ") == 2)
    study = key_of("1.2.3.7")[:8]
    assert lines(caplog)[1:] == [
        f"study {study}: an image of SCANNER at 127.0.0.1 has other content than the one stored under its UID, "
        "which stays",
        "SCANNER at 127.0.0.1 sent 3 CT images; 3 of them stored before; 2 with other content than then, which was "
        "not taken",
    ]


def test_a_syntax_that_can_be_read_comes_before_one_that_the_sender_prefers(node: tuple[Spool, int]) -> None:
    ae = AE(ae_title="SCANNER")
    ae.add_requested_context(CTImageStorage, [PRIVATE_SYNTAX, EXPLICIT])
    association = ae.associate("127.0.0.1", node[1], ae_title="HEADCTANOMALY")
    (context,) = association.accepted_contexts
    association.release()
    assert context.transfer_syntax == [EXPLICIT]


def test_each_refused_association_has_its_reason(
    node: tuple[Spool, int], tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    _, port = node
    files = write_study(tmp_path, 7, 1)
    assert send(port, files, title="STRANGER") == []
    assert send(port, files, called="OTHERNODE") == []
    ae = AE(ae_title="SCANNER")
    ae.add_requested_context(Verification)
    with ExitStack() as stack:
        for _ in range(MAX_ASSOCIATIONS):
            stack.callback(ae.associate("127.0.0.1", port, ae_title="HEADCTANOMALY").release)
        assert send(port, files) == []
    start = "an association of {} at 127.0.0.1 was refused: "
    wait(lambda: len(lines(caplog)) == 3)
    assert lines(caplog) == [
        start.format("STRANGER") + "this AE title is not named with --sender",
        start.format("SCANNER") + "it called OTHERNODE, and this node is HEADCTANOMALY (--ae-title)",
        start.format("SCANNER") + "10 senders are connected already; it may try again",
    ]


@pytest.mark.parametrize(("name", "answer"), [(b"SCANNER", CONNECTED), (b"STRANGER", REJECTED)])
def test_ae_titles_that_are_filled_up_with_nuls(
    node: tuple[Spool, int], name: bytes, answer: int, caplog: pytest.LogCaptureFixture
) -> None:
    request = association_request("SCANNER", "HEADCTANOMALY")
    request = request.replace(b"SCANNER".ljust(16), name.ljust(16, b"\0"))
    request = request.replace(b"HEADCTANOMALY".ljust(16), b"HEADCTANOMALY".ljust(16, b"\0"))
    with socket.create_connection(("127.0.0.1", node[1]), 10) as connection:
        connection.sendall(request)
        assert connection.recv(1)[0] == answer
    if answer == REJECTED:
        wait(lambda: "an association of STRANGER at 127.0.0.1 was refused" in caplog.text)


def association_request(calling: str, called: str) -> bytes:
    """The bytes with which a sender asks for an association."""
    seen: list[bytes] = []
    with socket.create_server(("127.0.0.1", 0)) as server:
        ae = AE(ae_title=calling)
        ae.acse_timeout = 0.2
        ae.add_requested_context(Verification)
        ae.associate("127.0.0.1", server.getsockname()[1], ae_title=called)
        connection, _ = server.accept()
        with connection:
            seen.append(connection.recv(65536))
    length = int.from_bytes(seen[0][2:6], "big") + 6
    pdu = A_ASSOCIATE_RQ()
    pdu.decode(seen[0][:length])
    assert pdu.calling_ae_title == calling
    return seen[0][:length]


def test_what_speaks_no_dicom_is_said(node: tuple[Spool, int], caplog: pytest.LogCaptureFixture) -> None:
    with socket.create_connection(("127.0.0.1", node[1]), 10) as connection:
        connection.sendall(b"GET / HTTP/1.1\r\n\r\n")
        wait(lambda: bool(lines(caplog)))
    text = "a connection from 127.0.0.1 was refused: what it sent is no DICOM association request"
    assert lines(caplog) == [text]


def test_connections_that_ask_for_nothing_keep_no_sender_out(
    node: tuple[Spool, int], tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "head_ct_anomaly")
    files = write_study(tmp_path, 8, 1)
    for _ in range(2 * MAX_ASSOCIATIONS):  # as a load balancer does to see whether the node is up
        socket.create_connection(("127.0.0.1", node[1])).close()
    wait(lambda: send(node[1], files) == [0])
    wait(lambda: bool(lines(caplog)))
    assert [line for line in lines(caplog) if not line.endswith("sent 1 CT image")] == []


def test_an_image_without_a_study_is_refused(
    node: tuple[Spool, int], tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (file,) = write_study(tmp_path, 9, 1)
    data = pydicom.dcmread(file)
    del data.StudyInstanceUID
    data.save_as(file)
    assert send(node[1], [file]) == [0xC000]
    assert "an image without a readable study was refused" in caplog.text


def test_a_full_disk_and_too_large_an_image_are_out_of_resources(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    files = write_study(tmp_path / "in", 0, 1)
    with receiving(tmp_path, Limits(free_bytes=2**62)) as (spool, port):
        assert send(port, files) == [OUT_OF_RESOURCES]
    with receiving(tmp_path, Limits(image_bytes=10, free_bytes=0)) as (spool, port):
        assert send(port, files) == [OUT_OF_RESOURCES]
    assert held(spool, 0) == []
    assert "MiB of the disk are free" in caplog.text
    assert "an image of over 0 MiB" in caplog.text


def test_of_too_large_an_image_little_more_than_the_limit_is_held(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    files, sizes, read = write_study(tmp_path / "in", 0, 2), [], receiver.study_of
    data = pydicom.dcmread(files[0])
    data.add_new(0x7FE10010, "OB", bytes(2**22))
    data.save_as(files[0])
    monkeypatch.setattr(receiver, "study_of", lambda content: (sizes.append(len(content)), read(content))[1])
    limit = 2**17
    with receiving(tmp_path, Limits(image_bytes=limit, free_bytes=0)) as (spool, port):
        assert send(port, files) == [OUT_OF_RESOURCES, 0], "the next one has a count of its own"
        assert len(held(spool, 0)) == 1
    assert limit < sizes[0] < limit + receiver.BEYOND_BYTES + 2**11
    assert pydicom.dcmread(held(spool, 0)[0]) == pydicom.dcmread(files[1])


@pytest.mark.parametrize("fragment", [1000, 70_000, 2**20])
def test_of_too_large_an_object_always_as_much_is_kept(tmp_path: Path, fragment: int) -> None:
    """Whatever the size of its fragments: what is too large stays too large, and is not stored in part."""
    limit = 2**17
    one, association, kept = (
        Receiver(Spool(tmp_path, Limits(image_bytes=limit)), "NODE"),
        type("Association", (), {})(),
        0,
    )
    for _ in range(2**21 // fragment):
        part = SimpleNamespace(presentation_data_value=b"\0" + bytes(fragment))
        pdu = SimpleNamespace(presentation_data_value_items=[part])
        one.cut(SimpleNamespace(pdu=pdu, assoc=association))
        kept += len(part.presentation_data_value) - 1
    assert kept == limit + receiver.BEYOND_BYTES


def test_no_patient_is_in_the_log(node: tuple[Spool, int], tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    spool, port = node
    files = write_study(tmp_path, 10, 2)
    send(port, files)
    send(port, files, title="STRANGER")
    wait(lambda: len(caplog.records) > 1)
    for word in ("Invented", "INVENTED-1", "1.2.3.1", str(tmp_path), str(spool.root)):
        assert word not in "\n".join(record.getMessage() for record in caplog.records)


def test_a_small_deflated_object_is_not_inflated_as_a_whole() -> None:
    """It is no CT image, and holds 200 MB of zeros; its study stands at the beginning."""
    data = pydicom.Dataset()
    data.SOPClassUID, data.SOPInstanceUID, data.StudyInstanceUID = DOSE_REPORT, "1.2.3.4", "1.2.3.77"
    data.EncapsulatedDocument = bytes(200_000_000)
    data.file_meta = pydicom.dataset.FileMetaDataset()
    data.file_meta.TransferSyntaxUID = pydicom.uid.DeflatedExplicitVRLittleEndian
    data.file_meta.MediaStorageSOPClassUID, data.file_meta.MediaStorageSOPInstanceUID = DOSE_REPORT, "1.2.3.4"
    stream = io.BytesIO()
    data.save_as(stream, enforce_file_format=True)
    content = stream.getvalue()
    assert len(content) < 1_000_000
    del data, stream
    tracemalloc.start()
    try:
        assert study_of(content) == "1.2.3.77"
        assert tracemalloc.get_traced_memory()[1] < 10_000_000
    finally:
        tracemalloc.stop()
    assert study_of(content[:200]) == ""
