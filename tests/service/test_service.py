"""What becomes of each study of the spool, and of results that are not taken."""

from __future__ import annotations

import logging
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest

from scripts.errors import OutputFailed
from scripts.results.folder import write_results
from scripts.service import service as node_service
from scripts.service.limits import Limits
from scripts.service.sending import NotTaken
from scripts.service.service import Job, Service, Work, work
from scripts.service.spool import Spool


class Kept:
    """A destination that fails the first times."""

    def __init__(self, failures: int = 0) -> None:
        self.failures, self.taken = failures, 0

    def send(self, files: Iterable[Path]) -> None:
        if self.failures:
            self.failures -= 1
            raise ConnectionError("PACS can't be reached")
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
    does: Work, state: str, text: str, spool: Spool, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    caplog.set_level(logging.INFO)
    monkeypatch.setattr(node_service, "FIRST_WAIT_S", 0)
    monkeypatch.setattr(node_service, "in_processes", lambda function, jobs, workers: [(jobs[0], function(jobs[0]))])
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
    rounds = 0
    while not spool.keys("sent") and rounds < 200:
        service.send_all()
        rounds += 1
    assert destination.taken == 1
    assert rounds * node_service.TICK_S == pytest.approx(3 * node_service.FIRST_WAIT_S, abs=2), "5 s, then 10 s"
    assert caplog.text.count("results kept, again in") == 2


def test_results_that_are_not_taken_keep_no_others(spool: Spool, caplog: pytest.LogCaptureFixture) -> None:
    class Picky:
        """A destination that takes all studies but one."""

        taken = 0

        def send(self, files: Iterable[Path]) -> None:
            if next(iter(files)).parents[2].name == first:
                raise NotTaken("PACS did not take report (status A900)")
            self.taken += 1

    spool.add("1.3", "1.3.1", b"x")
    spool.promote(0)
    first = str(spool.take())
    second = str(spool.take())
    for key in (first, second):
        good(Job(spool.place("working", key), spool.place("working", key) / "out"))
        spool.move(key, "working", "results")
    service = Service(spool, Picky(), good)
    service.send_all()
    assert spool.keys("sent") == [second]
    for _ in range(8):
        service.send_all()
    assert caplog.text.count("results kept, again in 5 s") == 1, "it waits"
    for _ in range(3):
        service.send_all()
    assert caplog.text.count("results kept, again in 10 s") == 1
    spool.move(first, "results", "sent")
    service.send_all()
    assert service.waits == {}


def test_whatever_a_destination_raises_the_service_goes_on(spool: Spool, caplog: pytest.LogCaptureFixture) -> None:
    class Broken:
        """A destination with an error of its own."""

        def send(self, files: Iterable[Path]) -> None:
            service.stop.set()
            raise LookupError("secret")

    key = str(spool.take())
    good(Job(spool.place("working", key), spool.place("working", key) / "out"))
    spool.move(key, "working", "results")
    service = Service(spool, Broken(), good)
    service.run()
    assert "results kept, again in 5 s: an error of the program (LookupError" in caplog.text
    assert "secret" not in caplog.text
    assert spool.keys("results") == [key]
    for _ in range(5):
        service.send_all()
    assert caplog.text.count("LookupError") == 1, "it waits, and the log is not filled"


@pytest.mark.parametrize("report", [True, False])
def test_results_have_dicom_objects_and_the_report_unless_it_is_left_out(
    report: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ran: list[dict[str, Any]] = []
    monkeypatch.setattr(node_service, "run_configs", lambda names, values: ran.append(dict(values)))
    assert work(Job(tmp_path / "images", tmp_path / "out", (("report", report),))) == ""
    assert [(values["dicom"], values["report"]) for values in ran] == [(True, report)]


def test_the_pipeline_refuses_what_is_no_head(tmp_path: Path) -> None:
    (tmp_path / "images").mkdir()
    (tmp_path / "images" / "a.dcm").write_text("no image")
    reason = work(Job(tmp_path / "images", tmp_path / "out"))
    assert "not a DICOM image" in reason
    assert not (tmp_path / "out").exists()
