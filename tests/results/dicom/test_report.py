"""The structured report says the numbers of result.json, of the right place, region and side."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pydicom
import pytest
from report_groups import groups, items, name_of

pytest.importorskip("highdicom")

from dicom_results import CALIBRATION_SHA256, POSITIONS, SCORES, THRESHOLD, WEIGHTS_SHA256, Made, make, result
from highdicom import sr

from scripts.anomaly.findings import cut_finding
from scripts.results.dicom.places import ARROW

Results = Callable[[str], Made]
LIMIT, RANK, SHARE = (
    "Threshold: 95 % of healthy scans",
    "Percentile Ranking of measurement",
    "Share in the field of view",
)


@pytest.mark.parametrize("position", POSITIONS)
def test_places_then_regions_with_their_sides(position: str, made: Results) -> None:
    data = made(position).read("report")
    place, left, right = groups(data)
    name = "Anomaly 1, left frontal lobe, deep grey matter"
    assert place["Tracking Identifier"] == [f"{ARROW}:{name}"]
    assert place["Comment"] == [f"{name}: score 8.3, 14.1 ml"]
    assert left["Tracking Identifier"] == ["Left hemisphere"], "OHIF lists places only"
    assert place["numbers"] == {"Anomaly score": 8.3, "Volume": 14.1, "Long axis": 30.0, "Attenuation Coefficient": 70}
    assert (place["codes"]["Finding Site"], place["codes"]["Laterality"]) == ("Frontal lobe", "Left")
    assert place["codes"]["Finding"] == "Morphologically Abnormal Structure"
    assert left["numbers"] == {"Anomaly score": SCORES["left_hemisphere"], RANK: 97.5, LIMIT: THRESHOLD}
    assert right["numbers"] == {"Anomaly score": SCORES["right_hemisphere"], RANK: 97.5, LIMIT: THRESHOLD}
    assert (left["codes"]["Finding Site"], left["codes"]["Laterality"]) == ("Brain", "Left")
    assert (right["codes"]["Finding Site"], right["codes"]["Laterality"]) == ("Brain", "Right")
    told = [
        (name_of(item), item.ConceptCodeSequence[0].CodeMeaning) for item in items(data) if item.ValueType == "CODE"
    ]
    assert ("Whether a region was scored", "No score: the region was cut or not found") in told
    assert ("Finding Site", "Skull") in told
    assert any(meaning.startswith("Doubtful") for _, meaning in told)
    assert data.SeriesDescription.startswith("Scores L 8.2, R 1.5. ")


@pytest.mark.parametrize("position", POSITIONS)
def test_every_group_has_a_place_on_a_source_image(position: str, made: Results) -> None:
    """OHIF 3.12 shows nothing of a report with a group that has none."""
    one = made(position)
    data = one.read("report")
    images = {i.SOPInstanceUID: i for i in map(pydicom.dcmread, (one.folder.parents[1] / "in").iterdir())}
    found = [group for group in items(data) if group.ValueType == "CONTAINER" and name_of(group) == "Measurement Group"]
    assert len(found) == 3
    centres = []
    for group in found:
        line, *_ = (item for item in items(group) if item.ValueType == "SCOORD")
        (reference,) = line.ContentSequence[0].ReferencedSOPSequence
        image = images[reference.ReferencedSOPInstanceUID]
        points = np.array(line.GraphicData, dtype=float).reshape(-1, 2)
        if line.GraphicType == "POLYLINE":
            np.testing.assert_array_equal(points[0], points[-1])
            assert 8 <= len(points) <= 64
            points = points[:-1]
        across, down = np.split(np.array(image.ImageOrientationPatient, dtype=float), 2)
        rows, columns = map(float, image.PixelSpacing)
        centre = (points.min(axis=0) + points.max(axis=0)) / 2 - 0.5
        corner = np.array(image.ImagePositionPatient, dtype=float)
        centres.append(corner + centre[0] * columns * across + centre[1] * rows * down)
    place, left, right = np.array(centres) * [-1, -1, 1]
    np.testing.assert_allclose(place, [-35, 10, 5], atol=5)
    assert left[0] < 0 < right[0], "the peaks of the hemispheres"


@pytest.mark.parametrize("position", POSITIONS)
def test_the_peak_of_a_place_is_a_point_in_the_slice_of_its_outline(position: str, made: Results) -> None:
    """OHIF 3.12 lists a place if its first number is inferred from a point; a report of highdicom may be read anew."""
    data = made(position).read("report")
    (place,) = sr.Comprehensive3DSR.from_dataset(data).content.get_planar_roi_measurement_groups()
    first = next(item for item in place[0].ContentSequence if item.ValueType == "NUM")
    assert (name_of(first), float(first.MeasuredValueSequence[0].NumericValue)) == ("Anomaly score", 8.3)
    point = next(item for item in first.ContentSequence if item.ValueType == "SCOORD")
    region = place.roi
    assert point.GraphicType == "POINT"
    assert point.ContentSequence[0].ReferencedSOPSequence == region.ContentSequence[0].ReferencedSOPSequence
    outline = np.array(region.GraphicData).reshape(-1, 2)
    assert (outline.min(axis=0) <= point.GraphicData).all()
    assert (outline.max(axis=0) >= point.GraphicData).all()
    segment = made(position).read("segmentation").SegmentSequence[0]
    assert (segment.TrackingID, segment.TrackingUID) == (place.tracking_identifier, place.tracking_uid)
    assert segment.SegmentLabel == "Anomaly 1, left frontal lobe, deep grey matter"


def test_it_begins_with_sentences(made: Results) -> None:
    data = made("plain").read("report")
    said = [(name_of(item), str(item.TextValue)) for item in data.ContentSequence if item.ValueType == "TEXT"]
    said = [pair for pair in said if not pair[0].startswith("Device")]
    assert said == [
        ("Summary", "Left hemisphere 8.2, threshold 5.0; Right hemisphere 1.5, threshold 5.0; Skull without a score. "
         "Brain, 1 place above the threshold."),
        ("Comment", "For research use only, not a medical device."),
        ("Comment", "Slices are up to 5.0 mm thick."),
    ]  # fmt: skip
    order = [name_of(item) for item in data.ContentSequence]
    assert order.index("Summary") < order.index("Imaging Measurements") < order.index("Qualitative Evaluations")
    assert (data.CompletionFlag, data.VerificationFlag, data.PreliminaryFlag) == (
        "COMPLETE",
        "UNVERIFIED",
        "PRELIMINARY",
    )


def test_a_cut_region_has_its_coverage_and_a_comment(tmp_path: Path) -> None:
    shares = {"left_hemisphere": 0.917, "right_hemisphere": 1.0, "skull": 0.44}
    details = {name: {**numbers, "coverage": shares[name]} for name, numbers in result()["score_details"].items()}
    cut = [cut_finding(name, shares[name]) for name in ("left_hemisphere", "skull")]
    data = make(tmp_path, score_details=details, findings=cut, detections=[]).read("report")
    left, right = groups(data)
    assert [group["numbers"][SHARE] for group in (left, right)] == [91.7, 100.0]
    assert any("weights_sha256" in text for text in left["Algorithm Parameters"]), "the first group has them"
    said = [str(item.TextValue) for item in data.ContentSequence if name_of(item) == "Comment"]
    assert said[1].startswith("The field of view holds 92 % of the left hemisphere: the score is of what is in view.")
    assert said[2].startswith("The field of view holds 44 % of the skull: no score.")


def test_a_report_without_any_score_is_made(tmp_path: Path) -> None:
    data = make(tmp_path, scores=dict.fromkeys(SCORES), detections=[]).read("report")
    (only,) = groups(data)
    assert only["numbers"] == {}
    assert only["codes"]["Whether a region was scored"].startswith("No score")
    assert data.SeriesDescription.startswith("No scores. ")


def test_what_made_the_numbers_and_of_what(made: Results) -> None:
    one = made("plain")
    data = one.read("report")
    place, left, _ = groups(data)
    assert (place["Algorithm Name"], place["Algorithm Version"]) == (["head_ct_position_anomaly"], ["0.2.0"])
    assert f"weights_sha256 = {WEIGHTS_SHA256}" in place["Algorithm Parameters"]
    assert "Algorithm Parameters" not in left, "they stand there once"
    images = {pydicom.dcmread(path).SOPInstanceUID for path in (one.folder.parents[1] / "in").iterdir()}
    evidence = {
        reference.ReferencedSOPInstanceUID
        for study in data.CurrentRequestedProcedureEvidenceSequence
        for series in study.ReferencedSeriesSequence
        for reference in series.ReferencedSOPSequence
    }
    assert evidence == images
    uids = {str(item.UID) for item in items(data) if item.ValueType == "UIDREF"}
    assert one.read("segmentation").SegmentSequence[0].TrackingUID in uids
    procedure = next(item for item in data.ContentSequence if name_of(item) == "Procedure reported")
    assert procedure.ConceptCodeSequence[0].CodeMeaning == "CT Head"


def test_a_report_names_the_alpha_that_was_set(tmp_path: Path) -> None:
    one = make(tmp_path, settings={"score": "maximum", "alpha": 0.01, "stride": 4})
    _, left, _ = groups(one.read("report"))
    limit, rate = "Threshold: 1 - alpha of healthy scans", "Alpha: share of the healthy scores above the threshold"
    assert left["numbers"][limit] == THRESHOLD
    assert left["numbers"][rate] == 1
    assert LIMIT not in left["numbers"]


@pytest.mark.parametrize("calibration", [CALIBRATION_SHA256, ""])
def test_a_report_names_the_calibration_if_there_is_one(calibration: str, tmp_path: Path) -> None:
    place, *_ = groups(make(tmp_path, calibration_sha256=calibration).read("report"))
    named = [text for text in place["Algorithm Parameters"] if text.startswith("calibration")]
    assert named == ([f"calibration_sha256 = {calibration}"] if calibration else [])
