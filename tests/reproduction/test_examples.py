"""The scans that figures show: chosen by their labels, read from the widest runs that have them, all upright."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from paper_inputs import case, datalist, evaluation, reproduction

from reproduction.examples import candidates, labelled_tests, runs_with, shows, skulls, slices
from reproduction.folder import Reproduction
from reproduction.rows import NothingToShow
from scripts.datasets.datalist import Case
from scripts.errors import WrongUsage
from scripts.files.nifti import nifti_bytes
from scripts.results.folder import write_results

LISTED = [
    case("sideless", ICH=True),
    case("both_sides", ICH=True, BleedLocation_Left=True, BleedLocation_Right=True),
    case("left", ICH=True, BleedLocation_Left=True),
    case("right", ICH=True, BleedLocation_Right=True),
    case("bleeding_fracture", ICH=True, Fracture=True, BleedLocation_Left=True),
    case("fracture", Fracture=True),
    case("healthy"),
]
CASES = [Case(item["case"], Path(item["image"]), None, item["labels"]) for item in LISTED]
AFFINE = np.diag((-2.0, -2.0, 5.0, 1.0))
TILTED = np.array([[0.0, -1, 0, 5], [1, 0, 0, 0], [0, 0, 1, 0], [0, 0, 0, 1]])
"""A registration: a quarter of a turn."""


@pytest.fixture
def folder(tmp_path: Path) -> Reproduction:
    """A reproduction of four runs, whose scans are small boxes."""
    made = {
        "p2": evaluation(width=2),
        "p8": evaluation(width=8),
        "d": evaluation(width=16, patch_size=39, mode="dense"),
        "a": evaluation("autoencoder", 4, None, mode="autoencoder"),
    }
    found = reproduction(tmp_path, made)
    list_path = tmp_path / "datalist.json"
    list_path.write_text(json.dumps({**json.loads(list_path.read_text()), "test": LISTED}))
    return found


def add(folder: Reproduction, run: str, name: str, value: float = 1.0, unit: str = "mm", slices: int = 7) -> None:
    """Give a run whole results of a case: a heatmap of one value, a skull in half of the box, a scan of `slices`."""
    heatmap, regions = np.full((8, 9, 7), value, np.float32), np.full((8, 9, 7), 1, np.uint8)
    regions[4:] = 3
    files: dict[str, Any] = {
        "heatmap.nii.gz": nifti_bytes(heatmap, AFFINE),
        "regions.nii.gz": nifti_bytes(regions, AFFINE),
        "scan.nii.gz": nifti_bytes(np.full((8, 9, slices), 30, np.int16), AFFINE),
    }
    write_results(
        folder.example(run, name), files, {"settings": {"unit": unit}, "registration": {"matrix": TILTED.tolist()}}
    )


def test_what_shows_one_thing_alone() -> None:
    assert [c.name for c in CASES if shows(c, "haemorrhage")] == ["left", "right"]
    assert [c.name for c in CASES if shows(c, "fracture")] == ["fracture"]


def test_candidates_are_in_the_order_of_the_datalist(tmp_path: Path) -> None:
    path = datalist(tmp_path, LISTED)
    found = candidates(path)
    assert {label: [c["case"] for c in listed] for label, listed in found.items()} == {
        "haemorrhage": ["left", "right"],
        "fracture": ["fracture"],
    }
    assert found["fracture"][0] == {"case": "fracture", "image": str(tmp_path / "scans/fracture"), "series_uid": None}


def test_the_widest_run_of_each_network_that_has_the_scan(folder: Reproduction) -> None:
    assert runs_with(folder, "left") == {}
    for run in ("a", "p2", "p8"):
        add(folder, run, "left")
    assert runs_with(folder, "left") == {"position": "p8", "autoencoder": "a"}
    (folder.example("p8", "left") / "result.json").unlink()
    assert runs_with(folder, "left") == {"position": "p2", "autoencoder": "a"}


def test_slices_of_every_scan_with_a_map(folder: Reproduction) -> None:
    add(folder, "p8", "left", 3.0)
    add(folder, "a", "left", 4.0, "percent")
    add(folder, "p8", "fracture")
    (scan,) = slices(folder, "haemorrhage")
    assert scan.title == "left, haemorrhage"
    assert {name: (float(values.max()), unit) for name, (values, unit) in scan.maps.items()} == {
        "position": (3.0, "mm"),
        "autoencoder": (4.0, "percent"),
    }
    assert np.array_equal(scan.affine, TILTED @ AFFINE)
    assert scan.where[:4].all()
    assert not scan.where[4:].any()
    (broken,) = slices(folder, "fracture")
    assert broken.where[4:].all()
    assert broken.window_hu[1] > 1000


def test_a_mask_on_another_grid_is_not_drawn(folder: Reproduction) -> None:
    add(folder, "p8", "left", slices=14)
    with pytest.raises(NothingToShow, match=r"p8/examples/left is on another grid, \(8, 9, 7\), than its scan, .*14"):
        slices(folder, "haemorrhage")
    regions = {"regions.nii.gz": nifti_bytes(np.full((8, 9, 5), 3, np.uint8), AFFINE)}
    heatmap = {"heatmap.nii.gz": nifti_bytes(np.ones((8, 9, 7), np.float32), AFFINE)}
    facts = {"settings": {"unit": "mm"}, "registration": {"matrix": TILTED.tolist()}}
    write_results(folder.example("p8", "fracture"), {**regions, **heatmap}, facts)
    with pytest.raises(NothingToShow, match=r"is on another grid, \(8, 9, 7\), than its scan, \(8, 9, 5\); remove"):
        skulls(folder)


def test_results_of_an_earlier_version_without_the_scan_are_not_drawn(folder: Reproduction) -> None:
    add(folder, "p8", "left")
    example = folder.example("p8", "left")
    (example / "scan.nii.gz").unlink()
    result = json.loads((example / "result.json").read_text())
    result["outputs"].pop("scan.nii.gz")
    (example / "result.json").write_text(json.dumps(result))
    with pytest.raises(NothingToShow, match=r"p8/examples/left holds no scan\.nii\.gz; remove that folder"):
        slices(folder, "haemorrhage")


def test_skulls_are_those_of_a_position_network(folder: Reproduction) -> None:
    add(folder, "a", "fracture", unit="percent")
    with pytest.raises(NothingToShow, match="no position network has made a map of a fracture"):
        skulls(folder)
    add(folder, "d", "fracture", 2.0)
    assert float(skulls(folder)["fracture"].values.max()) == 2.0
    add(folder, "p2", "fracture", 5.0)
    skull = skulls(folder)["fracture"]
    assert (float(skull.values.max()), skull.unit) == (5.0, "mm")
    assert skull.mask[4:].all()
    assert not skull.mask[:4].any()


def test_without_results_there_is_nothing_to_show(folder: Reproduction) -> None:
    for label in ("haemorrhage", "fracture"):
        with pytest.raises(NothingToShow, match=f"no run has made a map of a scan that shows a {label} alone"):
            slices(folder, label)


def test_tests_have_labels_and_may_have_no_scans(tmp_path: Path) -> None:
    """Figures can be drawn where only the scans that they show are left."""
    path = datalist(tmp_path, LISTED)
    assert [c.name for c in labelled_tests(path)] == [item["case"] for item in LISTED]
    (tmp_path / "scans" / "sideless").rmdir()
    with pytest.raises(WrongUsage, match=r'Entry 0 of "test" in .*, sideless: there is no .*scans/sideless'):
        labelled_tests(path, scans=True)
    one = case("one")
    del one["labels"]["ICH"]
    with pytest.raises(WrongUsage, match=r'Entry 1 of "test" in .*, one: no label "ICH". Add it'):
        labelled_tests(datalist(tmp_path, [case("other"), one]))


@pytest.mark.parametrize(
    "change",
    [
        {"series_uid": "$__import__('os').system('touch evil')"},
        {"series_uid": "@stride"},
        {"series_uid": 1.2},
        {"case": "../outside"},
        {"case": "$exit()"},
        {"case": 7},
    ],
)
def test_what_would_become_an_expression_of_a_config_or_a_path_is_refused(
    change: dict[str, Any], tmp_path: Path
) -> None:
    path = datalist(tmp_path, [{**LISTED[0], "series_uid": "1.2.3"}])
    assert labelled_tests(path)[0].series_uid == "1.2.3"
    with pytest.raises(WrongUsage, match=r'Entry 0 of "test"'):
        labelled_tests(datalist(tmp_path, [{**LISTED[0], **change}]))
