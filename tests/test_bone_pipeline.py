"""Whole runs of studies with a bone series: what it serves, and what of the result says so."""

from __future__ import annotations

from pathlib import Path

import nibabel as nib
import numpy as np
import pytest
from bone_study import sharp_head, write_bone, write_soft
from pipeline_runs import STRIDE
from planted import planted

from scripts.assets import asset
from scripts.calibration.runner import Recipe, parsed_config
from scripts.calibration.scans import prepared, skull_of
from scripts.commands.main import main
from scripts.files.fingerprints import Source
from scripts.findings import InputRefused
from scripts.results.record import verify
from scripts.skull.assessment import assess
from scripts.skull.files import read_calibration
from scripts.skull.measure import measure

pytestmark = pytest.mark.xdist_group("pipeline")  # where the reference and the networks are read once

BONE = "a"


@pytest.fixture(scope="module")
def study(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A study of a soft and a bone series; the latter is in a folder of its own, `BONE`."""
    folder = tmp_path_factory.mktemp("study")
    write_soft(folder / "z")
    write_bone(folder / BONE)
    return folder


def test_the_skull_is_judged_in_the_bone_series_and_the_brain_in_the_soft_one(study: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    assert main(["run", str(study), "-o", str(out), "--stride", STRIDE, "--device", "cpu", "--no-report"]) == 0
    result = verify(out)
    assert {what: facts["slices"] for what, facts in result["input"].items()} == {"brain": 118, "skull": 229}
    assert result["input"]["skull"]["spacing_mm"] == 1
    assert not {"bone_kernel", "bone_series_unused"} & {found["code"] for found in result["findings"]}
    assert result["scores"]["left_hemisphere"] > 5 * result["scores"]["right_hemisphere"], "the bleed of the soft one"
    skull = result["score_details"]["skull"]
    assert skull["skull_percentile"] > 90
    hu, affine = planted("left")
    matrix = np.array(result["registration"]["matrix"])
    blind = assess(hu, affine, matrix, read_calibration(asset("models/skull_normative.npz"))).numbers
    assert skull["skull_score"] > blind["skull_score"] + 3, "the soft series does not show the fracture"
    assert nib.load(out / "heatmap.nii.gz").shape == hu.shape


def test_a_bone_kernel_alone_gives_a_score_of_the_skull_and_none_of_the_hemispheres(
    study: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    scan, out = study / BONE, tmp_path / "out"
    assert main(["run", str(scan), "-o", str(out), "--stride", STRIDE, "--device", "cpu", "--no-report"]) == 0
    assert capsys.readouterr().err == ""
    result = verify(out)
    assert result["quality"]["verdict"] == "pass"
    assert (result["input"]["brain"], result["input"]["skull"]["series"]) == (None, 1)
    assert "bone_kernel" in [found["code"] for found in result["findings"]]
    scores, details = result["scores"], result["score_details"]
    assert (scores["left_hemisphere"], scores["right_hemisphere"]) == (None, None)
    assert scores["skull"] is not None
    assert details["skull"]["skull_percentile"] > 90, "the fracture"
    judged = {name for name, value in details["left_hemisphere"].items() if value is not None}
    assert judged == {"voxels", "coverage"}
    heatmap, error_map, regions = (
        np.asarray(nib.load(out / f"{name}.nii.gz").dataobj) for name in ("heatmap", "error_map", "regions")
    )
    deep = (regions == 1) | (regions == 2)
    assert deep.any()
    assert (heatmap[deep] == 0).mean() > 0.8, "but for the interpolation at the border"
    assert (error_map[deep] == 0).mean() > 0.8
    assert heatmap[regions == 3].max() > 0


def test_calibration_measures_the_skull_in_the_series_in_which_a_run_judges_it(study: Path, tmp_path: Path) -> None:
    config = parsed_config(Recipe(tmp_path / "model.pt", 4))
    reading = config.get_parsed_content("preprocessing").transforms[:3]
    data = prepared(Source("a", "a", study), reading)
    assert data["image"].shape[1:] == planted("left")[0].shape, "the brain is learnt from the soft series"
    data["image"].meta["registration"] = {"matrix": np.eye(4)}
    usual_mm = read_calibration(asset("models/skull_normative.npz")).usual_mm
    skull, expected = skull_of(data, usual_mm), measure(*sharp_head(), np.eye(4), usual_mm)
    assert skull is not None
    assert (skull.thick, expected.thick) == (False, False)
    for name, found in skull.maps.items():
        np.testing.assert_allclose(found, expected.maps[name].astype(np.float16), atol=0.02)


def test_a_bone_series_alone_is_no_healthy_scan(study: Path, tmp_path: Path) -> None:
    reading = parsed_config(Recipe(tmp_path / "model.pt", 4)).get_parsed_content("preprocessing").transforms[:1]
    with pytest.raises(InputRefused, match="bone_kernel"):
        prepared(Source("a", "a", study / BONE), reading)
