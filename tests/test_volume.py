"""Padding, and the checks that any volume passes."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from dicom_series import head_hu
from geometries import PLAIN
from numpy.typing import NDArray

from scripts.findings import InputRefused
from scripts.volume import AIR_HU, UNKNOWN_HU, Volume, check_values, slabs, split_padding

Hu = NDArray[np.float32]


def head(change: float = 0.0, dtype: type = np.int16) -> Volume:
    """The head of balls, `change` added to its HU."""
    return Volume((head_hu(PLAIN.points()) + change).astype(dtype), PLAIN.affine, None)


def test_padding_becomes_air_and_is_remembered() -> None:
    hu = np.array([-2000, -1500, -1201, -1100, -1024, -1000, 40], dtype=np.int16)
    valid = split_padding(hu)
    assert hu.tolist() == [AIR_HU] * 5 + [-1000, 40]
    assert valid is not None
    assert valid.tolist() == [False, False, False, True, True, True, True]


def test_padding_by_tag_counts_whatever_its_value() -> None:
    hu = np.array([0, 40, -1000], dtype=np.int16)
    valid = split_padding(hu, np.array([True, False, False]))
    assert hu.tolist() == [AIR_HU, 40, -1000]
    assert valid is not None
    assert valid.tolist() == [False, True, True]


def test_without_padding_there_is_no_mask() -> None:
    assert split_padding(np.array([-1000, 0], dtype=np.int16)) is None


def test_unknown_voxels_are_marked_in_the_array() -> None:
    volume = Volume(np.array([[[0, -1024]]], dtype=np.int16), np.eye(4), np.array([[[True, False]]]))
    assert volume.with_unknown().tolist() == [[[0.0, UNKNOWN_HU]]]
    assert UNKNOWN_HU < -1500 < AIR_HU


def test_a_head_passes() -> None:
    assert check_values(head()) == ()
    assert check_values(head(dtype=np.float32)) == ()


@pytest.mark.parametrize("change", [1000, 1024, 300, -300])
def test_shifted_values_are_refused(change: int) -> None:
    volume = head(change)
    valid = split_padding(volume.hu)
    with pytest.raises(InputRefused, match=r"there is no air|Air peaks at"):
        check_values(Volume(volume.hu, volume.affine, valid))


def test_no_soft_tissue_is_refused() -> None:
    hu = head().hu.copy()
    hu[(hu > -900) & (hu < 900)] = 300
    with pytest.raises(InputRefused, match="are soft tissue"):
        check_values(Volume(hu, PLAIN.affine, None))


@pytest.mark.parametrize(("change", "peak"), [(lambda hu: hu - 100, -70), (lambda hu: (hu + 1024) * 1.2 - 1024, 250)])
def test_soft_tissue_at_the_wrong_place_is_refused(change: Callable[[Hu], Hu], peak: int) -> None:
    """Air that is clipped stays where it belongs, whatever was done to the rest; edges of bone look like brain then."""
    volume = head(dtype=np.float32)
    tissue = volume.hu > -900
    volume.hu[tissue] = change(volume.hu[tissue])
    volume.hu[::2, ::2, ::20][tissue[::2, ::2, ::20]] = 40
    with pytest.raises(InputRefused, match=f"Soft tissue peaks at {peak} HU, not near 30"):
        check_values(volume)


@pytest.mark.parametrize("change", [-50, 50])
def test_small_shifts_are_left_to_the_registration_s_verdict(change: int) -> None:
    volume = head(dtype=np.float32)
    volume.hu[volume.hu > -900] += change
    assert check_values(volume) == ()


def test_constant_and_non_finite_volumes_are_refused() -> None:
    with pytest.raises(InputRefused, match="All voxels have the value 7"):
        check_values(Volume(np.full((20, 20, 20), 7, np.int16), np.eye(4), None))
    hu = head(dtype=np.float32).hu.copy()
    hu[3, 4, 5], hu[6, 7, 8] = np.nan, np.inf
    with pytest.raises(InputRefused, match="2 voxels are NaN or infinite"):
        check_values(Volume(hu, PLAIN.affine, None))


def test_metal_is_flagged() -> None:
    hu = head().hu.copy()
    hu[20:23, 20:22, 20] = 3071
    assert [f.code for f in check_values(Volume(hu, PLAIN.affine, None))] == ["metal"]


def test_more_metal_than_a_head_can_hold_is_refused() -> None:
    hu = head().hu.copy()
    hu[:10, :10] = 32767
    with pytest.raises(
        InputRefused,
        match=r"^225 ml are denser than 2900 HU, .* most likely padding without its tag, PixelPaddingValue\.",
    ) as error:
        check_values(Volume(hu, PLAIN.affine, None))
    assert error.value.code == "implausible_hu"


@pytest.mark.parametrize("axes", [(0, 1, 2), (2, 1, 0), (1, 0, 2)])
def test_slabs_cover_a_volume_once_without_a_copy(axes: tuple[int, int, int]) -> None:
    volume = np.zeros((3, 4, 5), dtype=np.int16).transpose(axes)
    parts = list(slabs(volume))
    assert len(parts) == 3
    for slab in parts:
        volume[slab] += 1
        assert volume[slab].flags.c_contiguous or volume[slab].T.flags.c_contiguous or axes == (1, 0, 2)
    assert (volume == 1).all()


def test_the_mask_of_the_tag_is_the_one_that_is_returned() -> None:
    hu = np.full((4, 5, 6), -1000, dtype=np.int16)
    padding = np.zeros(hu.shape, dtype=bool)
    padding[1], hu[2, 0] = True, -3024
    valid = split_padding(hu, padding)
    assert valid is padding
    assert np.flatnonzero(~valid.any(axis=(1, 2))).tolist() == [1]
    assert int((~valid).sum()) == 36
