"""Names of folders, among them those that CQ500 is known to have."""

from __future__ import annotations

import pytest

from reproduction.cq500.names import case_of, objection, series_name


@pytest.mark.parametrize("folder", ["CQ500CT7 CQ500CT7", "CQ500CT7", "CQ500-CT-7", "CQ500CT007 CQ500CT7"])
def test_a_cases_folder_is_known_by_its_number(folder: str) -> None:
    assert case_of(folder) == "CQ500-CT-7"


@pytest.mark.parametrize("folder", ["CQ500CT7 CQ500CT8", "CQ500CT", "reads.csv", "xCQ500CT7", "CQ500CT7 ", "truth"])
def test_other_folders_are_no_cases(folder: str) -> None:
    assert case_of(folder) is None


@pytest.mark.parametrize(
    ("folder", "description", "suffix"),
    [
        ("CT Thin Plain", "THIN PLAIN", 1),
        ("CT Thin Plain-2", "THIN PLAIN", 2),
        ("CT 2.55mm-4", "2.55MM", 4),
        ("CT C-12", "C", 12),
        ("CT PRE-1", "PRE-1", 1),
        ("series", "SERIES", 1),
        ("CT ", "", 1),
    ],
)
def test_descriptions_and_suffixes(folder: str, description: str, suffix: int) -> None:
    assert series_name(folder) == (description, suffix)


PLAIN = """CT PLAIN THIN|CT Plain 3mm|CT 55mm Plain|CT Thin Plain|CT I To S|CT PRE CONTRAST 5MM STD|CT PRE CONTRAST THIN
CT Thin Stnd|CT 0.625mm|CT 5mm|CT 2.55mm|CT HELICAL|CT BRAIN PLAIN|CT 3.753.75mm Plain|CT 1.25|CT SOFT THIN|CT DE
CT 3D CT HEADORBIT|CT 5 MM PRE CONTRAST-2|CT Thin Details|CT HEAD NECK|CT NON CONTRAST|CT WO C"""
AGENT = """CT C|CT C-2|CT C THIN|CT POST CONTRAST-4|CT 5mm POST CONTRAST|CT 4cc sec 150cc D3D on|CT ORAL IV|CT CECT THIN
CT 55mm Contrast|CT 1.25 MMC|CT CONTRAST|CT ANGIO"""


def words(text: str) -> list[str]:
    return text.replace("\n", "|").split("|")


@pytest.mark.parametrize("folder", words(PLAIN))
def test_plain_series_are_not_objected_to(folder: str) -> None:
    assert objection(series_name(folder).description) is None


@pytest.mark.parametrize("folder", words(AGENT))
def test_contrast_agent_in_the_name(folder: str) -> None:
    assert objection(series_name(folder).description) == "contrast_suspected"


@pytest.mark.parametrize("folder", ["CT BONE", "CT Thin Bone", "CT 0.625mm DMPR on HiRes VS40", "CT HRCT"])
def test_sharp_kernels_in_the_name(folder: str) -> None:
    assert objection(series_name(folder).description) == "bone_kernel"


@pytest.mark.parametrize("folder", ["CT C SPINE", "CT NECK", "CT CHEST PLAIN"])
def test_other_anatomy_in_the_name(folder: str) -> None:
    assert objection(series_name(folder).description) == "wrong_anatomy"
