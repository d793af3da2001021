"""What the node takes and what it does not, what it says about it, and what comes of results that are not taken."""

from __future__ import annotations

import logging
import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

pytest.importorskip("pynetdicom")
pytest.importorskip("highdicom")

import pydicom
from dicom_results import make
from pacs_nodes import NAME, Archive, free_port, send, write_study
from pynetdicom import AE, StoragePresentationContexts

from scripts.service.node import MAX_ASSOCIATIONS, OUT_OF_RESOURCES, Node, Receiver, SendFailed
from scripts.service.spool import Limits, Spool

# pynetdicom leaves the socket of a connection that was refused to the garbage collector.
pytestmark = pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")

MR_IMAGE = "1.2.840.10008.5.1.4.1.1.4"


@contextmanager
def receiving(folder: Path, limits: Limits | None = None) -> Iterator[tuple[Spool, int]]:
    spool, port = Spool(folder / "spool", limits or Limits(free_bytes=0)), free_port()
    with Receiver(spool, "HEADCTANOMALY", ["SCANNER"]).listening("127.0.0.1", port):
        yield spool, port


def held(spool: Spool) -> list[Path]:
    return sorted(spool.root.rglob("*.dcm"))


def test_images_are_on_the_disk_as_they_were_sent(tmp_path: Path) -> None:
    files = write_study(tmp_path / "in", 0, 3)
    with receiving(tmp_path) as (spool, port):
        assert send(port, files) == [0, 0, 0]
        assert send(port, files) == [0, 0, 0], "again, as senders do"
    assert len(held(spool)) == 3
    sent = {str(data.SOPInstanceUID): data for data in map(pydicom.dcmread, files)}
    for path in held(spool):
        data = pydicom.dcmread(path)
        assert data == sent[str(data.SOPInstanceUID)]
        assert data.PatientName == NAME


def test_an_unknown_sender_is_rejected(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    files = write_study(tmp_path / "in", 0, 1)
    with receiving(tmp_path) as (spool, port):
        assert send(port, files, title="STRANGER") == []
    assert held(spool) == []
    assert "an association from AE title STRANGER was rejected" in caplog.text


def test_connections_that_ask_for_nothing_keep_no_sender_out(tmp_path: Path) -> None:
    files = write_study(tmp_path / "in", 0, 1)
    with receiving(tmp_path) as (_, port):
        for _ in range(2 * MAX_ASSOCIATIONS):  # as a load balancer does to see whether the node is up
            socket.create_connection(("127.0.0.1", port)).close()
        time.sleep(1)
        assert send(port, files) == [0]


def test_an_mr_study_is_kept_out(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    (file,) = write_study(tmp_path / "in", 0, 1)
    data = pydicom.dcmread(file)
    data.SOPClassUID = data.file_meta.MediaStorageSOPClassUID = MR_IMAGE
    data.save_as(file)
    with receiving(tmp_path) as (spool, port):
        assert send(port, [file], storage=MR_IMAGE) == []
    assert held(spool) == []
    assert "not taken, since it is not CT: MR Image Storage" in caplog.text


def test_of_many_classes_that_are_not_taken_few_are_named(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    with receiving(tmp_path) as (_, port):
        ae = AE(ae_title="SCANNER")
        ae.requested_contexts = StoragePresentationContexts[:100]
        ae.associate("127.0.0.1", port, ae_title="HEADCTANOMALY").release()
    (line,) = [record.getMessage() for record in caplog.records if "not taken" in record.getMessage()]
    assert line.count("Storage") == 3
    assert "MR Image Storage" in line
    assert line.endswith("more")


def test_a_full_disk_and_too_large_an_image_are_out_of_resources(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    files = write_study(tmp_path / "in", 0, 1)
    with receiving(tmp_path, Limits(free_bytes=2**62)) as (spool, port):
        assert send(port, files) == [OUT_OF_RESOURCES]
    with receiving(tmp_path, Limits(image_bytes=10, free_bytes=0)) as (spool, port):
        assert send(port, files) == [OUT_OF_RESOURCES]
    assert held(spool) == []
    assert "MiB of the disk are free" in caplog.text
    assert "an image of 0 MiB" in caplog.text


def test_no_patient_is_in_the_log(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    files = write_study(tmp_path / "in", 0, 2)
    with receiving(tmp_path, Limits(free_bytes=2**62)) as (_, port):
        send(port, files)
        send(port, files, title="STRANGER")
    assert len(caplog.records) > 1
    for word in ("Invented", "INVENTED-1", "1.2.3.1", str(tmp_path)):
        assert word not in "\n".join(record.getMessage() for record in caplog.records)


def test_results_are_sent_and_none_is_lost_silently(tmp_path: Path) -> None:
    folder, port = make(tmp_path).folder, free_port()
    node, files = Node("127.0.0.1", port, "PACS", "HEADCTANOMALY", 5), sorted(folder.iterdir())
    with pytest.raises(SendFailed, match=r"PACS at 127.0.0.1:\d+ can't be reached"):
        node.send(files)
    with Archive().open(port) as archive:
        node.send(files)
        assert {data.SOPClassUID for data in archive.data.values()} == {
            pydicom.dcmread(file).SOPClassUID for file in files
        }
        archive.status = OUT_OF_RESOURCES
        with pytest.raises(SendFailed, match=r"PACS did not take capture \(status A700\)"):
            node.send(files)


def test_a_node_that_does_not_take_a_class(tmp_path: Path) -> None:
    (file,) = write_study(tmp_path / "in", 0, 1)
    port = free_port()
    with Archive().open(port), pytest.raises(SendFailed, match="PACS does not take 000"):
        Node("127.0.0.1", port, "PACS", "HEADCTANOMALY", 5).send([file, *sorted(make(tmp_path / "x").folder.iterdir())])
