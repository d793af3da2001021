"""Files around CQ500: tables that can't be read, the datalist and the table of cases, complete or not at all."""

from __future__ import annotations

import csv
import json
import os
from pathlib import Path

import pytest
from label_tables import BLEED_LEFT, reads_of, table_of

from reproduction.cq500 import files as cq500_files
from reproduction.cq500.cases import Case
from reproduction.cq500.files import cases_path, cases_text, check_free, datalist, load_reads, write
from reproduction.cq500.reads import LABELS
from scripts.datasets.datalist import check_disjoint, listed_scans
from scripts.errors import OutputExists, OutputFailed, WrongUsage

READS = reads_of({0: {}, 1: BLEED_LEFT, 2: {}, 3: {}})


def kept(folder: Path, number: int, section: str) -> Case:
    series = folder / f"CQ500CT{number}" / "CT Plain, thin"
    series.mkdir(parents=True, exist_ok=True)
    return Case(f"CQ500-CT-{number}", "clean", "", "thin", series, f"1.2.{number}", "CT Plain: chosen", section)


def cases_in(folder: Path) -> list[Case]:
    dropped = Case("CQ500-CT-3", "clean", "no_folder", "no_folder: gone")
    return [kept(folder, 0, "training"), kept(folder, 1, "test"), kept(folder, 2, "validation"), dropped]


def test_a_table_is_loaded(tmp_path: Path) -> None:
    path = tmp_path / "reads.csv"
    path.write_bytes(b"\xef\xbb\xbf" + table_of({5: BLEED_LEFT}).replace("\n", "\r\n").encode())
    assert load_reads(path).names == ("CQ500-CT-5",)


def test_a_table_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    with pytest.raises(WrongUsage, match=r"gone\.csv can't be read \(No such file or directory\)\. .*--reads FILE"):
        load_reads(tmp_path / "gone.csv")
    (tmp_path / "latin.csv").write_bytes(b"name,\xe9\n")
    with pytest.raises(WrongUsage, match=r"latin\.csv is no text in UTF-8"):
        load_reads(tmp_path / "latin.csv")
    (tmp_path / "other.csv").write_text(table_of({0: {}}).replace("R2:ICH", "R2:ich"))
    with pytest.raises(WrongUsage, match=r"other\.csv is not the label table of CQ500\. Line 1 misses column R2:ICH"):
        load_reads(tmp_path / "other.csv")


def test_the_datalist_is_what_training_takes(tmp_path: Path) -> None:
    cases = cases_in(tmp_path)
    output = tmp_path / "datalist.json"
    write(output, datalist(cases, READS.labels(), tmp_path, "words"), cases_text(cases, tmp_path))
    content = json.loads(output.read_text(encoding="utf-8"))
    assert list(content) == ["description", "training", "validation", "test"]
    assert content["test"] == [
        {
            "case": "CQ500-CT-1",
            "image": "CQ500CT1/CT Plain, thin",
            "series_uid": "1.2.1",
            "labels": {label: label in BLEED_LEFT for label in LABELS},
        }
    ]
    assert listed_scans(output, "training") == [{"image": f"{tmp_path}/CQ500CT0/CT Plain, thin"}]
    check_disjoint(output)


def test_paths_beside_the_datalist_are_absolute(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    cases = cases_in(tmp_path / "data")
    content = datalist(cases, READS.labels(), tmp_path / "lists", "words")
    assert content["training"][0]["image"] == f"{tmp_path}/data/CQ500CT0/CT Plain, thin"
    monkeypatch.chdir(tmp_path)
    assert datalist(cases_in(Path("data")), READS.labels(), Path("."), "words") == datalist(
        cases, READS.labels(), tmp_path, "words"
    )


def test_the_table_of_cases_tells_of_each(tmp_path: Path) -> None:
    rows = list(csv.DictReader(cases_text(cases_in(tmp_path), tmp_path).splitlines()))
    assert list(rows[0].values()) == [
        *("CQ500-CT-0", "1", "training", "clean", "CQ500CT0/CT Plain, thin", "1.2.0", "thin", "CT Plain: chosen")
    ]
    assert list(rows[3].values()) == ["CQ500-CT-3", "0", "", "clean", "", "", "no_folder: gone", ""]


def test_nothing_is_replaced_unless_asked_for(tmp_path: Path) -> None:
    output = tmp_path / "list.json"
    assert cases_path(output) == tmp_path / "list_cases.csv"
    check_free(output, False)
    cases_path(output).touch()
    with pytest.raises(OutputExists, match=r"list_cases\.csv exists\. .*--overwrite"):
        check_free(output, False)
    check_free(output, True)
    cases_path(output).write_text(cases_text([], tmp_path))
    check_free(output, False)  # a table without a datalist is of a call that found too few cases
    output.touch()
    with pytest.raises(OutputExists, match=r"list\.json exists"):
        check_free(output, False)
    output.unlink()
    output.mkdir()
    with pytest.raises(OutputExists, match=r"list\.json exists"):
        check_free(output, True)
    with pytest.raises(OutputFailed, match=r"there is no folder .*gone"):
        check_free(tmp_path / "gone" / "list.json", False)


def test_the_table_can_stand_alone(tmp_path: Path) -> None:
    write(tmp_path / "list.json", None, "case\n")
    assert [path.name for path in tmp_path.iterdir()] == ["list_cases.csv"]


def test_what_cannot_be_written_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(path: Path, content: bytes) -> str:
        if path.name.startswith(".list.json"):
            raise OSError(28, os.strerror(28), str(path))
        return write_file(path, content)

    write_file = cq500_files.write_file
    monkeypatch.setattr(cq500_files, "write_file", full)
    with pytest.raises(OutputFailed, match=r"not written to .*list\.json: No space left"):
        write(tmp_path / "list.json", {}, "case\n")
    assert list(tmp_path.iterdir()) == []
