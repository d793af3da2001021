"""Series that are not to be used: each has its fault, and else the very slices of the thin scan."""

from __future__ import annotations

import numpy as np
from toy_study import toy_study

from reproduction.cq500.standin.faults import (
    LOST_SLICES,
    SHORT_SHARES,
    copied,
    repeated,
    spine,
    two_spacings,
    with_conflict,
    with_gap,
)
from reproduction.cq500.standin.studies import THIN_MM, averaged, thick, thin

STUDY = toy_study()
THIN = thin(STUDY)
SLICES = THIN.hu.shape[2]


def test_a_gap_lacks_slices_in_the_middle_and_the_others_keep_their_places() -> None:
    series = with_gap(STUDY)
    assert series.at is not None
    lost = sorted(set(range(SLICES)) - set(series.at))
    assert lost == list(range(lost[0], lost[0] + LOST_SLICES))
    assert SLICES // 4 <= lost[0] < SLICES // 2
    for k, place in enumerate(series.at):
        np.testing.assert_array_equal(series.hu[:, :, k], THIN.hu[:, :, int(place)])


def test_a_conflict_is_two_images_at_one_place_that_differ() -> None:
    series = with_conflict(STUDY)
    assert series.at is not None
    (place,) = [k for k in range(SLICES) if series.at.count(k) == 2]
    first = series.at.index(place)
    np.testing.assert_array_equal(series.hu[:, :, first], THIN.hu[:, :, place])
    assert (series.hu[:, :, first + 1] != THIN.hu[:, :, place]).any()
    assert set(series.at) == set(range(SLICES))


def test_a_repeat_ends_early_and_lies_where_its_slices_lay() -> None:
    series = repeated(STUDY)
    share = series.hu.shape[2] / SLICES
    assert min(abs(share - known) for known in SHORT_SHARES) < 0.02
    np.testing.assert_array_equal(series.hu, THIN.hu[:, :, -series.hu.shape[2] :])
    np.testing.assert_allclose(series.affine[:3, 3], (THIN.affine @ (0, 0, SLICES - series.hu.shape[2], 1))[:3])


def test_a_copy_is_the_thick_series_again() -> None:
    series = copied(STUDY)
    assert series.copied
    np.testing.assert_array_equal(series.hu, thick(STUDY).hu)


def test_two_spacings_are_means_of_two_and_of_four_slices() -> None:
    series = two_spacings(STUDY)
    assert series.at is not None
    gaps_mm = np.diff(series.at) * THIN_MM
    half = int(np.argmax(gaps_mm > 2.6))
    assert set(gaps_mm[:half]) == {2.5}
    assert gaps_mm[half] == 3.75
    assert set(gaps_mm[half + 1 :]) == {5.0}
    fine, _ = averaged(THIN.hu, THIN.affine, 2)
    np.testing.assert_array_equal(series.hu[:, :, : half + 1], fine[:, :, : half + 1])
    last = int(series.at[-1] - 1.5)
    np.testing.assert_array_equal(series.hu[:, :, -1], averaged(THIN.hu[:, :, last:], THIN.affine, 4)[0][:, :, 0])


def test_a_spine_is_a_neck_and_says_so() -> None:
    series = spine(STUDY)
    assert series.body_part == "SPINE"
    middle = series.hu[32, :, :].astype(int)
    assert (middle > 400).sum() > 200, "vertebrae"
    assert np.median(series.hu[16, 32]) == 50 or abs(np.median(series.hu[20, 32]) - 50) < 6
    assert np.median(series.hu[0, 0]) < -900
    assert series.hu.shape[2] * 2.5 == 150
