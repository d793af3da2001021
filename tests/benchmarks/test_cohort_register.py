"""How registered scans are kept, and that a lesion goes the way of its scan; the pipeline itself has its own tests."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from monai.data import MetaTensor

from cohort import register as register_module
from cohort.register import carried, facts_of, load, preprocessing, register
from scripts.files.nifti import nifti_bytes
from scripts.findings import refusal
from scripts.geometry.coordinates import grid_affine

pytestmark = pytest.mark.xdist_group("cohort")

MATRIX = np.eye(4)
MATRIX[:3, 3] = 3, -2, 5
AFFINE = np.diag([2.0, 2, 2, 1])
AFFINE[:3, 3] = -10, -20, 30


def mask() -> np.ndarray[Any, Any]:
    """A lesion of one voxel, with swelling beside it."""
    values = np.zeros((12, 10, 8), np.uint8)
    values[5, 4, 3], values[6, 4, 3] = 1, 2
    return values


@pytest.fixture
def scan(tmp_path: Path) -> Path:
    """The folder of a scan."""
    folder = tmp_path / "scans" / "x"
    folder.mkdir(parents=True)
    (folder / "lesion.nii.gz").write_bytes(nifti_bytes(mask(), AFFINE))
    (folder / "truth.json").write_text(json.dumps({"anatomy": "a", "lesion": "cyst"}))
    return folder


def test_a_lesion_lies_where_the_registration_brings_it(scan: Path) -> None:
    moved = carried(scan / "lesion.nii.gz", MATRIX)
    for voxel, value in (((5, 4, 3), 1), ((6, 4, 3), 2)):
        world = MATRIX @ AFFINE @ [*voxel, 1]
        place = np.linalg.inv(grid_affine()) @ world
        assert moved[tuple(np.floor(place[:3]).astype(int))] == value
    assert set(np.unique(moved)) == {0, 1, 2}
    assert 4 <= (moved == 1).sum() <= 12, "8 mm³, to a voxel's edge"


def done(data: dict[str, Any]) -> dict[str, Any]:
    """What the pipeline leaves of a scan."""
    hu = torch.full((1, 256, 256, 256), -1024.0)
    hu[0, 100, 100, 100] = 40.4
    meta = {"registration": {"matrix": MATRIX.tolist(), "verdict": "pass"}}
    regions = (hu > -1000).to(torch.uint8)
    return {
        **data,
        "image": MetaTensor(hu, meta=meta),
        "regions": regions,
        "validity": torch.ones_like(regions),
        "coverage": {"skull": 1.0},
    }


def test_a_registered_scan_is_kept_as_it_was_and_made_once(scan: Path, tmp_path: Path) -> None:
    target = tmp_path / "registered" / "x.zip"
    assert register(scan, target, [done]) == "pass"
    kept = load(target)
    assert (kept.name, kept.truth["lesion"], kept.coverage) == ("x", "cyst", {"skull": 1.0})
    assert kept.hu.dtype == np.int16
    assert (kept.hu[100, 100, 100], kept.hu[0, 0, 0], kept.regions[100, 100, 100]) == (40, -1024, 1)
    assert np.array_equal(kept.lesion, carried(scan / "lesion.nii.gz", MATRIX))
    assert register(scan, target, []) == "kept"
    assert target.stat().st_size < 1_000_000


def test_a_refused_scan_is_kept_as_refused(scan: Path, tmp_path: Path) -> None:
    def refuse(data: dict[str, Any]) -> dict[str, Any]:
        raise refusal("registration_failed", "The registration is wrong.")

    target = tmp_path / "x.zip"
    assert register(scan, target, [refuse]).startswith("The registration is wrong.")
    assert facts_of(target)["refused"].startswith("The registration is wrong.")
    with pytest.raises(ValueError, match=r"x.zip was refused: The registration is wrong"):
        load(target)


def test_it_is_the_pipelines_own_preprocessing_without_the_intensities(monkeypatch: pytest.MonkeyPatch) -> None:
    names = [type(transform).__name__ for transform in preprocessing()]
    assert names[0] == "LoadImaged"
    assert names[-1] == "MeasureCoveraged"
    assert {"RegisterHeadd", "FindForegroundd", "MaskBackgroundd", "MakeRegionsd"} <= set(names)
    other = {"preprocessing": {"transforms": ["@intensity", "more"]}}
    monkeypatch.setattr(register_module, "parsed_configs", lambda names: other)
    with pytest.raises(ValueError, match="must end with @to_blocks and @intensity, got @intensity, more"):
        preprocessing()
