"""The parametric map: its values, read back where a viewer puts them, are those of the heatmap there."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pydicom
import pytest

pytest.importorskip("highdicom")

from dicom_results import POSITIONS, THRESHOLD, frame_indices, make
from scipy import ndimage

from scripts.reading.slices import UNIFORM_MM


@pytest.mark.parametrize("position", POSITIONS)
def test_values_are_those_of_the_heatmap_at_the_same_place(position: str, tmp_path: Path) -> None:
    made = make(tmp_path, position)
    data = made.read("parametric_map")
    frames = data.pixel_array
    assert frames.dtype == np.float32
    exact = 0
    for index, number in frame_indices(data, made.affine):
        k = index[..., 2]
        assert np.ptp(k) < 1e-4, "source slices are parallel to those of the grid"
        np.testing.assert_allclose(index[..., :2], np.rint(index[..., :2]), atol=0.05)
        off_node_mm = abs(k.flat[0] - round(k.flat[0])) * abs(made.affine[2, 2])
        if off_node_mm <= UNIFORM_MM:
            exact += 1
            at = np.rint(index).astype(int)
            np.testing.assert_array_equal(frames[number], made.heatmap[at[..., 0], at[..., 1], at[..., 2]])
        else:
            expected = ndimage.map_coordinates(made.heatmap, np.moveaxis(index, -1, 0), order=1, mode="nearest")
            np.testing.assert_allclose(frames[number], expected, atol=1e-3)
    assert exact == len(frames) or position == "uneven"
    assert exact > 0


@pytest.mark.parametrize("position", POSITIONS)
def test_frames_lie_where_their_source_images_do(position: str, tmp_path: Path) -> None:
    data = make(tmp_path, position).read("parametric_map")
    images = [pydicom.dcmread(path, stop_before_pixels=True) for path in (tmp_path / "in").iterdir()]
    places = {str(image.SOPInstanceUID): image.ImagePositionPatient for image in images}
    assert len(data.PerFrameFunctionalGroupsSequence) == len(places)
    for groups in data.PerFrameFunctionalGroupsSequence:
        reference = groups.DerivationImageSequence[0].SourceImageSequence[0]
        where = groups.PlanePositionSequence[0].ImagePositionPatient
        np.testing.assert_allclose(where, places.pop(str(reference.ReferencedSOPInstanceUID)), atol=1e-6)
    assert places == {}, "every image once"


@pytest.mark.parametrize("position", POSITIONS)
def test_a_bleed_on_the_left_is_on_the_left(position: str, tmp_path: Path) -> None:
    made = make(tmp_path, position)
    data = made.read("parametric_map")
    frames = data.pixel_array
    inside = [(frames[number] > THRESHOLD, index) for index, number in frame_indices(data, np.diag([-1.0, -1, 1, 1]))]
    lps = np.concatenate([index[mask] for mask, index in inside])
    np.testing.assert_allclose(lps.mean(axis=0), [35, -10, 5], atol=4)
    assert (lps[:, 0] > 0).all(), "DICOM's x grows to the patient's left"


def test_units_window_and_purpose(tmp_path: Path) -> None:
    data = make(tmp_path).read("parametric_map")
    shared = data.SharedFunctionalGroupsSequence[0]
    mapping = shared.RealWorldValueMappingSequence[0]
    assert mapping.MeasurementUnitsCodeSequence[0].CodeMeaning == "no units"
    assert (mapping.RealWorldValueSlope, mapping.RealWorldValueIntercept) == (1, 0)
    window = shared.FrameVOILUTSequence[0]
    assert (window.WindowCenter, window.WindowWidth) == (THRESHOLD, 2 * THRESHOLD)
    assert window.VOILUTFunction == "LINEAR_EXACT"
    assert data.ContentQualification == "RESEARCH"
    assert "research" in data.ContentDescription
    assert data.BodyPartExamined == "HEAD"
