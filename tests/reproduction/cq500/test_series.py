"""The choice of one series: what speaks against each, and in which order they are preferred."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest
from cq500_folders import Edit, described, put_series, put_thin
from dicom_series import SERIES, head_hu, store
from geometries import LPS, geometry
from pydicom.dataset import Dataset

from reproduction.cq500.series import candidates_in, choose_candidate, series_folders


def chosen(case: Path, headers_only: bool = False) -> tuple[str | None, dict[str, str]]:
    """Folder of the chosen series, and what is said of each."""
    best, candidates = choose_candidate(candidates_in(case), headers_only)
    assert best is None or best in candidates
    return best.folder.name if best else None, {found.folder.name: found.words() for found in candidates}


def test_thin_is_better_than_thick_and_both_are_described(tmp_path: Path) -> None:
    put_series(tmp_path, "CT 55mm Plain")
    put_thin(tmp_path, "CT Thin Plain")
    best, words = chosen(tmp_path)
    assert best == "CT Thin Plain"
    assert words == {
        "CT 55mm Plain": "thick, 28 x 5.00 mm over 140 mm",
        "CT Thin Plain": "thin, 110 x 1.25 mm over 138 mm",
    }


@pytest.mark.parametrize(
    ("edit", "code"),
    [
        (described(ContrastBolusAgent="OMNIPAQUE"), "contrast_suspected"),
        (described(SeriesDescription="HEAD +C"), "contrast_suspected"),
        (described(ConvolutionKernel="BONEPLUS"), "bone_kernel"),
        (described(ImageType=["DERIVED", "SECONDARY", "REFORMATTED"]), "derived_series"),
        (described(ImageType=["ORIGINAL", "PRIMARY", "LOCALIZER"]), "localizer_only"),
        (described(BodyPartExamined="CSPINE"), "wrong_anatomy"),
        (described(SeriesDescription="C SPINE"), "wrong_anatomy"),
        (described(Modality="MR"), "not_ct"),
        (described(RescaleSlope=None), "rescale_missing"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_what_the_header_says_against_a_series(tmp_path: Path, edit: Edit, code: str) -> None:
    put_thin(tmp_path, "CT Thin Plain", edit)
    put_series(tmp_path, "CT 55mm Plain")
    best, words = chosen(tmp_path)
    assert best == "CT 55mm Plain"
    assert words["CT Thin Plain"] == code


def test_what_the_name_says_against_a_series_costs_no_reading(tmp_path: Path) -> None:
    """Contrast agent, bone, other anatomy: the files of these are not even DICOM."""
    for name in ("CT C", "CT BONE", "CT C SPINE"):
        (tmp_path / "Unknown Study" / name).mkdir(parents=True)
        (tmp_path / "Unknown Study" / name / "CT000001.dcm").write_text("no DICOM")
    best, words = chosen(tmp_path)
    assert best is None
    assert list(words.values()) == ["bone_kernel", "contrast_suspected", "wrong_anatomy"]


@pytest.mark.parametrize(
    ("slice_mm", "at", "code"),
    [
        (1.25, [k for k in range(110) if not 40 <= k < 46], "missing_slices"),
        (2.5, [*range(30), *range(30, 60, 2)], "two_spacings"),
        (2.5, [k + 0.1 * (k % 3) for k in range(56)], "uneven_spacing"),
        (5.0, range(12), "too_few_slices"),
        (5.0, range(19), "short_coverage"),
        (5.0, [3] * 28, "geometry_invalid"),
    ],
)
def test_what_the_geometry_says_against_a_series(tmp_path: Path, slice_mm: float, at: list[float], code: str) -> None:
    put_series(tmp_path, "CT PLAIN", slice_mm, 60, at=at)
    assert chosen(tmp_path, headers_only=True) == (None, {"CT PLAIN": code})


def noisy(dataset: Dataset, k: int) -> None:
    """The second of the images at place 9 shows another one's pixels."""
    if k == 10:
        grid = geometry("", LPS, (4.4, 4.6, 1.25), (48, 44, 110))
        store(dataset, head_hu(grid.points(np.array([60])))[:, :, 0])


@pytest.mark.parametrize("headers_only", [False, True])
def test_two_images_at_one_place_are_looked_at_and_the_next_series_is_taken(tmp_path: Path, headers_only: bool) -> None:
    twice = [*range(10), 9, *range(10, 110)]
    put_series(tmp_path, "CT Thin Plain", 1.25, 110, edit=noisy, at=twice)
    put_series(tmp_path, "CT 55mm Plain")
    best, words = chosen(tmp_path, headers_only)
    assert (best, words["CT Thin Plain"]) == ("CT 55mm Plain", "position_conflict")
    put_series(tmp_path, "CT THIN PLAIN", 1.25, 110, at=twice)
    assert chosen(tmp_path, headers_only)[0] == "CT THIN PLAIN", "the very same image twice is no conflict"


def test_pixels_are_read_unless_told_otherwise(tmp_path: Path) -> None:
    def cut(dataset: Dataset, k: int) -> None:
        if k == 20:
            dataset.PixelData = dataset.PixelData[:100]

    put_thin(tmp_path, "CT Thin Plain", cut)
    put_series(tmp_path, "CT 5mm")
    assert chosen(tmp_path)[0] == "CT 5mm"
    assert chosen(tmp_path)[1]["CT Thin Plain"] == "corrupt_pixels"
    assert chosen(tmp_path, headers_only=True)[0] == "CT Thin Plain"


def test_tiers_come_before_slice_size(tmp_path: Path) -> None:
    """Thin slices that are too few or cover too little or too much come after thick ones."""
    put_series(tmp_path, "CT few", 1.45, 85)
    put_series(tmp_path, "CT low", 0.9, 112)
    put_series(tmp_path, "CT far", 1.25, 215)
    assert {words.split(",")[0] for words in chosen(tmp_path)[1].values()} == {"other"}
    assert chosen(tmp_path)[0] == "CT low"
    put_series(tmp_path, "CT 55mm")
    assert chosen(tmp_path)[0] == "CT 55mm"


def test_the_thickness_counts_where_slices_overlap(tmp_path: Path) -> None:
    put_series(tmp_path, "CT overlapping", 1.25, 110, described(SliceThickness="5.0"))
    put_series(tmp_path, "CT 2.5mm", 2.5, 56)
    best, words = chosen(tmp_path)
    assert words["CT overlapping"] == "thick, 110 x 5.00 mm over 138 mm"
    assert best == "CT 2.5mm"


def test_of_equal_slices_the_most_then_the_name_without_a_suffix(tmp_path: Path) -> None:
    put_series(tmp_path, "CT Plain-2", slices=30)
    put_series(tmp_path, "CT Plain-3", slices=30)
    put_series(tmp_path, "CT Plain", slices=28)
    assert chosen(tmp_path)[0] == "CT Plain-2"
    put_series(tmp_path, "CT Zebra", slices=30)
    assert chosen(tmp_path)[0] == "CT Zebra"


def test_a_copy_with_the_same_uid_is_known_by_its_folder(tmp_path: Path) -> None:
    folder = put_series(tmp_path, "CT Plain", uid=SERIES)
    shutil.copytree(folder, folder.with_name("CT Plain-2"))
    best, candidates = choose_candidate(candidates_in(tmp_path))
    assert best is not None
    assert best.folder == folder
    assert [found.series_uid for found in candidates] == [SERIES, SERIES]


def test_two_series_in_one_folder_are_two_candidates(tmp_path: Path) -> None:
    put_series(tmp_path, "CT Plain", uid=f"{SERIES}.1")
    folder = tmp_path / "Unknown Study" / "CT Plain"
    for file in sorted(folder.glob("*.dcm")):
        file.rename(folder / f"first_{file.name}")
    put_series(tmp_path, "CT Plain", 1.25, 110, uid=f"{SERIES}.2")
    best, candidates = choose_candidate(candidates_in(tmp_path))
    assert len(candidates) == 2
    assert best is not None
    assert best.series_uid == f"{SERIES}.2"


def test_files_beside_the_series_are_no_series(tmp_path: Path) -> None:
    put_series(tmp_path, "CT Plain")
    (tmp_path / "notes.txt").write_text("hello")
    (tmp_path / ".DS_Store").write_text("hidden")
    (tmp_path / "Unknown Study" / "empty").mkdir()
    (tmp_path / "Unknown Study" / ".DS_Store").write_text("hidden")
    best, words = chosen(tmp_path)
    assert best == "CT Plain"
    assert words[tmp_path.name] == "no_dicom"
    assert [folder.name for folder in series_folders(tmp_path)] == [tmp_path.name, "CT Plain"]


def test_a_damaged_file_spoils_its_own_series_only(tmp_path: Path) -> None:
    folder = put_thin(tmp_path, "CT Thin Plain")
    file = sorted(folder.iterdir())[3]
    file.write_bytes(file.read_bytes()[:200])
    put_series(tmp_path, "CT 5mm")
    best, words = chosen(tmp_path)
    assert (best, words["CT Thin Plain"]) == ("CT 5mm", "corrupt_file")


def test_a_folder_without_files_has_no_candidates(tmp_path: Path) -> None:
    (tmp_path / "Unknown Study").mkdir()
    assert choose_candidate(candidates_in(tmp_path)) == (None, [])
