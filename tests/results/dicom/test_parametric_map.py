"""The parametric map: its scores, read back where a viewer puts them, are those of the heatmap there."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pydicom
import pytest

pytest.importorskip("highdicom")

from dicom_results import POSITIONS, THRESHOLD, Made, frame_indices, make
from pydicom.uid import DeflatedExplicitVRLittleEndian
from scipy import ndimage

from scripts.reading.slices import UNIFORM_MM
from scripts.results.dicom.parametric_map import LEAST, STEP, TOP, mappings, stored

Results = Callable[[str], Made]
ROUNDING = STEP * (TOP - LEAST) * THRESHOLD
SHEARED = ("tilted", "feet first, tilted")
RESAMPLED = (*SHEARED, "two spacings", "uneven")


def scores(data: pydicom.Dataset) -> np.ndarray:
    """The scores of a map by its first mapping, which holds above 0; 0 elsewhere."""
    mapping = data.SharedFunctionalGroupsSequence[0].RealWorldValueMappingSequence[0]
    values = data.pixel_array.astype(float)
    assert values.min() >= 0
    return np.where(values > 0, values * mapping.RealWorldValueSlope + mapping.RealWorldValueIntercept, 0)


@pytest.mark.parametrize("position", POSITIONS)
def test_scores_are_those_of_the_heatmap_at_the_same_place(position: str, made: Results) -> None:
    one = made(position)
    data = one.read("parametric_map")
    frames, exact = scores(data), 0
    for index, number in frame_indices(data, one.affine):
        k = index[..., 2]
        assert np.ptp(k) < 1e-4, "source slices are parallel to those of the grid"
        np.testing.assert_allclose(index[..., :2], np.rint(index[..., :2]), atol=0.05)
        if abs(k.flat[0] - round(k.flat[0])) * abs(one.affine[2, 2]) <= UNIFORM_MM:
            exact += 1
            at = np.rint(index).astype(int)
            expected = one.heatmap[at[..., 0], at[..., 1], at[..., 2]]
        else:
            expected = ndimage.map_coordinates(one.heatmap, np.moveaxis(index, -1, 0), order=1, mode="nearest")
        clear = expected > LEAST * THRESHOLD + ROUNDING
        np.testing.assert_allclose(frames[number][clear], expected[clear], atol=ROUNDING)
        assert not frames[number][expected < LEAST * THRESHOLD].any(), "healthy tissue and air are exactly 0"
    assert exact == len(frames) or position == "uneven"
    assert exact > 0
    assert (frames > THRESHOLD).any()


@pytest.mark.parametrize("position", POSITIONS)
def test_frames_lie_where_their_source_images_do_and_are_sorted(position: str, made: Results) -> None:
    one = made(position)
    data = one.read("parametric_map")
    images = [pydicom.dcmread(path, stop_before_pixels=True) for path in (one.folder.parents[1] / "in").iterdir()]
    places = {str(image.SOPInstanceUID): image.ImagePositionPatient for image in images}
    assert (data.Rows, data.Columns, data.NumberOfFrames) == (images[0].Rows, images[0].Columns, len(images))
    across, down = np.split(np.array(images[0].ImageOrientationPatient, dtype=float), 2)
    heights = []
    for groups in data.PerFrameFunctionalGroupsSequence:
        reference = groups.DerivationImageSequence[0].SourceImageSequence[0]
        where = groups.PlanePositionSequence[0].ImagePositionPatient
        np.testing.assert_allclose(where, places.pop(str(reference.ReferencedSOPInstanceUID)), atol=1e-6)
        heights.append(np.array(where, dtype=float) @ np.cross(across, down))
    assert places == {}, "every image once"
    assert heights == sorted(heights), "OHIF and dcmqi take frames in their order"


@pytest.mark.parametrize("position", POSITIONS)
def test_a_bleed_on_the_left_is_on_the_left(position: str, made: Results) -> None:
    for name in ("parametric_map", *(["parametric_map_even"] if position in RESAMPLED else [])):
        data = made(position).read(name)
        frames = scores(data)
        found = frame_indices(data, np.diag([-1.0, -1, 1, 1]))
        lps = np.concatenate([index[frames[number] > THRESHOLD] for index, number in found])
        np.testing.assert_allclose(lps.mean(axis=0), [35, -10, 5], atol=4)
        assert (lps[:, 0] > 0).all(), "DICOM's x grows to the patient's left"


@pytest.mark.parametrize("position", POSITIONS)
def test_a_resampled_scan_has_a_map_on_an_orthogonal_grid_of_even_spacing(position: str, made: Results) -> None:
    one = made(position)
    assert (one.folder / "parametric_map_even.dcm").exists() == (position in RESAMPLED)
    if position not in RESAMPLED:
        return
    data = one.read("parametric_map_even")
    shared = data.SharedFunctionalGroupsSequence[0]
    across, down = np.split(np.array(shared.PlaneOrientationSequence[0].ImageOrientationPatient, dtype=float), 2)
    groups = data.PerFrameFunctionalGroupsSequence
    corners = np.array([g.PlanePositionSequence[0].ImagePositionPatient for g in groups], dtype=float)
    steps = np.diff(corners, axis=0)
    between = float(shared.PixelMeasuresSequence[0].SpacingBetweenSlices)
    np.testing.assert_allclose(steps, np.cross(across, down) * between + 0 * steps, atol=1e-6)
    frames, checked = scores(data), 0
    for index, number in frame_indices(data, one.affine):
        expected = ndimage.map_coordinates(one.heatmap, np.moveaxis(index, -1, 0), order=1, mode="constant")
        clear = (expected > LEAST * THRESHOLD + ROUNDING) & (index[..., 2] > 1)
        np.testing.assert_allclose(frames[number][clear], expected[clear], atol=ROUNDING + 1e-2)
        checked += int(clear.sum())
    assert checked > 100
    assert frames[:, 1:-1, 1:-1].any(axis=(1, 2)).sum() >= len(frames) - 2, "it is cut to what is not 0"


def test_what_viewers_need(made: Results) -> None:
    data = made("plain").read("parametric_map")
    shared = data.SharedFunctionalGroupsSequence[0]
    score, times = shared.RealWorldValueMappingSequence
    assert score.MeasurementUnitsCodeSequence[0].CodeValue == "{score}"
    assert times.MeasurementUnitsCodeSequence[0].CodeMeaning == "times the threshold"
    assert (score.RealWorldValueSlope, score.RealWorldValueIntercept) == (2 * THRESHOLD, THRESHOLD / 2)
    assert (times.RealWorldValueSlope, times.RealWorldValueIntercept) == (2, 0.5)
    assert 0 < score.DoubleFloatRealWorldValueFirstValueMapped < score.DoubleFloatRealWorldValueLastValueMapped
    window = shared.FrameVOILUTSequence[0]
    assert (window.WindowCenter, window.WindowWidth, window.VOILUTFunction) == (0.5, 1, "LINEAR_EXACT")
    assert shared.FrameAnatomySequence[0].AnatomicRegionSequence[0].CodeMeaning == "Head", "dcmqi ends without it"
    assert data.pixel_array.dtype == np.float32, "dcmqi takes nothing else"
    assert data.file_meta.TransferSyntaxUID == DeflatedExplicitVRLittleEndian
    assert (data.ContentQualification, data.BodyPartExamined) == ("RESEARCH", "HEAD")
    assert "research" in data.ContentDescription


def test_stored_values_have_a_meaning_on_the_scale_from_0_to_1() -> None:
    times = np.array([0, 0.4, 0.5, 1, 2.5, 9], np.float32)
    np.testing.assert_allclose(stored(times, known=True), [0, 0, 0, 0.25, 1, 4.25])
    np.testing.assert_allclose(stored(np.array([0, 0.25, 1], np.float32), known=False), [0, 0.25, 1])


def test_without_a_threshold_the_maximum_is_1(tmp_path: Path) -> None:
    details = {name: {"threshold": None} for name in ("left_hemisphere", "right_hemisphere", "skull")}
    one = make(tmp_path, score_details=details, map="error", settings={"score": "maximum"})
    data = one.read("parametric_map")
    assert data.pixel_array.max() == 1
    (mapping,) = data.SharedFunctionalGroupsSequence[0].RealWorldValueMappingSequence
    assert mapping.RealWorldValueSlope == pytest.approx(float(one.heatmap.max()))
    assert mapping.MeasurementUnitsCodeSequence[0].CodeValue == "mm"
    assert data.SeriesDescription.startswith("Position error map. ")
    assert not (one.folder / "segmentation.dcm").exists()


def test_an_empty_map_has_a_range() -> None:
    (mapping,) = mappings("error", 0.0, None, 1.0)
    assert mapping.DoubleFloatRealWorldValueFirstValueMapped < mapping.DoubleFloatRealWorldValueLastValueMapped
