"""Where a place is drawn, and the volume of a region."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

pytest.importorskip("highdicom")

from dicom_results import POSITIONS, ROW, Made, result

from scripts.results.dicom.identity import Identity
from scripts.results.dicom.outline import CORNERS
from scripts.results.dicom.place_groups import comment, drawn, pixel_of, pointed, sizes, volume_ml
from scripts.results.dicom.places import Place
from scripts.results.dicom.scored import Scored
from scripts.results.dicom.source import Source, read_source

Results = Callable[[str], Made]
LINE = {"rank": 1, "region": "skull", "side": "left", "name": "parietal bone", "peak_mm": [-35.0, 10.0, 5.0],
        "length_mm": 41.24, "width_mm": 1.5, "depth_mm": None, "peak": 6.51}  # fmt: skip


def source_of(made: Results, position: str) -> Source:
    return read_source(made(position).folder.parents[1] / "in")


def scored(source: Source, numbers: np.ndarray, places: list[Place], **changes: object) -> Scored:
    values = numbers.astype(np.float32)
    return Scored(source, Identity("a" * 64, "0.2.0", "b" * 64), result() | changes, values, numbers, places, numbers)


@pytest.mark.parametrize("position", POSITIONS)
def test_a_point_is_found_in_its_slice(position: str, made: Results) -> None:
    source = source_of(made, position)
    at, (column, row) = pixel_of(source, np.array([-35.0, 10.0, 5.0]))
    image = source.images[at]
    across, down = np.split(np.array(image.ImageOrientationPatient, dtype=float), 2)
    rows, columns = map(float, image.PixelSpacing)
    corner = np.array(image.ImagePositionPatient, dtype=float)
    point = corner + (column - 0.5) * columns * across + (row - 0.5) * rows * down
    gap = float(np.diff(source.grid.heights_mm).max())
    assert np.linalg.norm(point - [35, -10, 5]) <= gap / 2 + 1e-6


def test_a_place_without_voxels_is_a_circle_and_one_beside_its_peak_is_drawn_where_it_is_largest(made: Results) -> None:
    source = source_of(made, "plain")
    numbers = np.zeros((len(source.images), 44, 48), np.uint8)
    place = Place(1, "brain", ROW)
    at, line = drawn(scored(source, numbers, [place]), place)
    assert (at, len(line)) == (pixel_of(source, np.array(ROW["peak_mm"]))[0], CORNERS + 1)
    numbers[2, 5:8, 5:8] = numbers[3, 5:9, 5:9] = 1
    at, line = drawn(scored(source, numbers, [place]), place)
    assert at == 3
    assert (line.min(), line.max()) == (5, 9)


def test_the_point_is_the_peak_or_the_highest_of_the_place_in_its_slice(made: Results) -> None:
    source = source_of(made, "plain")
    numbers = np.zeros((len(source.images), 44, 48), np.uint8)
    place, whole = Place(1, "brain", ROW), Place(1, "left_hemisphere")
    at, peak = pixel_of(source, np.array(ROW["peak_mm"]))
    told = scored(source, numbers, [place])
    np.testing.assert_array_equal(pointed(told, place, at), peak)
    numbers[3, 5:9, 5:9], told.values[3, 7, 6], told.values[3, 20, 20] = 1, 4, 9
    np.testing.assert_array_equal(pointed(told, place, 3), [6.5, 7.5])
    np.testing.assert_array_equal(pointed(told, whole, 3), [6.5, 7.5])


def test_a_name_says_the_peak_and_the_size(made: Results) -> None:
    source = source_of(made, "plain")
    numbers = np.zeros((len(source.images), 44, 48), np.uint8)
    numbers[2, 5:8, 5:8] = 1
    line, whole = Place(1, "skull", LINE), Place(1, "left_hemisphere")
    told = scored(source, numbers, [line], score_details={"skull": {"skull_score": 6.5}})
    assert comment(told, line) == "Anomaly 1, left parietal bone: score 6.5, 41.2 mm"
    assert comment(told, whole).startswith("Anomaly, left hemisphere: score 1.0, ")


def test_a_line_of_the_skull_has_its_length_and_width_in_its_own_unit(made: Results) -> None:
    source = source_of(made, "plain")
    place = Place(1, "skull", LINE)
    details = {"skull": {"skull_score": 6.5}}
    told = scored(source, np.zeros((2, 2, 2), np.uint8), [place], score_details=details)
    found = {
        item[0]
        .ConceptNameCodeSequence[0]
        .CodeMeaning: (
            float(item[0].MeasuredValueSequence[0].NumericValue),
            item[0].MeasuredValueSequence[0].MeasurementUnitsCodeSequence[0].CodeValue,
        )
        for item in sizes(told, place)
    }
    assert found == {"Anomaly score": (6.5, "{SD}"), "Length": (41.2, "mm"), "Width": (1.5, "mm")}


def test_volume_counts_each_slice_as_thick_as_it_is(made: Results) -> None:
    source = source_of(made, "two spacings")
    mask = np.zeros((len(source.images), 43, 40), bool)
    mask[10, :2, :5] = True
    thin = volume_ml(source, mask)
    assert thin == pytest.approx(10 * 4.4 * 4.6 * 1.25 / 1000, abs=1e-3)
    assert volume_ml(source, np.roll(mask, 40, axis=0)) == pytest.approx(2.5 * thin, abs=2e-3)
