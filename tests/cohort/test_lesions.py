"""Lesions and peaks of a case: on grids that differ, by size, in brain or skull, and the measures of a small cohort."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import nibabel as nib
import numpy as np
import pytest
from numpy.typing import NDArray

from scripts.cohort.folder import CASES
from scripts.cohort.lesions import (
    CaseMaps,
    case_field,
    case_maps,
    moved,
    nearest_lesions,
    numbered,
    own_lesions,
    thresholds_in_use,
)
from scripts.cohort.localisation import localisation_table, localised
from scripts.cohort.predictions import COLUMNS, predictions_text
from scripts.cohort.table import Row
from scripts.datasets.datalist import Case
from scripts.files.nifti import nifti_bytes
from scripts.files.tables import from_csv
from scripts.results.record import RESULT_FORMAT

SHAPE = (40, 36, 20)
AFFINE = np.diag([1.0, 1.0, 3.0, 1.0])
ALL = np.array([1, 2, 3], np.uint8)


def regions() -> NDArray[np.uint8]:
    found = np.zeros(SHAPE, np.uint8)
    found[2:20, 2:34, 1:19], found[20:38, 2:34, 1:19] = 1, 2
    found[:, :2] = 3
    return found


def lesion(*boxes: tuple[slice, slice, slice]) -> NDArray[np.uint8]:
    found = np.zeros(SHAPE, np.uint8)
    for box in boxes:
        found[box] = 1
    return found


BIG = (slice(5, 15), slice(10, 20), slice(5, 10))
SMALL = (slice(30, 33), slice(10, 13), slice(5, 6))
BONE = (slice(10, 14), slice(0, 2), slice(5, 8))


def maps(heatmap: NDArray[np.float32], mask: NDArray[np.uint8]) -> CaseMaps:
    return CaseMaps(heatmap, regions(), numbered(mask), AFFINE)


def heat() -> NDArray[np.float32]:
    """The large lesion is seen, a place without a lesion too; the small one is not."""
    found = np.full(SHAPE, 0.5, np.float32)
    found[BIG], found[9, 14, 7] = 5, 8
    found[34, 30, 15] = 6
    return found


def test_lesions_belong_to_the_field_that_holds_them() -> None:
    case = maps(heat(), lesion(BIG, SMALL, BONE))
    brain, skull = (case_field(case, labels, 4.0, ALL) for labels in ((1, 2), (3,)))
    assert brain.volumes_ml.tolist() == pytest.approx([1.5, 0.027])
    assert skull.volumes_ml.tolist() == pytest.approx([0.072])
    assert brain.peaks is not None
    assert brain.peaks.tolist() == [8, 6]
    assert brain.of_lesion.tolist() == [1, 0]
    assert len(brain.levels) == len(brain.lesion) == int((regions() > 0).sum() - (regions() == 3).sum())


def test_what_has_no_score_and_swelling_are_left_out() -> None:
    mask = lesion(BIG)
    mask[25:28, 20:23, 3:5] = 2
    case = maps(heat(), mask)
    found = case_field(case, (1, 2), None, np.array([2], np.uint8))
    assert len(found.levels) == int((regions() == 2).sum()) - 18
    assert found.peaks is None
    assert not found.volumes_ml.size
    whole = case_field(case, (1, 2), 4.0, ALL)
    assert whole.lesion.min() == 0


def test_a_peak_in_swelling_is_neither_found_nor_false() -> None:
    mask = lesion(BIG)
    mask[33:36, 29:32, 14:17] = 2
    found = case_field(maps(heat(), mask), (1, 2), 4.0, ALL)
    assert found.peaks is not None
    assert found.peaks.tolist() == [8]
    assert found.of_lesion.tolist() == [1]


def test_a_mask_on_another_grid_is_moved_to_its_place() -> None:
    mask = lesion(BIG)
    flipped, own = mask[::-1], AFFINE.copy()
    own[0] = -1, 0, 0, SHAPE[0] - 1
    np.testing.assert_array_equal(moved(flipped, own, SHAPE, AFFINE), mask)
    np.testing.assert_array_equal(moved(mask.transpose(1, 0, 2), AFFINE[:, [1, 0, 2, 3]], SHAPE, AFFINE), mask)
    assert moved(mask, AFFINE, SHAPE, AFFINE) is mask


@pytest.mark.parametrize("sheared", [0.0, 0.2])
@pytest.mark.parametrize("flipped", [False, True])
@pytest.mark.parametrize("axes", [(0, 1, 2), (2, 0, 1)])
def test_a_lesion_between_two_slices_is_not_lost(sheared: float, flipped: bool, axes: tuple[int, ...]) -> None:
    """Drawn in slices of 1 mm: a large lesion, and one in a single slice, between the centres of two of 3 mm."""
    fine = np.zeros((40, 36, 60), np.uint8)
    fine[5:15, 10:20, 12:24], fine[30:33, 10:13, 31], fine[25, 25, 31] = 1, 1, 2
    own = np.diag([1.0, 1.0, 1.0, 1.0])
    own[0, 2] = sheared  # the scan's slices are sheared alike
    affine = AFFINE.copy()
    affine[0, 2] = 3 * sheared
    expected = np.zeros(SHAPE, np.uint8)
    expected[5:15, 10:20, 4:8], expected[30:33, 10:13, 10] = 1, 1
    if flipped:
        fine, own = fine[::-1], own @ np.array([[-1.0, 0, 0, 39], [0, 1, 0, 0], [0, 0, 1, 0], [0, 0, 0, 1]])
    fine, own = fine.transpose(axes), own[:, [*axes, 3]]
    np.testing.assert_array_equal(moved(fine, own, SHAPE, affine), expected)
    assert numbered(moved(fine, own, SHAPE, affine)).max() == 2


def test_a_peak_finds_the_nearest_lesion_within_reach() -> None:
    numbers = numbered(lesion(BIG, SMALL))
    voxels = np.array([[17, 15, 7], [19, 15, 7], [19, 15, 9], [31, 11, 6], [31, 11, 8]])
    # 3 mm, 5 mm, 5 mm in the plane, 3 mm and 9 mm along the axis
    assert nearest_lesions(voxels, numbers, AFFINE).tolist() == [1, 1, 1, 2, 0]
    assert nearest_lesions(voxels, np.zeros_like(numbers), AFFINE).tolist() == [0] * 5


def test_thresholds_are_those_of_the_contours() -> None:
    record = {"compared_with": {"contours": {"left_hemisphere": None, "right_hemisphere": 4.5, "skull": 7.0}}}
    assert thresholds_in_use(record) == {"brain": 4.5, "skull": 7.0}
    assert thresholds_in_use({}) == {"brain": None, "skull": None}


def write_case(root: Path, name: str, mask: NDArray[np.uint8] | None, values: NDArray[np.float32]) -> Case:
    """A case's results of a cohort, and its mask, if any, beside the cohort."""
    folder = root / "out" / CASES / name
    folder.mkdir(parents=True)
    for file, volume in (("heatmap", values), ("regions", regions())):
        (folder / f"{file}.nii.gz").write_bytes(nifti_bytes(volume, AFFINE))
    contours = {"left_hemisphere": 4.0, "right_hemisphere": 4.0, "skull": None}
    scores: dict[str, Any] = {"left_hemisphere": 1.0, "right_hemisphere": 1.0, "skull": None}
    record = {"format": RESULT_FORMAT, "outputs": {}, "scores": scores, "compared_with": {"contours": contours}}
    (folder / "result.json").write_text(json.dumps(record))
    path = None if mask is None else root / f"{name}.nii.gz"
    if path is not None and mask is not None:
        path.write_bytes(nifti_bytes(mask, AFFINE))
    return Case(name, root / f"{name}_scan.nii.gz", labels={"ICH": mask is not None}, mask=path)


def test_a_cohort_is_measured_and_cases_without_masks_are_named(tmp_path: Path) -> None:
    ill = write_case(tmp_path, "ill", lesion(BIG, SMALL), heat())
    healthy = write_case(tmp_path, "healthy", None, np.full(SHAPE, 0.5, np.float32))
    unknown = Case("unknown", tmp_path, labels={"ICH": True})
    broken = Case("broken", tmp_path, labels={"ICH": False})
    folders = {name: tmp_path / "out" / CASES / name for name in ("ill", "healthy", "unknown", "broken")}
    found, notes = localised([ill, healthy, unknown, broken], folders)
    assert notes[0].startswith("No lesion mask of 1 case (unknown): left out")
    assert notes[1].startswith("Maps or mask of 1 case (broken) can't be measured: left out of the measures")
    assert notes[1].endswith("holds no result.json: the results are not complete.")
    brain = found["brain"]
    assert (brain["scans"], brain["with_lesion"]) == (2, 1)
    assert brain["froc"]["all"]["lesions"] == 2
    assert brain["froc"]["1 to 10 ml"]["mean"] == 1
    assert brain["froc"]["under 1 ml"]["mean"] == 0
    big, small = 500, 9
    assert brain["dice_in_use"] == pytest.approx(2 * big / (2 * big + small + 1))
    assert brain["dice_in_use_a_scan"] == brain["dice_in_use"]
    assert brain["average_precision_a_scan"] > brain["lesion_share"]
    assert found["skull"]["scans"] == 0
    text = localisation_table(found)
    assert "| brain | 2 | 1 |" in text
    assert "| brain, under 1 ml | 1 | .00 |" in text
    assert localisation_table({"brain": found["skull"]}) == ""


def test_maps_of_a_case_are_read_with_its_mask(tmp_path: Path) -> None:
    case = write_case(tmp_path, "ill", lesion(BIG, SMALL), heat())
    read = case_maps(tmp_path / "out" / CASES / "ill", case.mask)
    np.testing.assert_array_equal(read.heatmap, heat())
    assert read.lesions.max() == 2
    assert case_maps(tmp_path / "out" / CASES / "ill", None).lesions.max() == 0


def test_a_lesion_belongs_to_the_field_that_holds_most_of_it_and_on_a_tie_to_the_brain() -> None:
    def kept(*values: int, scored: NDArray[np.uint8] = ALL) -> list[list[int]]:
        """The numbers in brain and skull of one lesion, in a row of voxels of these regions."""
        found = np.array(values, np.uint8).reshape(-1, 1, 1)
        row = CaseMaps(np.zeros(found.shape, np.float32), found, np.ones(found.shape, np.int32), AFFINE)
        return [own_lesions(row, labels, scored).tolist()[1:] for labels in ((1, 2), (3,))]

    assert kept(1, 2, 3, 3) == [[1], [0]]
    assert kept(*[1] * 9, *[3] * 6, *[0] * 5) == [[1], [0]], "45, 30 and 25 % in neither"
    assert kept(1, 3, 3, 0, 0, 0) == [[0], [1]]
    assert kept(0, 0) == [[0], [0]]
    assert kept(1, 1, 2, scored=np.array([2, 3], np.uint8)) == [[0], [0]], "most of it has no score"
    assert kept(1, 2, 2, scored=np.array([2, 3], np.uint8)) == [[1], [0]]


def with_voxel(value: float) -> NDArray[np.float32]:
    """A mask of one lesion, and another value beside it."""
    found = lesion(BIG).astype(np.float32)
    found[1, 1, 1] = value
    return found


ASIDE = np.array([[1.0, 0, 0, 5], [0, 1, 0, 0], [0, 0, 3, 0], [0, 0, 0, 1]])
AWAY = np.array([[1.0, 0, 0, 500], [0, 1, 0, 0], [0, 0, 3, 0], [0, 0, 0, 1]])


@pytest.mark.parametrize(
    ("mask", "affine", "said"),
    [
        (lesion(BIG) * 255, AFFINE, r"holds 0, 1 \(lesion\) and 2 \(swelling\), got 255$"),
        (with_voxel(0.5), AFFINE, "got 0.5$"),
        (with_voxel(np.nan), AFFINE, "got nan$"),
        (with_voxel(257), AFFINE, "got 257$"),
        (lesion(BIG)[..., None], AFFINE, "a mask needs 3 dimensions, got 4$"),
        (lesion(BIG, SMALL), AWAY, "2 of 2 lesions lie outside the scan$"),
        (lesion(BIG, (slice(38, 40), slice(0, 2), slice(0, 1))), ASIDE, "1 of 2 lesions lie outside the scan$"),
    ],
)
def test_a_mask_that_can_not_be_true_is_refused(
    tmp_path: Path, mask: NDArray[Any], affine: NDArray[np.float64], said: str
) -> None:
    write_case(tmp_path, "ill", None, heat())
    nib.save(nib.Nifti1Image(mask, affine), tmp_path / "drawn.nii.gz")
    with pytest.raises(ValueError, match=f"^drawn.nii.gz: .*{said}"):
        case_maps(tmp_path / "out" / CASES / "ill", tmp_path / "drawn.nii.gz")


def test_a_lesion_that_the_scan_cuts_is_kept(tmp_path: Path) -> None:
    write_case(tmp_path, "ill", None, heat())
    shifted = AFFINE.copy()
    shifted[0, 3] = -10
    nib.save(nib.Nifti1Image(lesion(BIG), shifted), tmp_path / "drawn.nii.gz")
    assert (case_maps(tmp_path / "out" / CASES / "ill", tmp_path / "drawn.nii.gz").lesions == 1).sum() == 250


@pytest.mark.parametrize("kind", ["truncated", "short", "text", "255"])
def test_a_bad_mask_is_named_with_the_reason_and_the_others_are_measured(tmp_path: Path, kind: str) -> None:
    good, bad = (write_case(tmp_path, name, lesion(BIG), heat()) for name in ("good", "bad"))
    assert bad.mask is not None
    if kind == "255":
        bad.mask.write_bytes(nifti_bytes(lesion(BIG) * np.uint8(255), AFFINE))
    elif kind == "text":
        bad = replace(bad, mask=tmp_path / "bad.txt")
        (tmp_path / "bad.txt").write_text("no volume")
    else:
        content = bad.mask.read_bytes()
        bad.mask.write_bytes(content[: len(content) // 2 if kind == "truncated" else 20])
    found, notes = localised([bad, good], {name: tmp_path / "out" / CASES / name for name in ("good", "bad")})
    assert found["brain"]["scans"] == found["brain"]["with_lesion"] == 1
    (note,) = notes
    assert note.startswith("Maps or mask of 1 case (bad) can't be measured: left out of the measures")
    assert "got 255" in note if kind == "255" else "can't be read as a volume" in note


def test_predictions_are_in_the_words_of_toolkits(tmp_path: Path) -> None:
    cases = [write_case(tmp_path, "ill", lesion(BIG), heat()), Case("calm", tmp_path / "calm", labels={"ICH": False})]
    details = {"left_hemisphere": {"threshold": 2.0}}
    rows = [
        Row("ill", "done", "", {"left_hemisphere": 3.0}, details),
        Row("calm", "done", "", {"left_hemisphere": 1.0}, details),
        Row("foot", "refused", "no head"),
    ]
    out = tmp_path / "out"
    columns, lines = from_csv(predictions_text(out, out, rows, [*cases, Case("foot", tmp_path)]))
    assert tuple(columns) == COLUMNS
    first, second = lines
    assert (first["gt_label"], first["pred_label"], first["pred_score"]) == ("1", "1", "1.5")
    assert (second["gt_label"], second["pred_label"], second["pred_score"]) == ("0", "0", "0.5")
    for name in ("anomaly_map", "gt_mask"):
        assert (tmp_path / "out" / first[name]).is_file()
        assert second[name] == ""
    assert first["image_path"] == "../ill_scan.nii.gz"


def test_predicted_scores_have_all_digits_so_that_above_1_is_above_the_threshold(tmp_path: Path) -> None:
    rows = [Row("near", "done", "", {"skull": 2.0000001}, {"skull": {"threshold": 2.0}})]
    _, (line,) = from_csv(predictions_text(tmp_path, tmp_path, rows, [Case("near", tmp_path)]))
    assert line["pred_label"] == "1"
    assert float(line["pred_score"]) == 2.0000001 / 2.0 > 1
