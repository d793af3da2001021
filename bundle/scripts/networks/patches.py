"""Patches of a volume: their grid, the ones that show any head, and cutting them out.

A *volume* is (..., I, J, K), here the network input, which is exactly 0 in the *background* (outside the head). A
*patch* is a cube of `patch_size` voxels a side (odd), centred on a voxel; its *radius* is (patch_size - 1) / 2. Patches
reach over the edge of the volume, where everything is background, 0. The *grid* of a stride holds every stride-th
voxel: place k of it sits at voxel k * stride, and ceil(N / stride) places fit along N voxels.

A *box* is three slices of the grid. The *tiles* in which a dense network is evaluated divide the bounding box of all
*wanted* places evenly; those without any are left out, and each of the others shrinks to the bounding box of its own.
In two dimensions, with at most 3 places a side:

    . . . . . . . . . . .
    . 1 1 1 . . . . . . .        .  a place that is not wanted
    . 1 1 1 2 2 . 3 3 . .        1  a wanted place, by the number of its tile
    . . . . 4 4 4 5 5 5 .        +  not wanted, but computed in a tile
    . . . . + 4 4 . . . .
    . . . . . . . . . . .

The wanted places span 4 x 9, so there are 2 x 3 tiles. The one at the lower left has no wanted place.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import pairwise, product

import torch
from torch import Tensor
from torch.nn import functional

from ..geometry.boxes import bounding_box


def patch_radius(patch_size: int) -> int:
    """Voxels between a patch's central voxel and its border.

    Raises:
        ValueError: the size is even or not positive, so that no voxel is central.
    """
    if patch_size < 1 or patch_size % 2 == 0:
        raise ValueError(f"patch_size must be odd and positive, so that a voxel is central, got {patch_size}")
    return patch_size // 2


def grid_shape(shape: Sequence[int], stride: int) -> tuple[int, int, int]:
    """Places along each axis of the grid with this stride in a volume of `shape` (I, J, K)."""
    i, j, k = (-(-count // stride) for count in shape)
    return i, j, k


def cut(volume: Tensor, start: Sequence[int], size: Sequence[int]) -> Tensor:
    """The box (..., *size) of the volume that begins at voxel `start` (may be negative); 0 outside the volume."""
    margins: list[int] = []
    for axis, (first, count) in enumerate(zip(start, size, strict=True), start=-3):
        low = min(max(first, 0), volume.shape[axis])
        high = max(min(first + count, volume.shape[axis]), low)
        before = min(max(-first, 0), count)
        volume = volume.narrow(axis, low, high - low)
        margins = [before, count - before - (high - low), *margins]
    return functional.pad(volume, margins)


def cut_patches(volume: Tensor, centres: Tensor, patch_size: int) -> Tensor:
    """Patches (n, C, P, P, P) of the volume (C, I, J, K), centred on the voxels `centres` (n, 3).

    Raises:
        ValueError: a centre lies outside the volume.
    """
    radius = patch_radius(patch_size)
    limits = torch.tensor(volume.shape[-3:], device=centres.device)
    if bool(((centres < 0) | (centres >= limits)).any()):
        raise ValueError(
            f"centres must lie inside the volume of {tuple(volume.shape[-3:])} voxels, got {centres.tolist()}"
        )
    size = [patch_size] * 3
    patches = volume.new_empty((len(centres), volume.shape[0], *size))
    for patch, centre in zip(patches, centres.tolist(), strict=True):
        patch.copy_(cut(volume, [index - radius for index in centre], size))
    return patches


def any_in_windows(mask: Tensor, window: int, stride: int = 1) -> Tensor:
    """True for each stride-th cube of `window` voxels a side that holds any True voxel of `mask` (..., D, H, W).

    The result is (..., d, h, w) with d = (D - window) // stride + 1; entry k is the cube that begins at voxel
    k * stride, as in `position.DensePositionNet.dense`.
    """
    for axis in (-1, -2, -3):
        count = mask.cumsum(axis, dtype=torch.int32)
        count = functional.pad(count.movedim(axis, -1), [1, 0])
        found = count[..., window::stride] > count[..., : count.shape[-1] - window : stride]
        mask = found.movedim(-1, axis)
    return mask


def foreground_of(inputs: Tensor) -> Tensor:
    """Foreground (..., I, J, K) of network inputs (..., C, I, J, K): where any channel differs from 0."""
    return (inputs != 0).any(dim=-4)


def near_foreground(foreground: Tensor, margin: int, stride: int = 1) -> Tensor:
    """Places (..., ceil(I / stride), ...) of the grid with foreground at most `margin` voxels away along every axis.

    With the patch's radius as margin these are the places whose patch holds any foreground.
    """
    return any_in_windows(functional.pad(foreground, [margin] * 6), 2 * margin + 1, stride)


def enclosed(places: Tensor) -> Tensor:
    """`places` (..., D, H, W) and all those that have some of them on both sides along every one of the three axes.

    Fat under the skin and air in the sinuses may be 0 in the network input without lying outside the head.
    """
    filled = torch.ones_like(places)
    for axis in (-1, -2, -3):
        before = places.to(torch.uint8).cummax(axis).values
        after = places.to(torch.uint8).flip(axis).cummax(axis).values.flip(axis)
        filled &= (before & after).bool()
    return filled


Box = tuple[slice, slice, slice]
"""Slices of the three axes of a grid, with explicit starts and stops."""


def _divide(part: slice, tile: int) -> Sequence[slice]:
    """Consecutive slices of at most `tile` places, of nearly equal length, that make up `part`."""
    length = part.stop - part.start
    count = -(-length // tile)
    edges = [part.start + length * index // count for index in range(count + 1)]
    return [slice(first, last) for first, last in pairwise(edges)]


def tile_boxes(wanted: Tensor, tile: int) -> Iterator[Box]:
    """Disjoint boxes of at most `tile` places a side that together hold every True place of `wanted` (I, J, K)."""
    places = wanted.cpu().numpy()
    if not places.any():
        return
    for part in product(*(_divide(whole, tile) for whole in bounding_box(places))):
        if places[part].any():
            inner = zip(part, bounding_box(places[part]), strict=True)
            i, j, k = (slice(outer.start + own.start, outer.start + own.stop) for outer, own in inner)
            yield i, j, k
