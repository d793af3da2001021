"""Tiles hold every wanted place once, at most so many a side, and nothing they need not hold."""

from __future__ import annotations

import pytest
import torch

from scripts.networks.tiles import bounding_box, tile_boxes


def test_the_bounding_box_by_hand() -> None:
    wanted = torch.zeros(5, 6, 7, dtype=torch.bool)
    assert bounding_box(wanted) is None
    wanted[1, 2, 3] = wanted[3, 2, 6] = True
    assert bounding_box(wanted) == (slice(1, 4), slice(2, 3), slice(3, 7))
    assert bounding_box(wanted, (slice(2, 5), slice(0, 6), slice(0, 7))) == (slice(3, 4), slice(2, 3), slice(6, 7))


@pytest.mark.parametrize("tile", [1, 2, 3, 5, 64])
def test_every_wanted_place_lies_in_exactly_one_box(tile: int) -> None:
    wanted = torch.rand(7, 5, 9, generator=torch.Generator().manual_seed(0)) > 0.9
    count = torch.zeros(7, 5, 9, dtype=torch.int)
    for box in tile_boxes(wanted, tile):
        assert all(0 < part.stop - part.start <= tile for part in box)
        assert wanted[box].any()
        count[box] += 1
    assert count.max() == 1
    assert (count[wanted] == 1).all()


def test_nothing_wanted_gives_no_box() -> None:
    assert list(tile_boxes(torch.zeros(3, 3, 3, dtype=torch.bool), 2)) == []
