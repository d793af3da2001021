"""`head-ct-anomaly listen`: arguments, what becomes of each study, and a node that is killed."""

from __future__ import annotations

import argparse
import logging
from collections.abc import Iterable
from pathlib import Path

import pytest

pytest.importorskip("highdicom")
pytest.importorskip("pynetdicom")
pytest.importorskip("dicomweb_client")

from pacs_kills import killed
from pacs_nodes import Archive, Process, free_port, send_until_taken, write_study

from scripts.commands import listen
from scripts.commands.listen import Job, Service, node_address, work
from scripts.commands.main import main, parser_for
from scripts.node import SendFailed
from scripts.results import OutputFailed, write_results
from scripts.spool import Limits, Spool, key_of

BASE = ["listen", "--spool", "SPOOL"]


def parsed(*words: str) -> argparse.Namespace:
    return parser_for(["listen"]).parse_args([*BASE, *words])


@pytest.mark.parametrize(
    ("words", "text"),
    [
        (["--to", "PACS@h:4242"], "Name the AE titles to take studies from"),
        (["--sender", "SCANNER"], "Say where the results go"),
        (["--once", "--to", "PACS@h:4242", "--study", "1.2"], "name it with --dicomweb"),
    ],
)
def test_what_is_missing_is_said(words: list[str], text: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([*BASE, *words]) == 2
    assert text in capsys.readouterr().err


@pytest.mark.parametrize("text", ["PACS", "PACS@host", "PACS@host:x", "PACS@host:0", "@host:1", "P" * 17 + "@h:1"])
def test_an_address_that_is_none(text: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit, match="2"):
        main([*BASE, "--to", text])
    assert "is no" in capsys.readouterr().err


def test_defaults_keep_to_this_machine() -> None:
    args = parsed("--sender", "SCANNER", "--to", "PACS@10.0.0.1:4242", "--stride", "4", "--device", "cpu")
    assert (args.host, args.port, args.sender) == ("127.0.0.1", 11112, ["SCANNER"])
    assert node_address("PACS@10.0.0.1:4242") == args.to == ("PACS", "10.0.0.1", 4242)
    assert dict(listen.values_of(args)) == {"stride": 4, "device": "$torch.device('cpu')"}


def test_a_missing_package_is_named(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr(listen, "find_spec", lambda name: None if name == "pynetdicom" else object())
    assert main([*BASE, "--sender", "A", "--to", "PACS@h:1"]) == 2
    assert 'needs the package pynetdicom: pip install "head-ct-position-anomaly[pacs]"' in capsys.readouterr().err


def test_a_port_in_use_and_a_spool_in_use_are_said(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    port = free_port()
    words = ["listen", "--spool", str(tmp_path), "--port", str(port), "--sender", "A", "--to", "PACS@127.0.0.1:1"]
    with Archive().open(port):
        assert main(words) == 4
    assert f"Port {port} of 127.0.0.1 can't be used" in capsys.readouterr().err
    with Spool(tmp_path).owned():
        assert main(words) == 2
    assert "Another process works with" in capsys.readouterr().err


class Kept:
    """A destination that fails the first times."""

    def __init__(self, failures: int = 0) -> None:
        self.failures, self.taken = failures, 0

    def send(self, files: Iterable[Path]) -> None:
        if self.failures:
            self.failures -= 1
            raise SendFailed("PACS can't be reached")
        self.taken += 1


def good(job: Job) -> str:
    write_results(job.out, {"dicom/report.dcm": b"x"}, {})
    return ""


def refusing(job: Job) -> str:
    return "No image is a CT image. Give a head CT."


def empty(job: Job) -> str:
    return ""


def full(job: Job) -> str:
    raise OutputFailed("The results were not written: No space left on device.")


def broken(job: Job) -> str:
    raise ZeroDivisionError


@pytest.fixture
def spool(tmp_path: Path) -> Spool:
    spool = Spool(tmp_path / "spool", Limits(free_bytes=0))
    spool.add("1.2", "1.2.1", b"x")
    spool.promote(0)
    return spool


@pytest.mark.parametrize(
    ("does", "state", "text"),
    [
        (good, "results", "results made"),
        (refusing, "refused", "refused: No image is a CT image. Give a head CT."),
        (empty, "refused", "refused: It left no results."),
        (full, "ready", "to be worked again: The results were not written"),
        (broken, "refused", "an error of the program (ZeroDivisionError)"),
    ],
)
def test_what_becomes_of_a_study(
    does: listen.Work,
    state: str,
    text: str,
    spool: Spool,
    caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    caplog.set_level(logging.INFO)
    monkeypatch.setattr(listen, "FIRST_WAIT_S", 0)
    monkeypatch.setattr(listen, "in_processes", lambda function, jobs, workers: [(jobs[0], function(jobs[0]))])
    key = spool.take()
    assert key is not None
    Service(spool, Kept(), does).work_one(key)
    assert spool.keys(state) == [key]
    assert text in caplog.text
    assert f"study {key[:8]}" in caplog.text


def test_results_are_kept_until_they_are_taken(
    spool: Spool, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    key = spool.take()
    assert key is not None
    good(Job(spool.place("working", key), spool.place("working", key) / "out"))
    spool.move(key, "working", "results")
    destination = Kept(failures=2)
    service = Service(spool, destination, good)
    for round_ in range(200):
        service.send_all()
        if spool.keys("sent"):
            break
    assert destination.taken == 1
    assert round_ * listen.TICK_S == pytest.approx(3 * listen.FIRST_WAIT_S, abs=2), "5 s, then 10 s"
    assert caplog.text.count("results kept, again in") == 2


def test_the_pipeline_refuses_what_is_no_head(tmp_path: Path) -> None:
    (tmp_path / "images").mkdir()
    (tmp_path / "images" / "a.dcm").write_text("no image")
    reason = work(Job(tmp_path / "images", tmp_path / "out"))
    assert "not a DICOM image" in reason
    assert not (tmp_path / "out").exists()


def test_nothing_is_lost_and_nothing_worked_twice_by_a_node_that_is_killed(tmp_path: Path) -> None:
    found = killed(tmp_path, studies=3, kills=2)
    assert (found["with results"], found["objects"], found["worked"]) == (3, 12, 3)
    assert (found["worked twice"], found["with two reports"], found["refused"], found["left"]) == (0, 0, 0, 0)


def test_a_study_that_keeps_growing_is_worked_when_it_is_whole(tmp_path: Path) -> None:
    files = write_study(tmp_path / "in", 0)
    archive, port = Archive(), free_port()
    node = Process(tmp_path, free_port(), "--sender", "SCANNER", "--to", f"PACS@127.0.0.1:{port}", "--quiet-s", "3")
    with archive.open(port):
        node.start()
        try:
            node.wait_until_up()
            for start in range(0, len(files), 5):
                send_until_taken(node.port, files[start : start + 5])
            assert node.count("incoming") == 1
            node.wait(lambda: node.count("sent") == 1)
        finally:
            node.end()
    assert node.done.read_text().split() == [key_of("1.2.3.1")]
    frames = [data.NumberOfFrames for data in archive.data.values() if data.SOPClassUID.endswith(".30")]
    assert frames == [20]
