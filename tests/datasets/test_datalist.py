"""Datalists of cases, and every way in which one can be wrong."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest

from scripts.datasets.datalist import Case, case_items, cases, check_disjoint, check_labels, listed_cases, series_uids
from scripts.errors import WrongUsage
from scripts.findings import InputRefused


@pytest.fixture
def scans(tmp_path: Path) -> Path:
    for name in ("a", "b", "c"):
        (tmp_path / "scans" / name).mkdir(parents=True)
        (tmp_path / "scans" / name / "1.dcm").write_bytes(b"x")
    return tmp_path


def item(name: str, **more: Any) -> dict[str, Any]:
    return {"case": f"CQ500-CT-{name}", "image": f"scans/{name}", "series_uid": None, "labels": {"ICH": True}, **more}


def write(folder: Path, **sections: Any) -> Path:
    path = folder / "datalist.json"
    path.write_text(json.dumps({"description": "a few", **sections}), encoding="utf-8")
    return path


def test_cases_come_in_the_order_of_the_list_with_paths_from_its_folder(scans: Path) -> None:
    path = write(scans, test=[item("b", series_uid="1.2.3"), item("a", image=str(scans / "scans" / "a"))])
    assert listed_cases(path) == [
        Case("CQ500-CT-b", scans / "scans" / "b", "1.2.3", {"ICH": True}, 0),
        Case("CQ500-CT-a", scans / "scans" / "a", None, {"ICH": True}, 1),
    ]
    assert series_uids(path) == {str(scans / "scans" / "b"): "1.2.3"}
    assert case_items(path)[1] == {"image": str(scans / "scans" / "a"), "case": "CQ500-CT-a"}


def test_a_mask_is_a_path_from_the_folder_of_the_list(scans: Path) -> None:
    path = write(scans, test=[item("a", mask="masks/a.nii.gz"), item("b")])
    assert [case.mask for case in listed_cases(path)] == [scans / "masks" / "a.nii.gz", None]
    with pytest.raises(WrongUsage, match='CQ500-CT-a: "mask" must name the NIfTI of its lesions, or be left out'):
        listed_cases(write(scans, test=[item("a", mask=7)]))


def test_a_byte_order_mark_is_no_part_of_a_list(scans: Path) -> None:
    path = write(scans, test=[item("a")])
    path.write_bytes(b"\xef\xbb\xbf" + path.read_bytes())
    assert [case.name for case in listed_cases(path)] == ["CQ500-CT-a"]


def test_a_path_that_no_system_takes_in_another_section_is_left_to_that_one(scans: Path) -> None:
    path = write(scans, test=[item("a")], training=[item("b", image="a\0b")])
    assert [case.name for case in listed_cases(path)] == ["CQ500-CT-a"]
    with pytest.raises(WrongUsage, match="no path can have"):
        listed_cases(path, "training")


def test_an_empty_input_is_refused() -> None:
    with pytest.raises(InputRefused, match="The path is empty"):
        cases("")


def test_labels_can_be_read_without_scans(scans: Path) -> None:
    path = write(scans, test=[item("a"), item("x")])
    assert [case.image.name for case in listed_cases(path, scans=False)] == ["a", "x"]


def test_a_section_can_be_named_and_others_may_be_missing(scans: Path) -> None:
    path = write(scans, training=[item("a")], test=[item("b")])
    assert [case.name for case in listed_cases(path, "training")] == ["CQ500-CT-a"]


@pytest.mark.parametrize(
    ("sections", "text"),
    [
        ({"training": [item("a")]}, r'has no cases under "test"\. Sections with cases: training\.'),
        ({}, r"Sections with cases: none\."),
        ({"test": 3}, r"is no datalist \(TypeError.*It needs \"test\""),
        ({"test": [item("a"), item("x")]}, r'Entry 1 of "test" in .*, CQ500-CT-x: there is no .*scans/x\. Correct it'),
        ({"test": [item("a", image="x" * 300)]}, r"x can't be reached \(File name too long\)\. Correct it\."),
        ({"test": [item("a"), {"image": "scans/b"}]}, r'Entry 1 of "test" .* needs "case" and "image"'),
        ({"test": [item("a", image="")]}, r'Entry 0 of "test" .*: "image" is empty\. Name the scan\.'),
        (
            {"test": [item("a", image="a\0b")]},
            r'"image" holds a character that no path can have \(.a.x00b.\)\. Correct',
        ),
        (
            {"test": [item("a", image="a\ud800")]},
            r'"image" holds a character that no path can have \(.a.ud800.\)\. Corr',
        ),
        ({"test": [item("a", mask="a\0b")]}, '"mask" must name the NIfTI of its lesions'),
        ({"test": ["scans/a"]}, r'Entry 0 of "test" .* needs "case" and "image"'),
        ({"test": [item("a", case="../../etc")]}, r"'../../etc' can't be the name of a case\. Use letters"),
        ({"test": [item("a", case="")]}, r"'' can't be the name of a case"),
        ({"test": [item("a", case=".hidden")]}, r"can't be the name of a case"),
        ({"test": [item("a", case="one\n")]}, r"can't be the name of a case"),
        ({"test": [item("a", case="Aux.1")]}, r"'Aux\.1' can't be the name of a case.*no device of Windows"),
        ({"test": [item("a", case="one.")]}, r"can't be the name of a case"),
        ({"test": [item("a", series_uid="$exit()")]}, r"CQ500-CT-a: '\$exit\(\)' is no series UID\. Use digits"),
        ({"test": [item("a", facts=["F"])]}, r'CQ500-CT-a: "facts" must hold a text or a number for each fact'),
        ({"test": [item("a", facts={"age": [1]})]}, r'CQ500-CT-a: "facts" must hold a text or a number'),
        ({"test": [item("a", labels={"ICH": 1})]}, r'CQ500-CT-a: "labels" must hold true or false'),
        ({"test": [item("a"), item("b", case="CQ500-CT-a")]}, r'Entry 1 of "test" .*CQ500-CT-a, stands there twice'),
        ({"test": [item("a"), item("b", case="cq500-ct-A")]}, r'Entry 1 of "test" .*cq500-ct-A, stands there twice'),
        ({"test": [item("a"), item("b", image="scans/b/../a")]}, r"CQ500-CT-b, stands there twice"),
        ({"test": [item("a")], "training": [item("b"), item("a")]}, r'Entry 1 of "training" .*stands under "test" too'),
        (
            {"test": [item("a")], "validation": [{"image": "scans/a"}]},
            r'Entry 0 of "validation".*scans/a, stands under',
        ),
        ({"test": [item("a")], "training": [item("b", case="CQ500-CT-a")]}, r"stands under \"test\" too\. Keep it in"),
        (
            {"test": [item("a", series_uid="1.2")], "training": [item("b", series_uid="1.2")]},
            r'Entry 0 of "training" .*, CQ500-CT-b, stands under "test" too',
        ),
    ],
)
def test_a_faulty_list_is_a_sentence_with_the_row(scans: Path, sections: dict[str, Any], text: str) -> None:
    with pytest.raises(WrongUsage, match=text):
        listed_cases(write(scans, **sections))


@pytest.mark.parametrize("content", ["", "[1", "[]", '"text"'])
def test_what_is_no_datalist(tmp_path: Path, content: str) -> None:
    (tmp_path / "list.json").write_text(content)
    with pytest.raises(WrongUsage, match=r"list.json is no datalist"):
        listed_cases(tmp_path / "list.json")


def test_a_list_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(WrongUsage, match=r"^There is no .*list\.json\. Correct its name\.$"):
        listed_cases(tmp_path / "list.json")


def test_nothing_may_stand_in_any_two_sections(scans: Path) -> None:
    check_disjoint(write(scans, training=[item("a")], validation=[item("b")], test=[item("c")]))
    with pytest.raises(WrongUsage, match=r'Entry 0 of "validation" .*, CQ500-CT-a, stands under "training" too'):
        check_disjoint(write(scans, training=[item("a")], validation=[item("a")], test=[item("c")]))
    with pytest.raises(WrongUsage, match=r'Entry 1 of "training" in .*, scans/a, stands there twice'):
        check_disjoint(write(scans, training=[{"image": "scans/a"}, {"image": "scans/a"}], validation=[item("b")]))


def test_a_link_to_a_scan_is_that_scan(scans: Path) -> None:
    (scans / "scans" / "link").symlink_to(scans / "scans" / "a")
    with pytest.raises(WrongUsage, match="stands there twice"):
        listed_cases(write(scans, test=[item("a"), item("link")]))


def test_labels_that_are_needed(scans: Path) -> None:
    cases = listed_cases(write(scans, test=[item("a"), item("b", labels={"ICH": False, "Fracture": True})]))
    check_labels(cases, ["ICH"], "test", "list.json")
    with pytest.raises(WrongUsage, match=r'Entry 0 of "test" in list.json, CQ500-CT-a: no label "Fracture"\. Add it'):
        check_labels(cases, ["ICH", "Fracture"], "test", "list.json")


def test_a_fingerprint_changes_with_the_scan_and_the_series(scans: Path) -> None:
    (case,) = listed_cases(write(scans, test=[item("a")]))
    (again,) = listed_cases(write(scans, test=[item("a", labels={})]))
    assert case.fingerprint() == again.fingerprint()
    (other,) = listed_cases(write(scans, test=[item("a", series_uid="1.2")]))
    (moved,) = listed_cases(write(scans, test=[item("b")]))
    file = scans / "scans" / "a" / "1.dcm"
    before = case.fingerprint()
    os.utime(file, ns=(1, 1))
    assert len({before, case.fingerprint(), other.fingerprint(), moved.fingerprint()}) == 4
