"""The DICOM objects of a whole run: on the images that were read, with the numbers of the other results."""

from __future__ import annotations

import nibabel as nib
import numpy as np
import pytest

pytest.importorskip("highdicom")

import pydicom
from dicom_results import frame_indices
from pipeline_runs import OTHER_SYSTEM, Run
from report_groups import groups

from scripts.results.record import verify

pytestmark = pytest.mark.xdist_group("pipeline")

NAMES = ("capture", "parametric_map", "report", "segmentation", "slice_001")


def test_maps_and_report_say_what_the_other_results_do(runs: Run) -> None:
    out, side = runs(*OTHER_SYSTEM), OTHER_SYSTEM[0]
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
