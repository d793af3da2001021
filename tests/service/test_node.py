"""What comes of results that another node does not take."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

pytest.importorskip("pynetdicom")
pytest.importorskip("highdicom")

import numpy as np
import pydicom
from dicom_results import make
from pacs_nodes import Archive, free_port, write_study
from pydicom.uid import UID, ExplicitVRLittleEndian, ImplicitVRLittleEndian, ParametricMapStorage
from pynetdicom import AE, evt
from pynetdicom.sop_class import CTImageStorage

from scripts.service.node import Node, SendFailed
from scripts.service.receiver import OUT_OF_RESOURCES
from scripts.service.sending import TRIES, NotTaken, Refusal

# pynetdicom leaves the socket of a connection that was refused to the garbage collector.
pytestmark = pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")


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
        with pytest.raises(
            SendFailed, match=r"PACS did not take 1 Comprehensive 3D SR Storage \(out of resources, A700"
        ):
            node.send(files)
        archive.status = 0x0111
        node.send(files)  # it has them already


def test_any_number_of_slices_is_sent(tmp_path: Path) -> None:
    """An association has 128 presentation contexts at most, and each class of objects is asked for in three."""
    slice_of, port = pydicom.dcmread(make(tmp_path, slices=1).folder / "slice_001.dcm"), free_port()
    files = []
    for number in range(129):
        slice_of.SOPInstanceUID = slice_of.file_meta.MediaStorageSOPInstanceUID = f"1.2.3.{number}"
        files.append(tmp_path / f"{number}.dcm")
        slice_of.save_as(files[-1])
    with Archive().open(port) as archive:
        Node("127.0.0.1", port, "PACS", "HEADCTANOMALY", 5).send(files)
    assert set(archive.data) == {f"1.2.3.{number}" for number in range(129)}


@pytest.mark.parametrize("syntax", [ExplicitVRLittleEndian, ImplicitVRLittleEndian])
def test_a_node_that_takes_no_compression_gets_objects_without(syntax: UID, tmp_path: Path) -> None:
    files, port = sorted(make(tmp_path, slices=1).folder.iterdir()), free_port()
    archive, ae = Archive(), AE(ae_title="PACS")
    for file in files:
        ae.add_supported_context(pydicom.dcmread(file).SOPClassUID, syntax)
    ae.start_server(("127.0.0.1", port), block=False, evt_handlers=[(evt.EVT_C_STORE, archive.store)])
    try:
        Node("127.0.0.1", port, "PACS", "HEADCTANOMALY", 5).send(files)
    finally:
        ae.shutdown()
    sent = [pydicom.dcmread(file) for file in files]
    assert {one.file_meta.TransferSyntaxUID.name for one in sent} >= {
        "RLE Lossless",
        "JPEG 2000 Image Compression (Lossless Only)",
    }
    assert len(archive.data) == len(files) == 5
    for one in sent:
        there = archive.data[str(one.SOPInstanceUID)]
        assert there.file_meta.TransferSyntaxUID == syntax
        if one.Modality != "SR":
            np.testing.assert_array_equal(there.pixel_array, one.pixel_array)


def test_a_class_that_a_node_does_not_take_is_left_out_and_logged(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (image,) = write_study(tmp_path / "in", 0, 1)
    results, port = sorted(make(tmp_path / "x", slices=1).folder.iterdir()), free_port()
    node = Node("127.0.0.1", port, "PACS", "HEADCTANOMALY", 5)
    with Archive().open(port) as archive:  # takes results, and no CT
        node.send([image, *results])
        assert archive.data.keys() == {str(pydicom.dcmread(file).SOPInstanceUID) for file in results}
        assert "PACS does not take these classes, which are left out: 1 CT Image Storage" in caplog.text
        with pytest.raises(SendFailed, match=r"PACS at 127.0.0.1:\d+ takes none of the results: CT Image Storage"):
            node.send([image])


@pytest.mark.parametrize(("status", "tries"), [(0x0122, 1), (0xC000, TRIES)])
def test_an_object_that_a_node_refuses_keeps_no_other_of_the_study(
    status: int, tries: int, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    files, port, came = sorted(make(tmp_path, slices=1).folder.iterdir()), free_port(), []

    def store(event: evt.Event) -> int:
        came.append(event.request.AffectedSOPClassUID)
        return status if event.request.AffectedSOPClassUID == ParametricMapStorage else 0

    ae, node = AE(ae_title="PACS"), Node("127.0.0.1", port, "PACS", "HEADCTANOMALY", 5)
    for file in files:
        ae.add_supported_context(pydicom.dcmread(file).SOPClassUID, ExplicitVRLittleEndian)
    ae.start_server(("127.0.0.1", port), block=False, evt_handlers=[(evt.EVT_C_STORE, store)])
    try:
        for _ in range(tries - 1):
            with pytest.raises(NotTaken, match=rf"PACS did not take 1 Parametric Map Storage \(.*{status:04X}\)"):
                node.send(files)
        node.send(files)
    finally:
        ae.shutdown()
    assert len(files) == 5
    assert len(came) == 4 + tries
    assert f"which are left out: 1 Parametric Map Storage ({Refusal(status)})" in caplog.text


def test_a_node_that_does_not_know_this_one(tmp_path: Path) -> None:
    (file,) = write_study(tmp_path / "in", 0, 1)
    port, ae = free_port(), AE(ae_title="PACS")
    ae.add_supported_context(CTImageStorage)
    ae.require_calling_aet = ["SOMEBODY"]
    ae.start_server(("127.0.0.1", port), block=False)
    deadline = time.monotonic() + 20
    try:
        with pytest.raises(SendFailed, match="refuses associations of HEADCTANOMALY: see its list of nodes"):
            Node("127.0.0.1", port, "PACS", "HEADCTANOMALY", 5).send([file])
        while ae.active_associations:  # `shutdown` would abort a rejected one, whose thread would end with an error
            assert time.monotonic() < deadline
            time.sleep(0.01)
    finally:
        ae.shutdown()
