"""Facts of cases: their forms, where they come from, which goes first, and what is refused."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from dicom_series import write_series
from pydicom.dataset import Dataset

from scripts.datasets.datalist import Case
from scripts.errors import WrongUsage
from scripts.sites.audit.facts import checked_facts, facts_in_headers, facts_of_cases, facts_text, read_facts


@pytest.mark.parametrize(
    ("name", "value", "kept"),
    [
        ("age", 17, "under 18"),
        ("age", 18, "18 to 39"),
        ("age", "39.5", "18 to 39"),
        ("age", 101, "80 and over"),
        ("age", "60 to 79", "60 to 79"),
        ("thickness", 0.6, "up to 1.5 mm"),
        ("thickness", "5.0", "over 3 mm"),
        ("sex", "f", "F"),
        ("month", "2026-03", "2026-03"),
        ("month", "2026-03-17", "2026-03"),
        ("month", "20260317", "2026-03"),
        ("scanner", "Room\x07 3", "Room? 3"),
        ("kernel", 40, "40"),
    ],
)
def test_forms(name: str, value: Any, kept: str) -> None:
    assert checked_facts({name: value}, "here") == {name: kept}


@pytest.mark.parametrize(
    ("facts", "said"),
    [
        ({"weight": 70}, "here: 'weight' is no fact. Use scanner, kernel, thickness, age, sex, month"),
        ({"age": "old"}, "here: age is 'old'. Give a number of years"),
        ({"age": 1950}, "here: age is '1950'. Give a number of years"),
        ({"thickness": -1}, "here: thickness is '-1'. Give a number of mm"),
        ({"sex": "x"}, "here: sex is 'x'. Use F, M or O"),
        ({"month": "2026-13"}, "here: month is '2026-13'. Write it as 2026-03"),
    ],
)
def test_what_is_no_fact_is_refused(facts: dict[str, Any], said: str) -> None:
    with pytest.raises(WrongUsage, match=said.replace("'", ".")):
        checked_facts(facts, "here")


def test_unknown_facts_are_left_out() -> None:
    assert checked_facts({"age": None, "sex": "", "kernel": " ", "scanner": "A"}, "here") == {"scanner": "A"}
    assert checked_facts({"sex": "O"}, "here") == {}


def test_headers_then_the_list_and_no_header_twice(tmp_path: Path) -> None:
    def edit(dataset: Dataset, _: int) -> None:
        dataset.PatientSex, dataset.StudyDate, dataset.PatientAge = "M", "20260317", "045Y"

    write_series(tmp_path / "scan", edit=edit)
    case = Case("one", tmp_path / "scan", facts={"sex": "F", "scanner": "room 3"})
    headers = facts_in_headers(case)
    assert headers == {"sex": "M", "month": "2026-03", "age": "40 to 59", "kernel": "H31S", "thickness": "1.5 to 3 mm"}
    assert facts_of_cases([case], {}) == {"one": {**headers, "sex": "F", "scanner": "room 3"}}
    gone = Case("one", tmp_path / "gone")
    assert facts_of_cases([gone], {"one": {"sex": "M"}}) == {"one": {"sex": "M"}}
    assert facts_of_cases([gone], {}) == {"one": {}}


def test_no_value_of_a_header_is_a_formula_in_a_spreadsheet(tmp_path: Path) -> None:
    def edit(dataset: Dataset, _: int) -> None:
        dataset.Manufacturer, dataset.ManufacturerModelName, dataset.ConvolutionKernel = "=1+1", "A", "@SUM(1)"

    write_series(tmp_path / "scan", edit=edit)
    found = facts_in_headers(Case("one", tmp_path / "scan"))
    assert (found["scanner"], found["kernel"]) == ("1+1 A", "SUM(1)")


def test_two_devices_of_a_model_with_a_long_name_are_told_apart(tmp_path: Path) -> None:
    def scanner(station: str) -> str:
        def edit(dataset: Dataset, _: int) -> None:
            dataset.Manufacturer, dataset.ManufacturerModelName = (
                "A company of medical systems",
                "and a long name of a model",
            )
            dataset.StationName = station

        write_series(tmp_path / station, edit=edit)
        return facts_in_headers(Case("one", tmp_path / station))["scanner"]

    assert scanner("CT1") != scanner("CT2")


def test_what_an_earlier_table_left_out_is_read_from_the_headers(tmp_path: Path) -> None:
    def edit(dataset: Dataset, _: int) -> None:
        dataset.PatientSex, dataset.StudyDate = "M", "20260317"

    write_series(tmp_path / "scan", edit=edit)
    case = Case("one", tmp_path / "scan")
    headers = facts_in_headers(case)
    assert facts_of_cases([case], {"one": {"scanner": "room 3"}})["one"] == {**headers, "scanner": "room 3"}
    assert facts_of_cases([case], {"one": {}})["one"] == headers, "nor does it stay empty once it could not be read"
    known = {"scanner": "room 3", "month": "2026-04"}
    assert facts_of_cases([case], {"one": known})["one"] == known


def test_a_table_is_read_as_it_was_written(tmp_path: Path) -> None:
    facts = {"one": {"scanner": "A, B", "age": "40 to 59"}, "two": {"month": "2026-01"}, "three": {}}
    (tmp_path / "groups.csv").write_text(facts_text(facts))
    assert read_facts(tmp_path / "groups.csv") == facts
    (tmp_path / "own.csv").write_text("\ufeffward,case,age\n7,one,44\n")
    assert read_facts(tmp_path / "own.csv") == {"one": {"age": "40 to 59"}}


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (None, r"groups.csv can't be read \(FileNotFoundError\). Give a CSV"),
        ("case,ward\na,7\n", "needs the column case and at least one of scanner"),
        ("name,age\na,7\n", "needs the column case"),
        ("case,age\na,7\na,8\n", "Row 3 of .*: a stands there twice"),
        ("case,age\na,x\n", "Row 2 of .*: age is 'x'"),
    ],
)
def test_a_faulty_table_is_a_sentence(tmp_path: Path, text: str | None, said: str) -> None:
    if text is not None:
        (tmp_path / "groups.csv").write_text(text)
    with pytest.raises(WrongUsage, match=said):
        read_facts(tmp_path / "groups.csv")
