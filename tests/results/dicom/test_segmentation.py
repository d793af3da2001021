"""The segmentation is the detections, or the regions above their thresholds, with names, anatomy, sides and colours."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("highdicom")

from dicom_results import POSITIONS, THRESHOLD, Made, frame_indices, make, result

Results = Callable[[str], Made]


@pytest.mark.parametrize("position", [name for name in POSITIONS if name != "uneven"])
def test_a_segment_is_the_detection(position: str, made: Results) -> None:
    one = made(position)
    data = one.read("segmentation")
    assert [segment.SegmentLabel for segment in data.SegmentSequence] == [
        "Anomaly 1, left frontal lobe, deep grey matter"
    ]
    map_frames = frame_indices(one.read("parametric_map"), one.affine)
    slices = [round(float(index[0, 0, 2])) for index, _ in map_frames]
    found = np.zeros_like(one.detections)
    for index, number in frame_indices(data, one.affine):
        at = np.rint(index).astype(int)
        found[at[..., 0], at[..., 1], at[..., 2]] = data.pixel_array[number]
    np.testing.assert_array_equal(found[..., slices], one.detections[..., slices])
    assert found.sum() > 100


@pytest.mark.parametrize("position", ["tilted", "two spacings"])
def test_a_resampled_scan_has_segments_on_an_even_grid(position: str, made: Results) -> None:
    data = made(position).read("segmentation_even")
    frames = frame_indices(data, np.diag([-1.0, -1, 1, 1]))
    heights = [float(index[0, 0] @ normal_of(data)) for index, _ in frames]
    steps = np.abs(np.diff(sorted(heights)))
    np.testing.assert_allclose(steps, steps[0], atol=1e-5)
    inside = np.concatenate([index[data.pixel_array[number] > 0] for index, number in frames])
    np.testing.assert_allclose(inside.mean(axis=0), [35, -10, 5], atol=1.5)
    pixel = data.SharedFunctionalGroupsSequence[0].PixelMeasuresSequence[0]
    voxel_ml = float(np.prod([*map(float, pixel.PixelSpacing), steps[0]])) / 1000
    assert len(inside) * voxel_ml == pytest.approx(4 / 3 * np.pi * 1.5**3, rel=0.1)


def normal_of(data: object) -> np.ndarray:
    orientation = data.SharedFunctionalGroupsSequence[0].PlaneOrientationSequence[0].ImageOrientationPatient
    across, down = np.split(np.array(orientation, dtype=float), 2)
    return np.cross(across, down)


def test_regions_have_names_anatomy_sides_and_colours(tmp_path: Path) -> None:
    details = {name: {"raw_maximum": 1.4, "threshold": 1.2} for name in result()["score_details"]}
    data = make(tmp_path, map="error", score_details=details).read("segmentation")
    coded = {}
    for segment in data.SegmentSequence:
        site = segment.AnatomicRegionSequence[0]
        side = site.get("AnatomicRegionModifierSequence")
        coded[segment.SegmentLabel] = (site.CodeValue, side[0].CodeMeaning if side else None)
    assert coded == {
        "Anomaly, left hemisphere": ("12738006", "Left"),
        "Anomaly, right hemisphere": ("12738006", "Right"),
        "Anomaly, skull": ("89546000", None),
    }
    assert data.SegmentSequence[0].SegmentAlgorithmType == "AUTOMATIC"
    colours = [tuple(segment.RecommendedDisplayCIELabValue) for segment in data.SegmentSequence]
    assert len(set(colours)) == 3
    assert "research" in data.ContentDescription
    assert data.SeriesDescription.startswith("3 anomalies, segmented. ")


def test_a_detection_has_its_own_anatomy(made: Results) -> None:
    (segment,) = made("plain").read("segmentation").SegmentSequence
    (site,) = segment.AnatomicRegionSequence
    assert (site.CodeMeaning, site.AnatomicRegionModifierSequence[0].CodeMeaning) == ("Frontal lobe", "Left")


def test_without_a_detection_there_is_none(tmp_path: Path) -> None:
    one = make(
        tmp_path, score_details={n: {**v, "threshold": 1e9} for n, v in result()["score_details"].items()}, map="error"
    )
    assert THRESHOLD < 1e9
    assert not (one.folder / "segmentation.dcm").exists()
