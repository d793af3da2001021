"""Places of the brain are its detections, those of the skull what is above the threshold near a row."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from scripts.results.dicom.places import Place, Scanned, from_row_mm, marked_places, times_threshold

SKULL = [
    {"rank": 2, "region": "skull", "side": "right", "name": "parietal bone", "ends_mm": [[2, 0, 0], [2, 4, 0]],
     "peak_mm": [2, 2, 0]},
    {"rank": 3, "region": "skull", "side": "midline", "name": "frontal bone", "ends_mm": [[8, 0, 0], [8, 4, 0]],
     "peak_mm": [8, 2, 0]},
]  # fmt: skip
BRAIN = {"rank": 1, "region": "brain", "side": "both", "name": "cerebellum", "peak_mm": [5, 5, 5]}


def scanned(**changes: Any) -> Scanned:
    """A brain that is 1 and a skull, k = 0, that is 4."""
    shape = (10, 6, 4)
    regions = np.ones(shape, np.uint8)
    regions[5:] = 2
    regions[..., 0] = 3
    heatmap = np.where(regions == 3, 4, 1).astype(np.float32)
    ranks = np.zeros(shape, np.uint8)
    ranks[4:6, 2:4, 2] = 1
    limits = {"left_hemisphere": 2.0, "right_hemisphere": 2.0, "skull": 3.0}
    known: dict[str, Any] = {"hu": heatmap, "heatmap": heatmap, "regions": regions, "affine": np.eye(4)}
    return Scanned(**(known | {"detections": ranks, "limits": limits} | changes))


def test_rows_of_the_brain_have_their_voxels_and_those_of_the_skull_the_nearest_ones() -> None:
    places, numbers = marked_places(scanned(), {"map": "calibrated", "detections": [BRAIN, *SKULL]})
    assert [(place.number, place.label) for place in places] == [
        (1, "Anomaly 1, both sides, cerebellum"),
        (2, "Anomaly 2, right parietal bone"),
        (3, "Anomaly 3, midline, frontal bone"),
    ]
    np.testing.assert_array_equal(np.argwhere(numbers == 1)[:, 2], 2)
    assert set(np.argwhere(numbers == 2)[:, 0]) == set(range(6))
    assert set(np.argwhere(numbers == 3)[:, 0]) == set(range(6, 10))
    assert (numbers[..., 1:] < 2).all()


def test_without_a_threshold_of_the_skull_its_rows_have_no_voxels() -> None:
    limits = {"left_hemisphere": 2.0, "right_hemisphere": 2.0, "skull": None}
    places, numbers = marked_places(scanned(limits=limits), {"map": "calibrated", "detections": SKULL})
    assert len(places) == 2
    assert not (numbers > 1).any()
    _, low = marked_places(scanned(limits=limits | {"skull": 9.0}), {"map": "calibrated", "detections": SKULL})
    assert not (low > 1).any()


def test_of_another_map_the_places_are_regions() -> None:
    details = {"left_hemisphere": {"raw_maximum": 1.0, "threshold": 2.0}, "skull": {"raw_maximum": 4, "threshold": 3}}
    details["right_hemisphere"] = {"raw_maximum": None, "threshold": 0.5}
    told = {"map": "error", "detections": [BRAIN], "score_details": details, "settings": {"score": "maximum"}}
    places, numbers = marked_places(scanned(detections=None), told)
    assert [(place.number, place.label) for place in places] == [(1, "Anomaly, skull")]
    assert (numbers == 1).sum() == 60


def test_distances_from_a_row() -> None:
    points = np.array([[2.0, 2, 0], [5, 2, 0], [2, 9, 0], [2, -3, 4]])
    np.testing.assert_allclose(from_row_mm(points, SKULL[0]), [0, 3, 5, 5])


def test_the_map_in_multiples_of_each_threshold() -> None:
    times, threshold = times_threshold(scanned())
    assert threshold == 2
    np.testing.assert_allclose(times[..., 0], 4 / 3)
    np.testing.assert_allclose(times[..., 1:], 0.5)
    only = {"left_hemisphere": None, "right_hemisphere": None, "skull": 8.0}
    times, threshold = times_threshold(scanned(limits=only))
    assert (threshold, times.max()) == (8, 0.5)


@pytest.mark.parametrize("top", [4.0, 0.0])
def test_without_thresholds_the_map_is_in_multiples_of_its_maximum(top: float) -> None:
    heatmap = np.full((10, 6, 4), top, np.float32)
    times, threshold = times_threshold(scanned(heatmap=heatmap, limits={}))
    assert threshold is None
    assert times.max() == (1 if top else 0)


def test_a_region_is_named_without_a_number() -> None:
    assert Place(1, "right_hemisphere").label == "Anomaly, right hemisphere"
