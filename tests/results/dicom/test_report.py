"""The structured report says the numbers of result.json, of the right region and side."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pydicom
import pytest
from report_groups import groups, name_of

pytest.importorskip("highdicom")

from dicom_results import POSITIONS, SCORES, THRESHOLD, WEIGHTS_SHA256, make, result

from scripts.anomaly.transforms import cut_finding
from scripts.results.dicom.report import volume_ml
from scripts.results.dicom.source import read_source


@pytest.mark.parametrize("position", POSITIONS)
def test_scores_percentiles_and_sides(position: str, tmp_path: Path) -> None:
    data = make(tmp_path, position).read("report")
    left, right, skull, segment, quality = groups(data)
    expected = {"Percentile Ranking of measurement": 97.5, "Score that 95 % of healthy scans do not exceed": THRESHOLD}
    assert left["numbers"] == {"Anomaly score of a region": SCORES["left_hemisphere"], **expected}
    assert right["numbers"] == {"Anomaly score of a region": SCORES["right_hemisphere"], **expected}
    assert (left["codes"]["Finding Site"], left["codes"]["Laterality"]) == ("Brain", "Left")
    assert (right["codes"]["Finding Site"], right["codes"]["Laterality"]) == ("Brain", "Right")
    assert (skull["codes"]["Finding Site"], skull["numbers"]) == ("Skull", {})
    assert skull["codes"]["Whether a region was scored"].startswith("No score")
    assert (segment["codes"]["Laterality"], segment["codes"]["Finding"]) == ("Left", "Anomaly of position")
    assert segment["numbers"]["Volume"] == pytest.approx(4 / 3 * np.pi * 1.5**3, rel=0.1)
    assert quality["codes"]["Verdict on the alignment with the reference head"].startswith("Doubtful")


def test_a_cut_region_has_its_coverage_and_a_comment(tmp_path: Path) -> None:
    shares = {"left_hemisphere": 0.917, "right_hemisphere": 1.0, "skull": 0.44}
    details = {name: {**numbers, "coverage": shares[name]} for name, numbers in result()["score_details"].items()}
    cut = [cut_finding(name, shares[name]) for name in ("left_hemisphere", "skull")]
    data = make(tmp_path, score_details=details, findings=cut).read("report")
    left, right, skull, *_ = groups(data)
    name = "Share of a region in the field of view"
    assert [group["numbers"][name] for group in (left, right, skull)] == [91.7, 100.0, 44.0]
    assert left["numbers"]["Anomaly score of a region"] == SCORES["left_hemisphere"]
    assert skull["numbers"] == {name: 44.0}
    said = [str(item.TextValue) for item in data.ContentSequence if name_of(item) == "Comment"]
    assert said[1].startswith("The field of view holds 92 % of the left hemisphere: the score is of what is in view.")
    assert said[2].startswith("The field of view holds 44 % of the skull: no score.")


def test_what_made_the_numbers_and_of_what(tmp_path: Path) -> None:
    made = make(tmp_path)
    data, segments = made.read("report"), made.read("segmentation")
    left, _, _, segment, _ = groups(data)
    assert left["Algorithm Name"] == ["head_ct_position_anomaly"]
    assert left["Algorithm Version"] == ["0.2.0"]
    assert f"weights_sha256 = {WEIGHTS_SHA256}" in left["Algorithm Parameters"]
    images = {pydicom.dcmread(path).SOPInstanceUID for path in (tmp_path / "in").iterdir()}
    evidence = {
        reference.ReferencedSOPInstanceUID
        for study in data.CurrentRequestedProcedureEvidenceSequence
        for series in study.ReferencedSeriesSequence
        for reference in series.ReferencedSOPSequence
    }
    assert evidence == images | {segments.SOPInstanceUID}
    peak = pydicom.dcmread(
        next(p for p in (tmp_path / "in").iterdir()
             if pydicom.dcmread(p).SOPInstanceUID == left["Source of Measurement"].ReferencedSOPInstanceUID)
    )  # fmt: skip
    assert abs(peak.ImagePositionPatient[2] - 5) < 15
    assert segment["Referenced Segment"].ReferencedSOPInstanceUID == segments.SOPInstanceUID


def test_research_and_every_flag_are_comments(tmp_path: Path) -> None:
    data = make(tmp_path).read("report")
    said = [str(item.TextValue) for item in data.ContentSequence if name_of(item) == "Comment"]
    assert said == ["For research use only, not a medical device.", "Slices are up to 5.0 mm thick."]
    assert (data.CompletionFlag, data.VerificationFlag, data.PreliminaryFlag) == (
        "COMPLETE",
        "UNVERIFIED",
        "PRELIMINARY",
    )


def test_volume_counts_each_slice_as_thick_as_it_is(tmp_path: Path) -> None:
    make(tmp_path, "two spacings")
    source = read_source(tmp_path / "in")
    mask = np.zeros((len(source.images), 43, 40), bool)
    mask[10, :2, :5] = True
    thin = volume_ml(source, mask)
    assert thin == pytest.approx(10 * 4.4 * 4.6 * 1.25 / 1000, abs=1e-3)
    assert volume_ml(source, np.roll(mask, 40, axis=0)) == pytest.approx(2.5 * thin, abs=2e-3)
