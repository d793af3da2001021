"""The published autoencoder: counts, shapes."""

from __future__ import annotations

import pytest
import torch

from scripts.baseline.autoencoder import SpatialAutoencoder
from scripts.networks.position import count_parameters

COUNTS = {1: 5851, 2: 22965, 4: 90985, 8: 362193, 16: 1445281, 32: 5774145, 64: 23082625}
"""Width -> trainable values, read from the paper's figure."""


@pytest.mark.parametrize(("width", "count"), COUNTS.items())
def test_the_counts_are_the_published_ones(width: int, count: int) -> None:
    assert count_parameters(SpatialAutoencoder(width)) == count


def test_a_reconstruction_has_the_shape_of_the_volume_and_lies_in_0_1() -> None:
    outputs = SpatialAutoencoder(1)(torch.rand(2, 1, 32, 16, 48))
    assert outputs.shape == (2, 1, 32, 16, 48)
    assert 0 < outputs.min() < outputs.max() < 1


def test_sides_that_are_no_multiple_of_16_are_refused() -> None:
    with pytest.raises(ValueError, match="multiple of 16"):
        SpatialAutoencoder(1)(torch.rand(1, 1, 32, 17, 32))
