"""Tiles: the boxes of a grid of places, one after the other, in which a dense network is evaluated.

A *box* is three slices of the grid. Only *wanted* places count: the tiles divide the bounding box of all of them
evenly, tiles without any are left out, and each of the others shrinks to the bounding box of its own.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import pairwise, product

from torch import Tensor

Box = tuple[slice, slice, slice]
"""Slices of the three axes of a grid, with explicit starts and stops."""


def bounding_box(wanted: Tensor, within: Box | None = None) -> Box | None:
    """The smallest box with every True place of `wanted` (I, J, K), or of those within a box; None without any."""
    origin = (0, 0, 0) if within is None else tuple(part.start for part in within)
    part = wanted if within is None else wanted[within]
    slices = []
    for axis, start in enumerate(origin):
        others = [other for other in range(3) if other != axis]
        along = part.any(dim=others[1]).any(dim=others[0]).nonzero()
        if along.numel() == 0:
            return None
        slices.append(slice(start + int(along[0]), start + int(along[-1]) + 1))
    return slices[0], slices[1], slices[2]


def _divide(part: slice, tile: int) -> Sequence[slice]:
    """Consecutive slices of at most `tile` places, of nearly equal length, that make up `part`."""
    length = part.stop - part.start
    count = -(-length // tile)
    edges = [part.start + length * index // count for index in range(count + 1)]
    return [slice(first, last) for first, last in pairwise(edges)]


def tile_boxes(wanted: Tensor, tile: int) -> Iterator[Box]:
    """Disjoint boxes of at most `tile` places a side that together hold every True place of `wanted` (I, J, K)."""
    whole = bounding_box(wanted)
    if whole is None:
        return
    for i, j, k in product(*(_divide(part, tile) for part in whole)):
        box = bounding_box(wanted, (i, j, k))
        if box is not None:
            yield box
