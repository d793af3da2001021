"""Through a real archive: a study goes in by storescu or from Orthanc, and the results are found there, equal."""

from __future__ import annotations

import shutil
import signal
import subprocess
from pathlib import Path
from typing import Any

import numpy as np
import pytest

pytest.importorskip("highdicom")
pytest.importorskip("pynetdicom")
pytest.importorskip("dicomweb_client")

import orthanc
import pacs_stand_in
import pydicom
from dicom_results import ROW, THRESHOLD, maps, result
from dicomweb_client.api import DICOMwebClient
from pacs_nodes import Process, free_port, write_object, write_study
from pydicom.dataset import Dataset
from report_groups import groups

from scripts.commands import listen
from scripts.commands.main import main
from scripts.errors import WrongUsage
from scripts.reading.inputs import read_volume
from scripts.service.dicomweb import WebNode
from scripts.service.node import SendFailed

# pynetdicom leaves the socket of a connection that was refused to the garbage collector.
pytestmark = pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")

STUDY, DOSE_REPORT = "1.2.3.1", "1.2.840.10008.5.1.4.1.1.88.67"
PARAMETRIC_MAP, SEGMENTATION, REPORT, CAPTURE, DOCUMENT = (
    f"1.2.840.10008.5.1.4.1.1.{end}" for end in ("30", "66.4", "88.34", "7", "104.1")
)


def found(url: str) -> dict[str, Dataset]:
    """By class, the results of the study that QIDO finds and WADO gives."""
    client: Any = DICOMwebClient(url=url)
    objects = {}
    for row in client.search_for_instances(STUDY, fields=["SOPClassUID"]):
        sop_class, series, instance = (row[tag]["Value"][0] for tag in ("00080016", "0020000E", "00080018"))
        if sop_class not in ("1.2.840.10008.5.1.4.1.1.2", DOSE_REPORT):
            assert sop_class not in objects, "once"
            objects[sop_class] = client.retrieve_instance(STUDY, series, instance)
    return objects


def check_results(url: str, scan: Path) -> None:
    """The archive holds what the stand-in makes of the study."""
    objects = found(url)
    assert objects.keys() == {PARAMETRIC_MAP, SEGMENTATION, REPORT, CAPTURE, DOCUMENT}
    volume = read_volume(scan)
    heatmap, _, ranks = maps(volume.affine, volume.hu.shape)
    data = objects[PARAMETRIC_MAP]
    by_height = {
        float(frame.PlanePositionSequence[0].ImagePositionPatient[2]): number
        for number, frame in enumerate(data.PerFrameFunctionalGroupsSequence)
    }
    frames = data.pixel_array[[by_height[height] for height in sorted(by_height)]]
    expected = np.maximum(heatmap.transpose(2, 1, 0) / THRESHOLD - 0.5, 0) / 2
    np.testing.assert_allclose(frames, expected, atol=1 / 2048 + 1e-6)
    assert objects[DOCUMENT].EncapsulatedDocument.startswith(b"%PDF")
    assert objects[SEGMENTATION].SegmentSequence[0].SegmentLabel.startswith("Anomaly 1, left")
    assert objects[SEGMENTATION].pixel_array.sum() == ranks.sum()
    place, left, right = groups(objects[REPORT])
    assert place["numbers"]["Volume"] == round(ROW["volume_ml"], 1)
    assert left["numbers"]["Anomaly score"] == result()["scores"]["left_hemisphere"]
    assert right["numbers"]["Anomaly score"] == result()["scores"]["right_hemisphere"]


def test_a_study_sent_with_storescu_comes_back_as_results(tmp_path: Path) -> None:
    if shutil.which("storescu") is None:
        pytest.skip("storescu is not here: apt-get install dcmtk")
    write_study(tmp_path / "in", 0)
    write_object(tmp_path / "in", "1", 0, DOSE_REPORT).rename(tmp_path / "in" / "007a.dcm")  # amid the images
    with orthanc.running(tmp_path / "orthanc") as archive:
        to = f"PACS@127.0.0.1:{archive.dicom}"
        senders = ["--sender", "SCANNER", "--sender", "PACS"]
        node = Process(tmp_path, free_port(), *senders, "--to", to, "--quiet-s", "1")
        node.start()
        try:
            node.wait_until_up()
            for address in (node.port, archive.dicom):
                words = ["-aet", "SCANNER", "-aec", "HEADCTANOMALY", "+sd", "127.0.0.1", str(address)]
                subprocess.run(["storescu", *words, str(tmp_path / "in")], check=True, capture_output=True)
            node.wait(lambda: node.count("sent") == 1)
            assert archive.store("HEADCTANOMALY", node.port)["FailedInstancesCount"] == 0, "with the results, which"
            assert node.count("incoming") == 0, "are no input"
        finally:
            assert node.end(signal.SIGTERM) == 0
        check_results(archive.dicomweb, tmp_path / "in")
    log = node.log.read_text()
    assert "sent 20 CT images; dropped, since it is not CT: 1 X-Ray Radiation Dose SR Storage\n" in log
    assert "results sent" in log
    assert "PACS at 127.0.0.1 sent 20 CT images; 20 of them stored before; dropped" in log
    assert "dropped, since it is not CT: 1 Segmentation Storage" in log
    assert log.count("1 Parametric Map Storage") == log.count(": in work") == 1
    assert "Invented" not in log
    assert STUDY not in log


def test_a_study_of_a_dicomweb_server_comes_back_as_results(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    files = write_study(tmp_path / "in", 0)
    monkeypatch.setenv(pacs_stand_in.DONE, str(tmp_path / "done.txt"))
    monkeypatch.setattr(listen, "work", pacs_stand_in.work)
    with orthanc.running(tmp_path / "orthanc") as archive:
        client: Any = DICOMwebClient(url=archive.dicomweb)
        client.store_instances([pydicom.dcmread(file) for file in files])
        words = [
            "listen",
            str(tmp_path / "spool"),
            "--once",
            "--dicomweb",
            archive.dicomweb,
            "--study",
            STUDY,
            "--min-free-mib",
            "1",
        ]
        assert main(words) == 0
        check_results(archive.dicomweb, tmp_path / "in")
        with pytest.raises(WrongUsage, match="has no CT image of that study"):
            list(WebNode(archive.dicomweb).images("1.2.3.4"))


def test_a_server_that_is_down(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    files = write_study(tmp_path / "in", 0, 1)
    node = WebNode(f"http://127.0.0.1:{free_port()}/dicom-web")
    client = node.client()
    client.set_http_retry_params(retry=False)  # it would try again for half a minute
    monkeypatch.setattr(WebNode, "client", lambda self: client)
    with pytest.raises(SendFailed, match="can't be reached"):
        node.send(files)
    with pytest.raises(WrongUsage, match=r"did not give the study .*Check --dicomweb"):
        list(node.images(STUDY))
