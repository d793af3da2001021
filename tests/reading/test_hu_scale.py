"""Slices on another Hounsfield scale are refused by name; anatomy that comes and goes is not."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from dicom_series import head_hu, store, write_series
from geometries import PLAIN
from pydicom.dataset import Dataset

from scripts.findings import InputRefused
from scripts.reading.headers import ImageHeader, read_headers
from scripts.reading.hu_scale import check_levels
from scripts.reading.series import stacks_of
from scripts.reading.stacks import stack_volume
from scripts.volume import split_padding


@pytest.fixture(scope="module")
def images(tmp_path_factory: pytest.TempPathFactory) -> tuple[ImageHeader, ...]:
    """Headers of the head of balls."""
    return tuple(read_headers(write_series(tmp_path_factory.mktemp("s"))[0].parent).images)


@pytest.fixture
def hu() -> np.ndarray:
    """Slices of the head of balls, 160 pixels a side so that every fourth is enough, the first and last all air."""
    slices = np.repeat(np.repeat(head_hu(PLAIN.points()).transpose(2, 1, 0), 4, axis=1), 4, axis=2)
    slices[0] = slices[-1] = -1000
    return slices


@pytest.mark.parametrize("at", [0, 1, 18, 35, 36])
@pytest.mark.parametrize("intercept", [0, -900, -1200])
def test_a_wrong_intercept_in_one_slice(
    hu: np.ndarray, images: tuple[ImageHeader, ...], at: int, intercept: int
) -> None:
    hu[at] += intercept + 1024
    with pytest.raises(InputRefused, match=f"The image in {at:03d}.dcm has another HU scale: air differs by") as error:
        check_levels(hu, None, images)
    assert error.value.findings[0].code == "rescale_invalid"


@pytest.mark.parametrize("at", [5, 18, 30])
@pytest.mark.parametrize("slope", [0.5, 2])
def test_a_wrong_slope_in_one_slice(hu: np.ndarray, images: tuple[ImageHeader, ...], at: int, slope: float) -> None:
    hu[at] = (hu[at] + 1024.0) * slope - 1024
    with pytest.raises(InputRefused, match=f"The image in {at:03d}.dcm has another HU scale: soft tissue differs by"):
        check_levels(hu, None, images)


def test_half_of_a_series(hu: np.ndarray, images: tuple[ImageHeader, ...]) -> None:
    hu[20:] += 1024
    with pytest.raises(InputRefused, match=r"The image in 020\.dcm .* air differs by 1024 HU from .* 019\.dcm"):
        check_levels(hu, None, images)


def test_padding_does_not_hide_it(hu: np.ndarray, images: tuple[ImageHeader, ...]) -> None:
    padding = np.zeros(hu.shape, bool)
    padding[:, :70] = True
    hu[18] += 1024
    valid = split_padding(hu, padding)
    with pytest.raises(InputRefused, match=r"018\.dcm"):
        check_levels(hu, valid, images)


def test_heads_shoulders_and_empty_slices_pass(hu: np.ndarray, images: tuple[ImageHeader, ...]) -> None:
    check_levels(hu, None, images)
    hu[0, :, :150] = 40  # shoulders, where the next slice shows air
    check_levels(hu, None, images)
    hu[5] = -1024  # nothing but padding
    valid = np.ones(hu.shape, bool)
    valid[5] = False
    check_levels(hu, valid, images)


def test_bone_between_brain_and_scalp_passes(hu: np.ndarray, images: tuple[ImageHeader, ...]) -> None:
    """As in slices of 7 mm near the vertex: the middle one has bone in most places where both others are soft."""
    both = (np.abs(hu[17]) < 300) & (np.abs(hu[19]) < 300)
    hu[18][both & (np.arange(hu.shape[2]) % 20 < 14)] = 1000
    check_levels(hu, None, images)
    hu[18] = (hu[18] + 1024.0) * 2 - 1024
    with pytest.raises(InputRefused, match=r"The image in 018\.dcm has another HU scale: soft tissue differs by"):
        check_levels(hu, None, images)


def test_the_reader_refuses_it(tmp_path: Path) -> None:
    """Correlations don't see it: the slice is like its neighbours in all but its level."""

    def spoil(dataset: Dataset, k: int) -> None:
        if k == 20:
            store(dataset, head_hu(PLAIN.points(np.array([20])))[:, :, 0])
            dataset.RescaleIntercept = 0

    write_series(tmp_path, edit=spoil)
    (stack,) = stacks_of(read_headers(tmp_path))
    with pytest.raises(InputRefused, match=r"The image in 020\.dcm has another HU scale"):
        stack_volume(stack)
