"""Marked slices lie where their source images do, look like them, and say what they are."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pydicom
import pytest

pytest.importorskip("highdicom")

from dicom_results import Made, make_of, result
from dicom_series import write_series
from pydicom.config import IGNORE
from pydicom.dataelem import DataElement
from pydicom.dataset import Dataset

from scripts.results.dicom.marked_slices import marked_slice
from scripts.results.dicom.slices import lines
from scripts.results.overlay import CONTOURS

Results = Callable[[str], Made]
ORANGE = np.array(CONTOURS[0][1])


@pytest.mark.parametrize("position", ["plain", "tilted"])
def test_a_slice_lies_where_its_source_does_and_refers_to_it(position: str, made: Results) -> None:
    one = made(position)
    data = one.read("slice_002")
    images = {i.SOPInstanceUID: i for i in map(pydicom.dcmread, (one.folder.parents[1] / "in").iterdir())}
    (reference,) = data.SourceImageSequence
    source = images[reference.ReferencedSOPInstanceUID]
    for name in ("ImagePositionPatient", "ImageOrientationPatient", "PixelSpacing", "Rows", "Columns"):
        assert data[name].value == source[name].value
    assert (data.InstanceNumber, data.SeriesNumber) == (2, 9006)
    assert data.SeriesInstanceUID == one.read("slice_001").SeriesInstanceUID
    assert data.SOPInstanceUID != one.read("slice_001").SOPInstanceUID
    assert data.SeriesDescription.startswith("Marked slices, 1 anomaly. For research use only")
    assert (data.BurnedInAnnotation, data.pixel_array.shape) == ("NO", (source.Rows, source.Columns, 3))
    assert "research" in data.ImageComments


def test_numbers_with_more_digits_than_dicom_has_are_rounded(tmp_path: Path) -> None:
    def edit(data: Dataset, k: int) -> None:
        for name, more in (("PixelSpacing", "0" * 12 + "1"), ("ImagePositionPatient", "12345")):
            values = [f"{text}{more}" for text in map(str, data[name].value)]
            data.add(DataElement(name, "DS", values, validation_mode=IGNORE))

    write_series(tmp_path / "in", edit=edit)
    data = make_of(tmp_path / "in", tmp_path / "out", slices=1).read("slice_001")
    for name in ("PixelSpacing", "ImagePositionPatient"):
        assert all(len(str(value)) <= 16 for value in data[name].value)
    assert [float(value) for value in data.PixelSpacing] == pytest.approx([4.6, 4.4])


def test_another_alpha_is_drawn() -> None:
    scored: Any = SimpleNamespace(result=result(), places=[])
    assert next(lines(scored)) == "Anomaly map: 0 anomalies above the threshold"
    scored.result["settings"]["alpha"] = 0.01
    assert next(lines(scored)) == "Anomaly map: 0 anomalies above the threshold (alpha 0.01)"


def test_contours_text_and_caution() -> None:
    hu, times = np.full((200, 240), 40.0), np.zeros((200, 240), np.float32)
    times[80:120, 100:140] = 1.5
    drawn = marked_slice(hu, times, True, ["Anomaly map"], "Research.", [((150, 100), "7")])
    assert (drawn[80, 100:140] == ORANGE).all()
    assert (drawn[100, 120] == 128).all(), "nothing is tinted"
    assert (drawn[130:180] == 128).all(), "healthy tissue is grey"
    for part in (drawn[:20, :100], drawn[180:, :100], drawn[85:102, 148:162]):
        assert (part != 128).any(), "text"


def test_without_a_threshold_the_map_is_blended_in() -> None:
    hu, times = np.full((200, 240), 40.0), np.zeros((200, 240), np.float32)
    times[80:120, 100:140] = 1
    drawn = marked_slice(hu, times, False, [], "").astype(int)
    assert np.ptp(drawn[100, 120]) > 50
    assert np.ptp(drawn[150, 120]) == 0
