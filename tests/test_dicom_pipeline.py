"""The DICOM objects of a whole run: on the images that were read, with the numbers of the other results."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import nibabel as nib
import numpy as np
import pytest

pytest.importorskip("highdicom")

import pydicom
from dicom_results import frame_indices
from picture import pixels
from pipeline_runs import OBJECTS, Run
from planted import write_planted
from report_groups import groups

from scripts.commands.main import main
from scripts.registration import transforms, verdict
from scripts.results.drawing import WARNING
from scripts.results.panels import PANEL
from scripts.results.record import verify

pytestmark = pytest.mark.xdist_group("pipeline")

NAMES = ("capture", "parametric_map", "report", "segmentation", "slice_001")


def test_maps_and_report_say_what_the_other_results_do(runs: Run) -> None:
    out, side = runs(*OBJECTS), OBJECTS[0]
    result = verify(out)
    assert {f"dicom/{name}.dcm" for name in NAMES} < set(result["outputs"])
    image = nib.load(out / "heatmap.nii.gz")
    heatmap = np.asarray(image.dataobj)
    data = pydicom.dcmread(out / "dicom" / "parametric_map.dcm")
    regions = np.asarray(nib.load(out / "regions.nii.gz").dataobj)
    mapping = data.SharedFunctionalGroupsSequence[0].RealWorldValueMappingSequence[0]
    slope, intercept = float(mapping.RealWorldValueSlope), float(mapping.RealWorldValueIntercept)
    for index, number in frame_indices(data, image.affine):
        at = np.rint(index).astype(int)
        stored = heatmap[at[..., 0], at[..., 1], at[..., 2]]  # in steps of a hundredth
        brain = np.isin(regions[at[..., 0], at[..., 1], at[..., 2]], (1, 2))
        shown = data.pixel_array[number]
        high = brain & (stored > intercept + 0.02)
        np.testing.assert_allclose(shown[high] * slope + intercept, stored[high], rtol=0, atol=0.0051 + slope / 2048)
        assert not shown[brain & (stored < intercept - 0.02)].any()
    segments = pydicom.dcmread(out / "dicom" / "segmentation.dcm")
    rows = result["detections"]
    assert segments.SegmentSequence[0].SegmentLabel == f"Anomaly 1, {side} {rows[0]['name']}"
    found = {group["Tracking Identifier"][0]: group for group in groups(pydicom.dcmread(out / "dicom" / "report.dcm"))}
    assert next(iter(found)) == segments.SegmentSequence[0].TrackingID
    for region, score in result["scores"].items():
        numbers, details = found[region.replace("_", " ").capitalize()]["numbers"], result["score_details"][region]
        assert numbers["Anomaly score"] == pytest.approx(score, abs=0.0051)
        assert numbers["Percentile Ranking of measurement"] == pytest.approx(details["percentile"], abs=0.0051)


def once(work: Callable[..., Any]) -> Callable[..., Any]:
    """A function that gives what `work` gives the first time, whatever the arguments."""
    found: list[Any] = []

    def first(*args: Any) -> Any:
        if not found:
            found.append(work(*args))
        return found[0]

    return first


def test_a_pose_that_cannot_be_confirmed_is_refused_unless_it_is_forced(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Result, picture and every DICOM object of a forced pose say so; the limits are raised so that no pose passes.

    Registration takes every way that it has then; the second run is given what the first one found.
    """
    monkeypatch.setattr(transforms, "register", once(transforms.register))
    monkeypatch.setattr(verdict, "PASS_LEVEL", 1.1)
    monkeypatch.setattr(verdict, "REVIEW_LEVEL", 1.1)
    scan, more = write_planted(tmp_path / "in", "left", "LPS", "dicom")
    out = tmp_path / "out"
    words = ["run", str(scan), "-o", str(out), "--stride", "4", "--device", "cpu", "--dicom", "--no-report", *more]
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
