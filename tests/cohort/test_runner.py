"""One case of a cohort: what is on the disk when it is done, refused or failed, and that it is not done twice."""

from __future__ import annotations

import errno
import os
import pickle
import shutil
from pathlib import Path
from typing import Any

import pytest
from monai.bundle import ConfigWorkflow
from result_record import RESULT

from scripts.assets import config
from scripts.cohort import runner as case_runner
from scripts.cohort.folder import CohortFolder
from scripts.cohort.runner import Plan, run_case, without_maps
from scripts.datasets.datalist import Case
from scripts.errors import OutputExists, OutputFailed
from scripts.findings import PASSING, refusal
from scripts.results.folder import write_results
from scripts.workflow import parsed_configs

OVERLAYS = ((), ("published.json",), ("autoencoder_inference.json",))


def plan(folder: Path, *overlays: str, **values: Any) -> Plan:
    return Plan(("inference.json", *overlays), values, folder / "out #1", folder / "cache #1")


CASE = Case("one", Path("/scans/case #3"), "1.2.3")


class Pretend:
    """Stands for the workflow; counts its runs."""

    def __init__(self, error: Exception | None = None, writes: bool = True) -> None:
        self.error, self.writes, self.runs = error, writes, 0

    def __call__(self, names: Any, values: dict[str, Any]) -> None:
        self.runs += 1
        if self.writes:
            write_results(values["output_dir"], {}, RESULT)
        if self.error:
            raise self.error


def replaced(monkeypatch: pytest.MonkeyPatch, **words: Any) -> Pretend:
    made = Pretend(**words)
    monkeypatch.setattr(case_runner, "run_configs", made)
    return made


def test_a_case_is_done_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    workflow = replaced(monkeypatch)
    row = run_case(plan(tmp_path), CASE)
    assert (row.case, row.status, row.scores, row.seconds) == ("one", "done", RESULT["scores"], 3.75)
    assert run_case(plan(tmp_path), CASE) == row
    assert workflow.runs == 1


def test_a_refusal_is_kept_and_not_asked_for_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    workflow = replaced(monkeypatch, error=refusal("not_ct", "There is no CT image."), writes=False)
    row = run_case(plan(tmp_path), CASE)
    assert (row.status, row.reason) == ("refused", "There is no CT image. Give a head CT.")
    assert CohortFolder(tmp_path / "out #1").row("one") == row == run_case(plan(tmp_path), CASE)
    assert workflow.runs == 1


@pytest.mark.parametrize(
    ("error", "reason"), [(ZeroDivisionError("by zero"), "ZeroDivisionError"), (None, "It left no results.")]
)
def test_a_failure_is_kept_and_tried_again(
    error: Exception | None, reason: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    workflow = replaced(monkeypatch, error=error, writes=False)
    row = run_case(plan(tmp_path), CASE)
    assert (row.status, row.reason) == ("failed", reason)
    assert CohortFolder(tmp_path / "out #1").row("one") == row
    run_case(plan(tmp_path), CASE)
    assert workflow.runs == 2


@pytest.mark.parametrize("code", sorted(PASSING))
def test_a_scan_that_can_not_be_reached_is_tried_again(
    code: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    replaced(monkeypatch, error=refusal(code, "/scans/one can't be read (Stale file handle)."), writes=False)
    row = run_case(plan(tmp_path), CASE)
    assert row.status == "failed"
    assert row.reason.startswith("/scans/one can't be read (Stale file handle). Check the ")
    replaced(monkeypatch)
    assert run_case(plan(tmp_path), CASE).status == "done"


def test_damaged_results_are_to_be_removed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    replaced(monkeypatch)
    run_case(plan(tmp_path), CASE)
    place = tmp_path / "out #1" / "cases" / "one"
    (place / "result.json").write_text("{")
    row = run_case(plan(tmp_path), CASE)
    assert (row.status, row.reason) == ("failed", f"{place} holds no complete results. Remove it.")
    shutil.rmtree(place)
    assert run_case(plan(tmp_path), CASE).status == "done"


def test_results_that_another_process_wrote_meanwhile_count(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    replaced(monkeypatch, error=OutputExists("it was made by something else in the meantime"))
    assert run_case(plan(tmp_path), CASE).status == "done"


def test_a_full_disk_is_not_the_case_s_fault(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    replaced(monkeypatch, error=OutputFailed("No space left on device"), writes=False)
    with pytest.raises(OutputFailed, match="No space left"):
        run_case(plan(tmp_path), CASE)
    assert CohortFolder(tmp_path / "out #1").row("one") is None


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EDQUOT, errno.EROFS])
def test_a_full_disk_behind_another_error_is_not_the_case_s_fault_either(
    number: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    error = RuntimeError("a transform failed")
    error.__cause__ = OSError(number, os.strerror(number), "cache/x.npz")
    replaced(monkeypatch, error=error, writes=False)
    with pytest.raises(OutputFailed, match=rf"not written to cache/x\.npz: {os.strerror(number)}"):
        run_case(plan(tmp_path), CASE)
    assert CohortFolder(tmp_path / "out #1").row("one") is None


def test_a_plan_travels_to_other_processes(tmp_path: Path) -> None:
    made = plan(tmp_path, weights=tmp_path / "a #1.pt", stride=4)
    assert pickle.loads(pickle.dumps(made)) == made


@pytest.mark.parametrize("overlays", OVERLAYS)
def test_values_are_ids_of_the_configs_and_arrive_as_they_are(overlays: tuple[str, ...], tmp_path: Path) -> None:
    made = plan(tmp_path, *overlays, device="cpu")
    values = made.values_of(CASE)
    parser = parsed_configs(made.configs)
    new = {"dataset#folder", "dataset#series_uid"}
    assert all(name in parser for name in values.keys() - new)
    files = [str(config(name)) for name in made.configs]
    weights = {"weights": tmp_path / "none.pt"}
    flow = ConfigWorkflow(files, logging_file=False, workflow_type="inference", **values, **weights)
    flow.initialize()
    dataset = flow.parser.get_parsed_content("dataset")
    assert dataset.data == [{"image": "/scans/case #3"}]
    assert dataset.folder == tmp_path / "cache #1"
    assert dataset.series_uid == "1.2.3"
    assert flow.parser.get_parsed_content("handlers")[-1].output_dir == tmp_path / "out #1" / "cases" / "one"
    assert flow.parser.get_parsed_content("postprocessing").transforms[-1].transform is dataset.transform


@pytest.mark.parametrize("overlays", OVERLAYS)
def test_without_maps_nothing_goes_back_to_the_scan_s_grid(overlays: tuple[str, ...], tmp_path: Path) -> None:
    parser = parsed_configs(("inference.json", *overlays))
    parser.update({**without_maps(parser), "weights": tmp_path / "none.pt"})
    names = [type(step).__name__ for step in parser.get_parsed_content("postprocessing").transforms]
    assert names[-3:] == ["LeaveOutBraind", "DescribeDetectionsd", "AssessSkulld"]
    assert "InvertWithSkulld" not in names
    assert (parser["handlers#2#maps"], parser["handlers#2#pictures"]) == ("none", False)
