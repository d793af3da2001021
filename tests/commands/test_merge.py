"""`cohort --shard` and `merge`: joined shards are one run of the whole list; what does not fit together is a sentence.

The pipeline is replaced (see `cohort_stand_in`), and runs in this process.
"""

from __future__ import annotations

import errno
import json
import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from cohort_stand_in import begun, pretend, write_cohort
from engine_jobs import in_this_process

from scripts.cohort import runner
from scripts.cohort.shards import shard_of
from scripts.cohort.table import read_table
from scripts.commands import arguments
from scripts.commands.main import main
from scripts.results.record import verify

COUNT, SHARDS = 9, 3

CHANGES = {1: {"refuse": "There is no CT image."}}


def stand_in(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(runner, "run_configs", pretend)
    patch.setattr(arguments, "in_processes", in_this_process)


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A list, its shards in `out`, of which one was run twice, and one run of it all in `whole`."""
    folder = tmp_path_factory.mktemp("shards")
    with pytest.MonkeyPatch.context() as patch:
        stand_in(patch)
        write_cohort(folder, COUNT, CHANGES)
        for number in (1, 2, 3, 2):
            assert run(folder, f"{number}/{SHARDS}") == 0
        assert sorted(begun(folder)) == list(range(COUNT)), "each case once"
        assert run(folder, out="whole") == 0
        yield folder


@pytest.fixture
def scored(made: Path, tmp_path: Path) -> Path:
    """A copy of it."""
    shutil.copytree(made, tmp_path / "made", symlinks=True)
    return tmp_path / "made"


def run(folder: Path, shard: str = "", out: str = "out", *more: str) -> int:
    part = ["--shard", shard] if shard else []
    return main(["cohort", str(folder / "datalist.json"), "-o", str(folder / out), "--device", "cpu", *part, *more])


def shards(folder: Path) -> list[str]:
    return [str(folder / "out" / f"shard_{number}_of_3") for number in (3, 1, 2)]


def without_seconds(path: Path) -> list[str]:
    return [line.rpartition(",")[0] for line in path.read_text().splitlines()]


def test_joined_shards_are_one_run_of_the_whole_list(scored: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["cohort", "merge", *shards(scored), "-o", str(scored / "all")]) == 0
    assert "9 cases: 8 done, 1 refused" in capsys.readouterr().out
    joined, whole = scored / "all", scored / "whole"
    assert (joined / "scores.csv").read_bytes() == (whole / "scores.csv").read_bytes()
    assert without_seconds(joined / "score_details.csv") == without_seconds(whole / "score_details.csv")
    assert [json.loads((place / "cohort.json").read_text()) for place in (joined, whole)].count(
        json.loads((whole / "cohort.json").read_text())
    ) == 2
    for place in (joined, whole):
        assert main(["evaluate", str(place), str(scored / "datalist.json")]) == 0
    assert (joined / "index.html").read_bytes() == (whole / "index.html").read_bytes()
    assert verify(joined / "cases" / "case-0")["scores"] == verify(whole / "cases" / "case-0")["scores"]
    assert main(["merge", *shards(scored), "-o", str(joined)]) == 0, "again, and over an evaluation"


def test_links_lead_to_the_results_from_a_folder_behind_a_link(scored: Path, tmp_path: Path) -> None:
    (tmp_path / "disk" / "of" / "home").mkdir(parents=True)
    (tmp_path / "home").symlink_to(tmp_path / "disk" / "of" / "home")
    assert main(["merge", *shards(scored), "-o", str(tmp_path / "home" / "all")]) == 0
    assert verify(tmp_path / "home" / "all" / "cases" / "case-0")


def test_a_list_may_grow_and_moves_no_case(
    made: Path, scored: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    stand_in(monkeypatch)
    datalist, before = scored / "datalist.json", begun(made)
    content = json.loads(datalist.read_text())
    content["test"].append(content["test"][0] | {"case": f"case-{COUNT}", "image": "more.txt"})
    datalist.write_text(json.dumps(content))
    scan = json.loads((scored / "scan_0.txt").read_text())
    (scored / "more.txt").write_text(json.dumps(scan | {"value": COUNT}))
    assert shard_of(f"case-{COUNT}", SHARDS) == 3
    assert run(scored, "3/3") == 0
    assert main(["merge", *shards(scored), "-o", str(scored / "all")]) == 2
    assert "is of another list (9 cases) than" in capsys.readouterr().err
    assert run(scored, "1/3") == run(scored, "2/3") == 0
    assert begun(made)[len(before) :] == [COUNT]
    assert main(["merge", *shards(scored), "-o", str(scored / "all")]) == 0
    rows = read_table(scored / "all" / "score_details.csv")
    assert [row.case for row in rows] == [f"case-{number}" for number in range(COUNT + 1)]


def lost_shard(folder: Path) -> list[str]:
    return shards(folder)[1:]


def twice(folder: Path) -> list[str]:
    shutil.copytree(folder / "out" / "shard_1_of_3", folder / "copy")
    return [*shards(folder), str(folder / "copy")]


def other_results(folder: Path) -> list[str]:
    listed = twice(folder)
    table = folder / "copy" / "score_details.csv"
    header, first, *others = table.read_text().splitlines()
    cells = first.split(",")
    table.write_text("\n".join([header, ",".join([*cells[:3], "9.5", *cells[4:]]), *others]) + "\n")
    return listed


def changed(folder: Path, change: Callable[[dict[str, Any]], Any]) -> list[str]:
    """The shards, with other facts in the second one."""
    place = folder / "out" / "shard_2_of_3" / "cohort.json"
    content = json.loads(place.read_text())
    change(content)
    place.write_text(json.dumps(content))
    return shards(folder)


def other_settings(folder: Path) -> list[str]:
    return changed(folder, lambda content: content["network"].update(stride=4))


def other_number(folder: Path) -> list[str]:
    alone = {"number": 1, "of": 4, "rows": {}}
    for name in ("cases", "reasons"):
        shutil.rmtree(folder / "out" / "shard_2_of_3" / name, ignore_errors=True)
    return changed(folder, lambda content: content["shard"].update(alone))


def no_shard(folder: Path) -> list[str]:
    return [*shards(folder), str(folder / "whole")]


def empty(folder: Path) -> list[str]:
    (folder / "empty").mkdir()
    return [*shards(folder), str(folder / "empty")]


def unfinished(folder: Path) -> list[str]:
    (folder / "out" / "shard_2_of_3" / "scores.csv").unlink()
    return shards(folder)


def short(folder: Path) -> list[str]:
    table = folder / "out" / "shard_2_of_3" / "score_details.csv"
    table.write_text("".join(table.read_text().splitlines(keepends=True)[:-1]))
    return shards(folder)


def moved(folder: Path) -> list[str]:
    alien = next(f"case-{number}" for number in range(COUNT) if shard_of(f"case-{number}", SHARDS) != 2)
    return changed(folder, lambda content: content["shard"]["rows"].update({alien: 0}))


def misplaced(folder: Path) -> list[str]:
    """A case of the third shard, with other bytes, among the results of the second."""
    third, second = (folder / "out" / f"shard_{number}_of_3" / "cases" for number in (3, 2))
    case = next(path for path in sorted(third.iterdir()) if not path.name.startswith("."))
    shutil.copytree(case, second / case.name)
    (second / case.name / "result.json").write_text("{}")
    return shards(folder)


@pytest.mark.parametrize(
    ("prepared", "words"),
    [
        (misplaced, " belongs to shard 3, not 2. Remove it there."),
        (lost_shard, "Of 3 shards 3 is missing. Run `cohort --shard 3/3`"),
        (twice, "are both shard 1. Name one."),
        (other_results, "are both shard 1, and case-"),
        (other_settings, "network stride was 2 and is 4. Score it by the same ones."),
        (other_number, "is one of 4 shards, and "),
        (no_shard, "is a cohort, but no shard of one"),
        (empty, "is no shard: it has no cohort.json"),
        (unfinished, "scores.csv can't be read"),
        (short, "it is not finished. Run `cohort --shard 2/3` again."),
        (moved, "belongs to another shard than 2"),
    ],
)
def test_what_does_not_fit_is_a_sentence_and_nothing_is_written(
    prepared: Callable[[Path], list[str]], words: str, scored: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    listed = prepared(scored)
    capsys.readouterr()
    assert main(["merge", *listed, "-o", str(scored / "all")]) == 2
    err = capsys.readouterr().err
    assert words in err
    assert err.count("\n") == 1
    assert not (scored / "all").exists()


@pytest.mark.parametrize("code", [errno.EPERM, errno.ENOTSUP])
def test_without_links_results_are_copied(scored: Path, code: int, monkeypatch: pytest.MonkeyPatch) -> None:
    def no_link(leads_to: str, made: Path) -> None:
        raise OSError(code, os.strerror(code), leads_to, None, str(made))

    monkeypatch.setattr(os, "symlink", no_link)
    for _ in range(2):  # the second takes the place of the first
        assert main(["merge", *shards(scored), "-o", str(scored / "all")]) == 0
    case = scored / "all" / "cases" / "case-0"
    assert case.is_dir()
    assert not case.is_symlink()
    assert verify(case)["scores"] == verify(scored / "whole" / "cases" / "case-0")["scores"]
    assert not list((scored / "all").rglob(".*.partial"))


def test_results_of_another_run_are_not_replaced(scored: Path, capsys: pytest.CaptureFixture[str]) -> None:
    other = scored / "whole" / "cases" / "case-0" / "result.json"
    other.write_text(other.read_text() + "\n")
    before = other.read_bytes()
    assert main(["merge", *shards(scored), "-o", str(scored / "whole")]) == 4
    assert " holds other results than " in capsys.readouterr().err
    assert other.read_bytes() == before


def test_the_folder_of_another_run_stays_as_it_is(scored: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Names of cases need not collide: other settings or other cases are enough, or the folder of a shard."""

    def other(change: Callable[[dict[str, Any]], Any]) -> Path:
        folder = scored / "other"
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir()
        facts = json.loads((scored / "whole" / "cohort.json").read_text())
        change(facts)
        (folder / "cohort.json").write_text(json.dumps(facts))
        (folder / "scores.csv").write_text("theirs")
        return folder

    changes: dict[str, Callable[[dict[str, Any]], Any]] = {
        "holds another run: network stride was 3 and is ": lambda facts: facts["network"].update(stride=3),
        "holds another run: theirs is in no shard": lambda facts: facts.update(cases={"theirs": "1"}),
        "is the folder of a shard": lambda facts: facts.update(shard={"number": 1, "of": 3}),
    }
    for said, change in changes.items():
        folder = other(change)
        assert main(["merge", *shards(scored), "-o", str(folder)]) == 4
        assert said in capsys.readouterr().err
        assert (folder / "scores.csv").read_text() == "theirs"
        assert not (folder / "cases").exists()


def test_a_copied_reason_is_replaced_by_a_later_one(scored: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def no_link(leads_to: str, made: Path) -> None:
        raise OSError(errno.EPERM, os.strerror(errno.EPERM), leads_to, None, str(made))

    monkeypatch.setattr(os, "symlink", no_link)
    assert main(["merge", *shards(scored), "-o", str(scored / "all")]) == 0
    (reason,) = (scored / "out").rglob("reasons/case-1.json")
    reason.write_text(reason.read_text().replace("CT image", "CT image at all"))
    assert main(["merge", *shards(scored), "-o", str(scored / "all")]) == 0
    assert (scored / "all" / "reasons" / "case-1.json").read_bytes() == reason.read_bytes()


def test_another_error_of_a_link_is_a_sentence(
    scored: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def full(leads_to: str, made: Path) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), leads_to, None, str(made))

    monkeypatch.setattr(os, "symlink", full)
    assert main(["merge", *shards(scored), "-o", str(scored / "all")]) == 4
    assert "No space left" in capsys.readouterr().err


def test_a_shard_without_a_case_is_one_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    stand_in(monkeypatch)
    write_cohort(tmp_path, 1)
    assert [run(tmp_path, f"{number}/3") for number in (1, 2, 3)] == [0, 0, 0]
    assert main(["merge", *shards(tmp_path), "-o", str(tmp_path / "all")]) == 0
    assert [row.case for row in read_table(tmp_path / "all" / "score_details.csv")] == ["case-0"]
