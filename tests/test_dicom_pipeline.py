"""The DICOM objects of a whole run: on the images that were read, with the numbers of the other results."""

from __future__ import annotations

from pathlib import Path

import nibabel as nib
import numpy as np
import pytest

pytest.importorskip("highdicom")

import pydicom
from dicom_results import frame_indices
from planted import write_planted
from report_groups import groups

from scripts.commands.main import main
from scripts.results.record import verify

pytestmark = pytest.mark.xdist_group("pipeline")


def test_a_bleed_on_the_left(tmp_path: Path) -> None:
    scan, words = write_planted(tmp_path / "in", "left", "RPI", "dicom")
    out = tmp_path / "out"
    assert main(["run", str(scan), "-o", str(out), "--stride", "4", "--device", "cpu", "--dicom", *words]) == 0
    result = verify(out)
    names = {"capture", "parametric_map", "report", "segmentation"}
    assert {f"dicom/{name}.dcm" for name in names} < set(result["outputs"])
    image = nib.load(out / "heatmap.nii.gz")
    heatmap = np.asarray(image.dataobj)
    data = pydicom.dcmread(out / "dicom" / "parametric_map.dcm")
    for index, number in frame_indices(data, image.affine):
        at = np.rint(index).astype(int)
        np.testing.assert_array_equal(data.pixel_array[number], heatmap[at[..., 0], at[..., 1], at[..., 2]])
    segments = pydicom.dcmread(out / "dicom" / "segmentation.dcm")
    assert segments.SegmentSequence[0].SegmentLabel == "Left hemisphere"
    found = groups(pydicom.dcmread(out / "dicom" / "report.dcm"))
    for group, (region, score) in zip(found, result["scores"].items(), strict=False):
        assert group["Tracking Identifier"] == [region]
        assert group["numbers"]["Anomaly score of a region"] == pytest.approx(score, rel=1e-9)
        details = result["score_details"][region]
        assert group["numbers"]["Percentile Ranking of measurement"] == pytest.approx(details["percentile"])
