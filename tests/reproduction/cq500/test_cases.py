"""What becomes of cases: folders of every form, and a reason for each."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from cq500_folders import case_folder, put_series, put_thin
from label_tables import BLEED_LEFT, FRACTURE, reads_of

from reproduction.cq500.cases import Case, candidate_names, case_folders, judge, with_sections
from reproduction.cq500.split import groups
from scripts.errors import WrongUsage

READS = reads_of(
    {2: {}, 10: BLEED_LEFT, 3: FRACTURE, 4: {"MassEffect": "12", "MidlineShift": "123"}, 5: {}, 6: {}, 7: {}, 8: {}}
)


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Case 2 thin, 10 thick, 3 nothing that suits, 4 not clean, 5 absent, 6 twice, 7 empty, 8 good, 99 unknown."""
    root = tmp_path_factory.mktemp("cq500")
    put_thin(case_folder(root, 2), "CT Thin Plain")
    put_series(case_folder(root, 10), "CT 5mm")
    put_series(case_folder(root, 10), "CT C")
    put_series(case_folder(root, 3), "CT C")
    put_series(case_folder(root, 3), "CT 5mm", slices=16)
    (root / "CQ500CT6").mkdir()
    for number in (4, 6, 7, 99):
        case_folder(root, number).mkdir()
    put_series(case_folder(root / "qct02", 8), "CT 5mm")
    (root / "reads.csv").write_text("not looked at")
    (root / "truth").mkdir()
    return root


def test_folders_of_cases(root: Path) -> None:
    found = case_folders(root)
    assert sorted(found) == [f"CQ500-CT-{n}" for n in (10, 2, 3, 4, 6, 7, 8, 99)]
    assert [len(found[f"CQ500-CT-{n}"]) for n in (2, 6)] == [1, 2]
    assert found["CQ500-CT-8"][0].parent == root / "qct02"


def test_a_case_within_its_own_folder_is_one_case(tmp_path: Path) -> None:
    put_series(case_folder(tmp_path / "CQ500CT7", 7), "CT 5mm")
    assert case_folders(tmp_path) == {"CQ500-CT-7": [tmp_path / "CQ500CT7"]}


@pytest.mark.parametrize(("name", "match"), [("missing", "There is no folder"), ("", "holds no case of CQ500")])
def test_a_folder_without_cases_is_refused(tmp_path: Path, name: str, match: str) -> None:
    with pytest.raises(WrongUsage, match=f"{match}.*CQ500CT0 CQ500CT0"):
        case_folders(tmp_path / name)


def judged(root: Path, pool: str = "strict") -> dict[int, Case]:
    told: list[Case] = []
    cases = judge(case_folders(root), READS, groups(READS), pool, report=told.append)
    assert told == cases
    return {int(case.name.rpartition("-")[2]): case for case in cases}


def test_every_case_of_table_and_folder_has_a_reason(root: Path) -> None:
    cases = judged(root)
    assert list(cases) == [2, 3, 4, 5, 6, 7, 8, 10, 99]
    assert {number: case.code for number, case in cases.items()} == {
        2: "",
        3: "no_suitable_series",
        4: "not_in_pool",
        5: "no_folder",
        6: "duplicate_folder",
        7: "no_series",
        8: "",
        10: "",
        99: "no_row",
    }
    assert {number: case.reason for number, case in cases.items() if number != 7} == {
        2: "thin, 110 x 1.25 mm over 138 mm",
        3: "no_suitable_series: contrast_suspected, short_coverage",
        4: "not_in_pool: no haemorrhage and no fracture by vote, but R1:MassEffect, R1:MidlineShift, R2:MassEffect, "
        "R2:MidlineShift and 1 more",
        5: "no_folder: the data set has no folder for it; download it, or leave it",
        6: "duplicate_folder: CQ500CT6 and CQ500CT6 CQ500CT6 are both its own; remove one",
        8: "thick, 28 x 5.00 mm over 140 mm",
        10: "thick, 28 x 5.00 mm over 140 mm",
        99: "no_row: the label table does not have it; add its row, or remove its folder",
    }
    assert all(case.reason.startswith(f"{case.code}: ") for case in cases.values() if case.code)


def test_a_kept_case_names_its_series_and_all_candidates(root: Path) -> None:
    case = judged(root)[10]
    assert case.series == case_folder(root, 10) / "Unknown Study" / "CT 5mm"
    assert case.series_uid
    assert case.candidates == "CT 5mm: chosen; CT C: contrast_suspected"
    assert case.group == "haemorrhage"
    assert judged(root)[3].candidates == "CT 5mm: short_coverage; CT C: contrast_suspected"


def test_a_series_of_two_cases_serves_once(root: Path, tmp_path: Path) -> None:
    """Copied under another name, a scan could be trained on and tested."""
    for number in (2, 5):
        shutil.copytree(case_folder(root, 2), case_folder(tmp_path, number))
    cases = judged(tmp_path)
    assert (cases[2].code, cases[5].code) == ("", "duplicate_series")
    assert cases[5].reason.startswith("duplicate_series: its series is that of CQ500-CT-2; download both again")
    assert (cases[5].series, cases[5].series_uid) == (None, None)
    assert cases[5].candidates == "CT Thin Plain: chosen"


def test_the_published_pool_looks_at_the_series_of_doubtful_scans(root: Path) -> None:
    assert judged(root, "published")[4].code == "no_series"
    folders, found = case_folders(root), groups(READS)
    hopeful = [2, 3, 6, 7, 8, 10]
    assert candidate_names(folders, found, "strict") == [f"CQ500-CT-{n}" for n in hopeful]
    assert candidate_names(folders, found, "published") == [f"CQ500-CT-{n}" for n in sorted([*hopeful, 4])]


def test_kept_cases_get_their_sections(root: Path) -> None:
    cases = list(judged(root).values())
    sections = {"CQ500-CT-2": "training", "CQ500-CT-8": "validation", "CQ500-CT-10": "test"}
    found = {case.name: case.section for case in with_sections(cases, sections)}
    assert {name: section for name, section in found.items() if section} == sections
