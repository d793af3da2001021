"""The localisation error."""

from __future__ import annotations

import math

import pytest
import torch

from scripts.geometry.coordinates import positions
from scripts.training.metrics import BRAIN, SKULL, LabelledError, LocalisationError, lower_is_better

OFFSETS_MM = {1: 3.0, 2: 5.0, 3: 11.0}


def head(stride: int) -> tuple[torch.Tensor, torch.Tensor]:
    """Predictions that are off by a known distance in each region, and the regions (1, 1, 8, 8, 8)."""
    regions = torch.zeros(1, 1, 8, 8, 8, dtype=torch.uint8)
    regions[..., :2, :, :], regions[..., 2:4, :, :], regions[..., 4:6, :, :] = 1, 2, 3
    strided = regions[..., ::stride, ::stride, ::stride]
    predicted = positions((8 // stride,) * 3, stride)[None].clone()
    for label, offset in OFFSETS_MM.items():
        predicted[:, 1:2][strided == label] += offset / 255
    return predicted, regions


@pytest.mark.parametrize("stride", [1, 2])
def test_median_over_the_voxels_of_the_regions(stride: int) -> None:
    predicted, regions = head(stride)
    for labels, expected in ((SKULL, 11.0), ((1,), 3.0), ((2,), 5.0)):
        metric = LocalisationError(labels, stride)
        metric(predicted, regions)
        assert float(metric.aggregate()) == pytest.approx(expected, abs=1e-3)


def test_mean_over_heads() -> None:
    metric = LocalisationError(BRAIN, stride=1)
    predicted, regions = head(1)
    metric(predicted, torch.where(regions == 1, 1, 0))
    metric(predicted, torch.where(regions == 2, 2, 0))
    assert float(metric.aggregate()) == pytest.approx(4.0, abs=1e-3)


def test_a_head_without_the_region_does_not_count_and_all_such_heads_are_an_error() -> None:
    predicted, regions = head(1)
    metric = LocalisationError(SKULL, stride=1)
    metric(predicted, torch.zeros_like(regions))
    with pytest.raises(ValueError, match=r"no voxel of the regions \(3,\)"):
        metric.aggregate()
    metric(predicted, regions)
    assert float(metric.aggregate()) == pytest.approx(11.0, abs=1e-3)


def test_nan_is_never_better() -> None:
    assert lower_is_better(1.0, 2.0)
    assert not lower_is_better(2.0, 1.0)
    assert not lower_is_better(math.nan, 1.0)


def test_labelled_error_is_the_median_over_what_counts_and_the_mean_over_samples() -> None:
    label = torch.zeros(2, 4, 3, 1, 1)
    label[:, 3, :2] = 1
    predicted = torch.zeros(2, 3, 3, 1, 1)
    predicted[0, 1, :2] = 4 / 255
    predicted[1, 2, :2] = 8 / 255
    predicted[:, 0, 2] = 1.0
    metric = LabelledError()
    metric(predicted, label)
    assert float(metric.aggregate()) == pytest.approx(6.0, abs=1e-4)
    metric.reset()
    metric(predicted, torch.zeros_like(label))
    with pytest.raises(ValueError, match="no prediction counts"):
        metric.aggregate()
