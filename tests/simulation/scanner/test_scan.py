"""Scans: where their voxels lie, slices, noise, blur, tilt, what is unknown, head rest, motion, metal."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from block_heads import PLAIN, SIZE, block_head, marker_mm

from scripts.simulation.anatomy.labels import UNCOVERED
from scripts.simulation.scanner.scan import PADDING_HU, acquire, native_grid, slice_profile


@pytest.mark.parametrize("tilt_deg", [0.0, 18.0, -12.0])
@pytest.mark.parametrize("turn_deg", [0.0, 25.0])
def test_every_grid_shows_the_marker_where_it_is(turn_deg: float, tilt_deg: float) -> None:
    head = block_head(turn_deg)
    scan = acquire(head, replace(PLAIN, tilt_deg=tilt_deg, increment_mm=1.0), 0)
    np.testing.assert_allclose(marker_mm(scan.hu, scan.affine), marker_mm(head.hu, head.affine), atol=0.4)


def test_a_tilted_grid_is_sheared_and_its_slices_stack_along_the_table() -> None:
    affine, count = native_grid(block_head(), replace(PLAIN, tilt_deg=15.0))
    assert affine[1, 1] == pytest.approx(np.cos(np.deg2rad(15)))
    assert affine[2, 1] == pytest.approx(np.sin(np.deg2rad(15)))
    np.testing.assert_allclose(affine[:3, 2], (0, 0, 2))
    assert count == 41


def test_thick_slices_average_what_they_cover() -> None:
    thin = acquire(block_head(), replace(PLAIN, increment_mm=1.0, thickness_mm=1.0), 0)
    thick = acquire(block_head(), replace(PLAIN, increment_mm=5.0, thickness_mm=5.0), 0)
    for k in (3, 8):
        nearest = thin.hu[:, :, 5 * k - 2 : 5 * k + 3].mean(axis=2)
        inside = np.abs(thick.hu[:, :, k] - nearest)
        assert np.median(inside) < 1
        assert inside.mean() < 20


@pytest.mark.parametrize("blur_mm", [0.0, 0.6, 0.9])
def test_the_noise_is_as_strong_as_asked(blur_mm: float) -> None:
    scan = acquire(block_head(), replace(PLAIN, blur_mm=blur_mm, noise_hu=6.0, spacing_mm=0.6), 1)
    middle = scan.hu[45:55, 40:70, 15:25].astype(float)
    assert middle.std() == pytest.approx(6.0, rel=0.1)
    assert middle.mean() == pytest.approx(40, abs=0.5)


def test_the_offset_moves_tissue_and_not_air() -> None:
    scan = acquire(block_head(), replace(PLAIN, offset_hu=8.0), 0)
    assert np.median(scan.hu[45:55, 50:60, 15:25]) == 48
    assert (scan.hu[0] == -1000).all()


def test_what_the_anatomy_does_not_cover_is_padding_and_nothing_else_is() -> None:
    head = block_head()
    head.labels[:, :, :40] = UNCOVERED
    scan = acquire(head, replace(PLAIN, noise_hu=30.0), 0)
    z = scan.affine[2, 3] + 2.0 * np.arange(scan.hu.shape[2])
    edge = head.affine[2, 3] + 40
    assert scan.outside[:, :, z < edge - 1].all()
    assert not scan.outside[:, :, z > edge + 1].any()
    assert scan.hu[:, :, z > edge + 1].min() > PADDING_HU


def test_the_head_rest_lies_behind_the_head() -> None:
    without, with_rest = (
        acquire(block_head(), replace(PLAIN, size=(130, 150), rest_gap_mm=gap), 0) for gap in (None, 3.0)
    )
    changed = np.argwhere(with_rest.hu != without.hu)
    assert len(changed) > 1000
    head_back = np.argwhere(without.hu > -300)[:, 1].min()
    middle = changed[np.abs(changed[:, 0] - 65) < 3]
    assert middle[:, 1].max() < head_back
    assert head_back - middle[:, 1].max() <= 5


def test_beam_hardening_brightens_next_to_bone_and_darkens_the_depth() -> None:
    head = block_head()
    head.labels[(head.labels > 0) & (head.hu < 100) & (np.indices(SIZE)[0] > 80)] = 515
    plain, hardened = acquire(head, PLAIN, 0), acquire(head, replace(PLAIN, rim_hu=10.0, cupping_hu=5.0), 0)
    change = (hardened.hu - plain.hu)[:, :, 20].astype(float)
    assert change[50, 55] < -1
    assert change[82:86, 55].max() > 0


def test_a_seed_fixes_the_scan() -> None:
    noisy = replace(PLAIN, noise_hu=5.0, motion_mm=2.0, metal="electrodes")
    one, again, other = (acquire(block_head(), noisy, seed).hu.tobytes() for seed in (1, 1, 2))
    assert one == again != other


TWO = replace(PLAIN, increment_mm=2.0, thickness_mm=2.0, change_mm=0.0, thicker=2.0)


def test_slices_are_thicker_above_the_change_and_touch_each_other() -> None:
    k, thickness_mm = slice_profile(TWO, 41)
    assert set(thickness_mm) == {2.0, 4.0}
    heights, half = 2 * k, thickness_mm / 2
    np.testing.assert_allclose((heights + half)[:-1], (heights - half)[1:])
    assert (np.diff(thickness_mm) >= 0).all()
    assert heights[thickness_mm == 2].max() == pytest.approx(40, abs=2)
    assert heights[-1] >= 78


def test_a_scan_with_two_spacings_is_even_and_shows_the_head_where_it_is() -> None:
    scan, plain = (acquire(block_head(20), replace(TWO, change_mm=change), 0) for change in (0.0, None))
    np.testing.assert_allclose(scan.affine[:3, 2], (0, 0, 1))
    np.testing.assert_array_equal(scan.affine[:3, 3], plain.affine[:3, 3])
    assert scan.hu.shape[2] >= 78
    found, wanted = (marker_mm(one.hu, one.affine) for one in (scan, plain))
    np.testing.assert_allclose(found, wanted, atol=0.7)


def test_thick_slices_are_less_noisy() -> None:
    scan = acquire(block_head(), replace(TWO, noise_hu=8.0), 3)
    inner = scan.hu[45:55, 40:70].astype(float)
    below, above = (inner[:, :, k].std() for k in (22, 42 + 1))
    assert below == pytest.approx(8.0, rel=0.15)
    assert above < 0.85 * below


def test_motion_moves_some_slices_and_leaves_the_others() -> None:
    still, moving = (acquire(block_head(), replace(PLAIN, motion_mm=motion), 0) for motion in (0.0, 3.0))
    changed = (still.hu != moving.hu).any(axis=(0, 1))
    assert 5 < changed.sum() < 35
    run = np.flatnonzero(changed)
    assert run[-1] - run[0] < 35
    np.testing.assert_array_equal(moving.affine, still.affine)


def test_metal_is_clipped_and_streaks_stay_in_its_slices() -> None:
    head = block_head()
    head.labels[44:47, 8:11, 54:57] = 511
    plain, scan = (acquire(head, replace(PLAIN, metal=metal), 0) for metal in (None, "electrodes"))
    change = np.abs(scan.hu.astype(int) - plain.hu)
    slices = np.flatnonzero(change.max(axis=(0, 1)) > 0)
    assert 1 <= len(slices) <= 5
    assert scan.hu.max() > 1500
    assert scan.hu.max() <= 3071
    assert (change[:, :, slices] > 2).mean() > 0.05


def test_metal_that_has_no_place_in_the_head_is_left_out() -> None:
    plain, scan = (acquire(block_head(), replace(PLAIN, metal=metal), 0) for metal in (None, "clip"))
    np.testing.assert_array_equal(plain.hu, scan.hu)
