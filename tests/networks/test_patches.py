"""Patches: cut, padded, and which of them hold foreground, against loops over voxels."""

from __future__ import annotations

from itertools import product

import pytest
import torch

from scripts.networks.patches import (
    any_in_windows,
    cut,
    cut_patches,
    enclosed,
    foreground_of,
    grid_shape,
    near_foreground,
    patch_radius,
    tile_boxes,
)

SHAPE = (7, 9, 6)


def specks() -> torch.Tensor:
    """A few True voxels."""
    return torch.rand(SHAPE, generator=torch.Generator().manual_seed(3)) > 0.97


@pytest.mark.parametrize("start", [(0, 0, 0), (-2, 3, 1), (5, -4, 4), (-3, -3, -3), (-9, 0, 0), (20, 0, 0)])
def test_cut_copies_what_is_inside_and_is_0_outside(start: tuple[int, int, int]) -> None:
    volume = torch.arange(1.0, 2 * 7 * 9 * 6 + 1).view(2, *SHAPE)
    box = cut(volume, start, (5, 11, 4))
    assert box.shape == (2, 5, 11, 4)
    for place in product(range(5), range(11), range(4)):
        voxel = tuple(s + p for s, p in zip(start, place, strict=True))
        inside = all(0 <= v < n for v, n in zip(voxel, SHAPE, strict=True))
        expected = volume[(slice(None), *voxel)] if inside else torch.zeros(2)
        assert torch.equal(box[(slice(None), *place)], expected)


def test_patches_are_centred_on_their_voxels() -> None:
    volume = torch.rand(2, *SHAPE)
    centres = torch.tensor([[0, 0, 0], [6, 8, 5], [3, 4, 2]])
    patches = cut_patches(volume, centres, 5)
    assert patches.shape == (3, 2, 5, 5, 5)
    assert torch.equal(patches[:, :, 2, 2, 2], torch.stack([volume[:, i, j, k] for i, j, k in centres]))
    assert not patches[0, :, :2].any()
    assert torch.equal(patches[2], volume[:, 1:6, 2:7, 0:5])
    with pytest.raises(ValueError, match=r"centres must lie inside the volume of \(7, 9, 6\) voxels"):
        cut_patches(volume, torch.tensor([[7, 0, 0]]), 5)


@pytest.mark.parametrize("stride", [1, 2, 3, 4])
@pytest.mark.parametrize("margin", [0, 1, 2, 8])
def test_places_near_foreground(margin: int, stride: int) -> None:
    mask = specks()
    near = near_foreground(mask, margin, stride)
    assert near.shape == grid_shape(SHAPE, stride)
    for place in product(*(range(n) for n in near.shape)):
        low = [max(p * stride - margin, 0) for p in place]
        high = [p * stride + margin + 1 for p in place]
        assert near[place] == mask[low[0] : high[0], low[1] : high[1], low[2] : high[2]].any()


def test_windows_with_foreground_in_a_batch() -> None:
    masks = torch.stack([specks(), specks().flip(0)])
    found = any_in_windows(masks, 3, 2)
    assert found.shape == (2, 3, 4, 2)
    for b, i, j, k in product(range(2), range(3), range(4), range(2)):
        assert found[b, i, j, k] == masks[b, 2 * i : 2 * i + 3, 2 * j : 2 * j + 3, 2 * k : 2 * k + 3].any()


def test_foreground_is_where_any_channel_is_not_0() -> None:
    inputs = torch.zeros(1, 2, 2, 1, 2)
    inputs[0, 0, 0, 0, 0] = 0.5
    inputs[0, 1, 1, 0, 1] = 1
    assert foreground_of(inputs)[0, :, 0].tolist() == [[True, False], [False, True]]


def test_enclosed_fills_a_shell_but_not_a_bowl() -> None:
    shell = torch.ones(5, 5, 5, dtype=torch.bool)
    shell[1:4, 1:4, 1:4] = False
    assert enclosed(shell).all()
    bowl = shell.clone()
    bowl[:, :, 4] = False
    assert torch.equal(enclosed(bowl), bowl)
    assert not enclosed(torch.zeros(2, 2, 2, dtype=torch.bool)).any()


@pytest.mark.parametrize("size", [0, 4, -3])
def test_a_patch_needs_a_central_voxel(size: int) -> None:
    with pytest.raises(ValueError, match=f"odd and positive.*got {size}"):
        patch_radius(size)


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
