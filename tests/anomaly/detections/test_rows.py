"""Rows of detections: where the lesion lies in the scan, how large it is, and its labels on the scan's own grid."""

from __future__ import annotations

import numpy as np
import pytest
from brain_scan import MATRIX, brain_scan, place_around, reference_mm

from scripts.anomaly.detections.atlas import Atlas
from scripts.anomaly.detections.lesion import Scan
from scripts.anomaly.detections.rows import LEAST_ML, lesions, on_scan, rows
from scripts.geometry.affines import transform_points

FIRST, SECOND = (30.0, 5.0, 10.0), (-25.0, -30.0, -5.0)
ATLAS = Atlas(np.repeat(np.uint8([1, 2]), 128)[:, None, None] * np.ones((256,) * 3, np.uint8), {1: "a", 2: "b"})


@pytest.fixture(scope="module")
def scan() -> Scan:
    return brain_scan((FIRST, 14, 60), (SECOND, 10, 10))


def test_a_row_says_where_how_large_and_what(scan: Scan) -> None:
    found, ranks = lesions([place_around(FIRST, 20), place_around(SECOND, 14, peak=7)], scan)
    first, second = rows(found, scan, ATLAS)
    assert (first["side"], first["name"], first["density"]) == ("right", "b", "brighter")
    assert (second["side"], second["name"], second["density"]) == ("left", "a", "darker")
    np.testing.assert_allclose(
        first["centre_mm"], transform_points(np.linalg.inv(MATRIX), np.array([FIRST]))[0], atol=1
    )
    assert first["volume_ml"] == pytest.approx(4 / 3 * np.pi * 14**3 / 1000, rel=0.15)
    assert first["extent_mm"] == pytest.approx(28, abs=3)
    assert (first["mean_hu"], first["mirror_hu"]) == (pytest.approx(60, abs=3), pytest.approx(32, abs=3))
    assert (first["peak"], first["seen_by"]) == (pytest.approx(9, abs=0.3), "density")
    assert set(np.unique(ranks)) == {0, 1, 2}


def test_the_labels_lie_on_the_ball_in_the_scan(scan: Scan) -> None:
    _, ranks = lesions([place_around(FIRST, 20), place_around(SECOND, 14)], scan)
    labels = on_scan(ranks, scan)
    assert (labels.shape, labels.dtype) == (scan.hu.shape, np.uint8)
    at = reference_mm(scan.hu.shape)
    for rank, centre, radius in ((1, FIRST, 14), (2, SECOND, 10)):
        ball = np.linalg.norm(at - centre, axis=-1) < radius
        dice = 2 * (ball & (labels == rank)).sum() / (ball.sum() + (labels == rank).sum())
        assert dice > 0.9
    assert not on_scan(np.zeros_like(ranks), scan).any()


def test_labels_are_those_of_the_nearest_reference_voxel(scan: Scan) -> None:
    ranks = np.random.default_rng(0).integers(0, 3, (256,) * 3).astype(np.uint8)
    labels = on_scan(ranks, scan)
    for voxel in np.random.default_rng(1).integers(0, scan.hu.shape, (200, 3)):
        place = (MATRIX @ scan.affine @ [*voxel, 1])[:3] + 127.5
        inside = ((place > -0.5) & (place < 255.5)).all()
        assert labels[tuple(voxel)] == (ranks[tuple(np.rint(place).astype(int))] if inside else 0)


def test_two_places_of_one_lesion_are_one_detection(scan: Scan) -> None:
    half = (FIRST[0] + 8, FIRST[1], FIRST[2])
    found, ranks = lesions([place_around(FIRST, 20), place_around(half, 8, peak=6)], scan)
    assert len(found) == ranks.max() == 1


def test_no_place_is_left_out_for_its_hu(scan: Scan) -> None:
    metal = place_around((0.0, 0.0, 110.0), 6)
    (only,), ranks = lesions([metal], scan)
    assert len(only.voxels) == (ranks == 1).sum() == len(metal.voxels) * 8


def test_a_place_of_a_few_voxels_is_no_detection_and_takes_no_rank(scan: Scan) -> None:
    speck = place_around((0.0, 0.0, 110.0), 1, peak=99)
    assert len(speck.voxels) * 8 / 1000 < LEAST_ML
    found, ranks = lesions([speck, place_around(FIRST, 20)], scan)
    assert len(found) == ranks.max() == 1
    assert found[0].place.peak < 99
