"""Series that are not to be used: each has its fault, and else the very slices of the thin scan."""

from __future__ import annotations

import numpy as np
import pytest

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
from reproduction.cq500.standin.studies import THIN_MM, Series, Study, averaged, thick

pytestmark = pytest.mark.xdist_group("toy_study")


def test_a_gap_lacks_slices_in_the_middle_and_the_others_keep_their_places(study: Study, fine: Series) -> None:
    slices = fine.hu.shape[2]
    series = with_gap(study)
    assert series.at is not None
    lost = sorted(set(range(slices)) - set(series.at))
    assert lost == list(range(lost[0], lost[0] + LOST_SLICES))
    assert slices // 4 <= lost[0] < slices // 2
    for k, place in enumerate(series.at):
        np.testing.assert_array_equal(series.hu[:, :, k], fine.hu[:, :, int(place)])


def test_a_conflict_is_two_images_at_one_place_that_differ(study: Study, fine: Series) -> None:
    slices = fine.hu.shape[2]
    series = with_conflict(study)
    assert series.at is not None
    (place,) = [k for k in range(slices) if series.at.count(k) == 2]
    first = series.at.index(place)
    np.testing.assert_array_equal(series.hu[:, :, first], fine.hu[:, :, place])
    assert (series.hu[:, :, first + 1] != fine.hu[:, :, place]).any()
    assert set(series.at) == set(range(slices))


def test_a_repeat_ends_early_and_lies_where_its_slices_lay(study: Study, fine: Series) -> None:
    slices = fine.hu.shape[2]
    series = repeated(study)
    share = series.hu.shape[2] / slices
    assert min(abs(share - known) for known in SHORT_SHARES) < 0.02
    np.testing.assert_array_equal(series.hu, fine.hu[:, :, -series.hu.shape[2] :])
    np.testing.assert_allclose(series.affine[:3, 3], (fine.affine @ (0, 0, slices - series.hu.shape[2], 1))[:3])


def test_a_copy_is_the_thick_series_again(study: Study) -> None:
    series = copied(study)
    assert series.copied
    np.testing.assert_array_equal(series.hu, thick(study).hu)


def test_two_spacings_are_means_of_two_and_of_four_slices(study: Study, fine: Series) -> None:
    series = two_spacings(study)
    assert series.at is not None
    gaps_mm = np.diff(series.at) * THIN_MM
    half = int(np.argmax(gaps_mm > 2.6))
    assert set(gaps_mm[:half]) == {2.5}
    assert gaps_mm[half] == 3.75
    assert set(gaps_mm[half + 1 :]) == {5.0}
    by_two, _ = averaged(fine.hu, fine.affine, 2)
    np.testing.assert_array_equal(series.hu[:, :, : half + 1], by_two[:, :, : half + 1])
    last = int(series.at[-1] - 1.5)
    np.testing.assert_array_equal(series.hu[:, :, -1], averaged(fine.hu[:, :, last:], fine.affine, 4)[0][:, :, 0])


def test_a_spine_is_a_neck_and_says_so(study: Study) -> None:
    series = spine(study)
    assert series.body_part == "SPINE"
    middle = series.hu[32, :, :].astype(int)
    assert (middle > 400).sum() > 200, "vertebrae"
    assert np.median(series.hu[16, 32]) == 50 or abs(np.median(series.hu[20, 32]) - 50) < 6
    assert np.median(series.hu[0, 0]) < -900
    assert series.hu.shape[2] * 2.5 == 150
