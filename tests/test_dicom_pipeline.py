"""The DICOM objects of a whole run: on the images that were read, with the numbers of the other results."""

from __future__ import annotations

from pathlib import Path

import nibabel as nib
import numpy as np
import pytest

pytest.importorskip("highdicom")

import pydicom
from dicom_results import frame_indices
from picture import pixels
from planted import write_planted
from report_groups import groups

from scripts.commands.main import main
from scripts.registration import verdict
from scripts.results.drawing import WARNING
from scripts.results.panels import PANEL
from scripts.results.record import verify

pytestmark = pytest.mark.xdist_group("pipeline")

NAMES = ("capture", "parametric_map", "report", "segmentation")


def test_a_bleed_on_the_left(tmp_path: Path) -> None:
    scan, words = write_planted(tmp_path / "in", "left", "RPI", "dicom")
    out = tmp_path / "out"
    assert main(["run", str(scan), "-o", str(out), "--stride", "4", "--device", "cpu", "--dicom", *words]) == 0
    result = verify(out)
    assert {f"dicom/{name}.dcm" for name in NAMES} < set(result["outputs"])
    image = nib.load(out / "heatmap.nii.gz")
    heatmap = np.asarray(image.dataobj)
    data = pydicom.dcmread(out / "dicom" / "parametric_map.dcm")
    for index, number in frame_indices(data, image.affine):
        at = np.rint(index).astype(int)
        stored = heatmap[at[..., 0], at[..., 1], at[..., 2]]  # in steps of a hundredth
        np.testing.assert_allclose(data.pixel_array[number], stored, rtol=0, atol=0.0051)
    segments = pydicom.dcmread(out / "dicom" / "segmentation.dcm")
    assert segments.SegmentSequence[0].SegmentLabel == "Left hemisphere"
    found = groups(pydicom.dcmread(out / "dicom" / "report.dcm"))
    for group, (region, score) in zip(found, result["scores"].items(), strict=False):
        assert group["Tracking Identifier"] == [region]
        assert group["numbers"]["Anomaly score of a region"] == pytest.approx(score, rel=1e-9)
        details = result["score_details"][region]
        assert group["numbers"]["Percentile Ranking of measurement"] == pytest.approx(details["percentile"])


def test_a_pose_that_cannot_be_confirmed_is_refused_unless_it_is_forced(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Result, picture and every DICOM object of a forced pose say so; the limits are raised so that no pose passes."""
    monkeypatch.setattr(verdict, "PASS_LEVEL", 1.1)
    monkeypatch.setattr(verdict, "REVIEW_LEVEL", 1.1)
    scan, more = write_planted(tmp_path / "in", "left", "LPS", "dicom")
    out = tmp_path / "out"
    words = ["run", str(scan), "-o", str(out), "--stride", "4", "--device", "cpu", "--dicom", *more]
    assert main([*words, "--accept-review"]) == 3, "what is not for review can't be accepted"
    assert "The pose can't be confirmed: the brain there matches the reference to " in capsys.readouterr().err
    assert not out.exists()
    assert main([*words, "--force"]) == 0
    result = verify(out)
    assert result["quality"]["verdict"] == "unconfirmed"
    assert "accepted" not in result["quality"]
    assert "registration_unconfirmed" in [found["code"] for found in result["findings"]]
    title = pixels((out / "overview.png").read_bytes())[:40, :PANEL].astype(int)
    assert (title == WARNING).all(axis=2).sum() > 100, "the title has the colour of a warning"
    made = {name: pydicom.dcmread(out / "dicom" / f"{name}.dcm") for name in NAMES}
    assert all(data.SeriesDescription.startswith("UNCONFIRMED POSE: ") for data in made.values())
    assert "Unconfirmed: it was refused, and a user forced a result" in made["report"].to_json()
