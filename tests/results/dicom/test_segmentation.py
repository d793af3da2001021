"""The segmentation is the heatmap above the threshold, region by region, with the side that the region is on."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("highdicom")

from dicom_results import POSITIONS, THRESHOLD, frame_indices, make, result


@pytest.mark.parametrize("position", [name for name in POSITIONS if name != "uneven"])
def test_a_segment_is_what_exceeds_the_threshold_in_its_region(position: str, tmp_path: Path) -> None:
    made = make(tmp_path, position)
    data = made.read("segmentation")
    assert [segment.SegmentLabel for segment in data.SegmentSequence] == ["Left hemisphere"]
    map_frames = frame_indices(made.read("parametric_map"), made.affine)
    slices = [round(float(index[0, 0, 2])) for index, _ in map_frames]
    expected = (made.heatmap > THRESHOLD) & (made.regions == 1)
    found = np.zeros_like(expected)
    for index, number in frame_indices(data, made.affine):
        at = np.rint(index).astype(int)
        found[at[..., 0], at[..., 1], at[..., 2]] = data.pixel_array[number]
    np.testing.assert_array_equal(found[..., slices], expected[..., slices])
    assert found.sum() > 100


def test_anatomy_and_side_are_coded(tmp_path: Path) -> None:
    details = result()["score_details"]
    details["left_hemisphere"]["threshold"] = details["right_hemisphere"]["threshold"] = 1.1
    details["skull"] |= {"calibrated_maximum": 1.4, "threshold": 1.2}
    data = make(tmp_path, score_details=details).read("segmentation")
    coded = {}
    for segment in data.SegmentSequence:
        site = segment.AnatomicRegionSequence[0]
        side = site.get("AnatomicRegionModifierSequence")
        coded[segment.SegmentLabel] = (site.CodeValue, side[0].CodeMeaning if side else None)
    assert coded == {
        "Left hemisphere": ("12738006", "Left"),
        "Right hemisphere": ("12738006", "Right"),
        "Skull": ("89546000", None),
    }
    assert data.SegmentSequence[0].SegmentAlgorithmType == "AUTOMATIC"
    assert "threshold=1.1" in data.SegmentSequence[0].SegmentationAlgorithmIdentificationSequence[0].AlgorithmParameters
    assert "research" in data.ContentDescription
