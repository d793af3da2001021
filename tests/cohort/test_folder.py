"""The folder of a cohort run: what counts as finished, and what never joins it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from result_record import RESULT

from scripts.cohort import folder as cohort_folder
from scripts.cohort.folder import CohortFolder, shortened
from scripts.cohort.table import Row, read_table
from scripts.errors import OutputExists, OutputFailed, WrongUsage
from scripts.files import locks
from scripts.results.folder import write_results

FACTS = {"score": "raw_maximum", "settings": {"stride": 2, "map": "error"}}


@pytest.fixture
def folder(tmp_path: Path) -> CohortFolder:
    return CohortFolder(tmp_path / "out")


def finish(folder: CohortFolder, case: str) -> None:
    write_results(folder.root / "cases" / case, {"x": b"1"}, RESULT)


def test_a_case_is_finished_when_it_is_done_or_refused(folder: CohortFolder) -> None:
    assert folder.row("one") is None
    assert not folder.finished("one")
    finish(folder, "one")
    assert folder.finished("one")
    assert folder.row("one") == Row("one", "done", "", RESULT["scores"], RESULT["score_details"], 3.75)
    folder.keep_reason(Row("two", "refused", "No head.", seconds=1.5))
    folder.keep_reason(Row("three", "failed", "Killed."))
    assert folder.row("two") == Row("two", "refused", "No head.", seconds=1.5)
    assert [folder.finished(case) for case in ("two", "three", "four")] == [True, False, False]


def test_a_refusal_by_another_bundle_does_not_count_and_all_else_does(
    folder: CohortFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of the same version, with other code to read by; one of an earlier version names no bundle."""
    finish(folder, "one")
    folder.keep_reason(Row("two", "refused", "No head."))
    folder.keep_reason(Row("three", "failed", "Killed."))
    folder.write("reasons/four.json", '{"status": "refused", "reason": "No head.", "seconds": 1}')
    assert folder.row("four") is None
    monkeypatch.setattr(cohort_folder, "manifest_sha256", lambda: "another")
    assert folder.finished("one")
    assert folder.row("two") is None
    assert folder.row("three") == Row("three", "failed", "Killed.")
    folder.keep_reason(Row("two", "refused", "No head."))
    assert folder.finished("two")


def test_results_that_are_not_complete_do_not_count(folder: CohortFolder) -> None:
    finish(folder, "one")
    (folder.root / "cases" / "one" / "result.json").write_text('{"format": "head_ct')
    assert not folder.finished("one")


@pytest.mark.parametrize("text", ["", "[]", '{"state": "done"}'])
def test_a_damaged_reason_does_not_count(folder: CohortFolder, text: str) -> None:
    folder.write("reasons/one.json", text)
    assert folder.row("one") is None


def test_a_case_that_failed_and_then_was_done_is_done(folder: CohortFolder) -> None:
    folder.keep_reason(Row("one", "failed", "Killed."))
    finish(folder, "one")
    row = folder.row("one")
    assert row is not None
    assert row.status == "done"


def test_the_table_has_a_row_for_every_case(folder: CohortFolder) -> None:
    finish(folder, "one")
    folder.keep_reason(Row("two", "refused", "No head."))
    rows = folder.rows(["two", "one", "three"])
    folder.write_table(rows)
    assert [(row.case, row.status) for row in rows] == [("two", "refused"), ("one", "done"), ("three", "failed")]
    assert read_table(folder.root / "score_details.csv") == rows
    assert [line.split(",")[:2] for line in (folder.root / "scores.csv").read_text().splitlines()[1:]] == [
        [row.case, row.status] for row in rows
    ]
    assert [path.name for path in folder.root.glob(".*.partial")] == []


def test_the_same_settings_go_on_and_others_do_not(folder: CohortFolder) -> None:
    folder.settle(FACTS, {"one": "aa"})
    folder.settle(FACTS, {"two": "bb"})
    content = json.loads((folder.root / "cohort.json").read_text())
    assert content["cases"] == {"one": "aa", "two": "bb"}
    assert folder.facts()["score"] == "raw_maximum"
    other = {**FACTS, "settings": {"stride": 4, "map": "error"}}
    with pytest.raises(OutputExists, match="holds a run with other settings: settings stride was 2 and is 4"):
        folder.settle(other, {"one": "aa"})
    assert json.loads((folder.root / "cohort.json").read_text()) == content


def test_another_scan_of_the_same_name_is_seen(folder: CohortFolder) -> None:
    folder.settle(FACTS, {"one": "aa"})
    folder.settle(FACTS, {"one": "bb"})  # nothing was scored yet
    finish(folder, "one")
    with pytest.raises(
        OutputExists, match=r"one was scored from another scan than is listed now\. Remove .*/cases/one"
    ):
        folder.settle(FACTS, {"one": "cc"})


def test_a_folder_of_something_else_is_left_alone(folder: CohortFolder, tmp_path: Path) -> None:
    folder.root.mkdir()
    (folder.root / "thesis.txt").write_text("precious")
    with pytest.raises(OutputExists, match=r"holds thesis.txt, which is no part of a cohort run"):
        folder.settle(FACTS, {})
    assert [path.name for path in folder.root.iterdir()] == ["thesis.txt"]
    with pytest.raises(OutputExists, match="is a file"):
        CohortFolder(folder.root / "thesis.txt").check()


def test_what_was_put_beside_a_run_is_no_obstacle(folder: CohortFolder) -> None:
    folder.settle(FACTS, {"one": "aa"})
    (folder.root / "paper.json").write_text("of evaluate -o")
    folder.settle(FACTS, {"one": "aa"})
    assert (folder.root / "paper.json").exists()


@pytest.mark.parametrize("name", [".DS_Store", ".nfs00000001", "Thumbs.db", "desktop.ini"])
def test_what_systems_put_into_folders_is_no_obstacle(folder: CohortFolder, name: str) -> None:
    folder.root.mkdir()
    (folder.root / name).write_text("")
    folder.settle(FACTS, {})
    assert (folder.root / name).exists()


@pytest.mark.parametrize("text", ["", "{}", '{"format": "another"}'])
def test_facts_that_are_not_ours(folder: CohortFolder, text: str) -> None:
    folder.root.mkdir()
    (folder.root / "cohort.json").write_text(text)
    with pytest.raises(WrongUsage, match=r"cohort.json (can't be read|is of another format)"):
        folder.facts()


def test_only_one_run_at_a_time_and_half_written_results_go(folder: CohortFolder) -> None:
    (folder.root / "cases" / ".one.0123abcd.partial").mkdir(parents=True)
    finish(folder, "two")
    with folder.locked():
        assert [path.name for path in (folder.root / "cases").iterdir()] == ["two"]
        with pytest.raises(OutputExists, match="Another run works in"), CohortFolder(folder.root).locked():
            pass
    with folder.locked():
        pass


def test_half_written_files_go_those_that_others_may_be_writing_after_a_day(folder: CohortFolder) -> None:
    places = {name: folder.root / name for name in (".", "reasons", "registered", "thumbnails")}
    for place in places.values():
        place.mkdir(parents=True, exist_ok=True)
        for age in ("now", "old"):
            (place / f".{age}.0123abcd.partial").write_text("")
        os.utime(place / ".old.0123abcd.partial", (0, 0))
    with folder.locked():
        left = {name: [path.name for path in place.glob(".*.partial")] for name, place in places.items()}
    assert left.pop("reasons") == []
    assert set(map(tuple, left.values())) == {(".now.0123abcd.partial",)}


def test_without_locks_what_another_run_may_be_writing_stays(
    folder: CohortFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(locks, "_locked", lambda descriptor: False)
    now, old = (folder.root / "cases" / f".{case}.0123abcd.partial" for case in ("now", "old"))
    for place in (now, old):
        place.mkdir(parents=True)
    os.utime(old, (0, 0))
    with folder.locked():
        assert now.exists()
        assert not old.exists()
    assert now.exists()


def test_a_killed_run_keeps_no_lock(folder: CohortFolder) -> None:
    code = (
        "import os, signal, sys; from scripts.cohort.folder import CohortFolder\n"
        "with CohortFolder(sys.argv[1]).locked(): os.kill(os.getpid(), signal.SIGKILL)"
    )
    bundle = Path(__file__).resolve().parents[2] / "bundle"
    done = subprocess.run([sys.executable, "-c", code, str(folder.root)], cwd=bundle)
    assert done.returncode == -9
    with folder.locked():
        assert folder.root.is_dir()


def test_a_folder_that_can_not_be_written(folder: CohortFolder) -> None:
    folder.root.write_text("a file")
    with pytest.raises((OutputExists, OutputFailed)), folder.locked():
        pass
    with pytest.raises(OutputFailed, match="Not a directory"):
        CohortFolder(folder.root / "deeper").write("x", "y")


def test_a_reason_is_one_short_line() -> None:
    row = shortened(Row("one", "failed", "first\n  second " + "x" * 500))
    assert row.reason.startswith("first second xxx")
    assert len(row.reason) == 400
