"""The outline of a mask in a slice, as a closed line of few points that viewers draw.

A point is (column, row) in pixels; (0, 0) is the top left corner of the top left pixel, as of spatial coordinates in
DICOM (PS3.3 C.18.6.1.2). The *border* of a mask runs along the sides of its pixels.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

TOLERANCE = 0.75
"""Pixels that the outline may be off the border: more than the steps of a slanted border, less than a pixel."""

FEWEST = 4
"""With as few points, the first of them twice, a line is not simplified: it would be flat."""

SMALL_MM, CORNERS = 5.0, 12
"""Radius and corners of the circle around a place that has no voxels in its slice."""

Points = NDArray[np.float64]


def outline(mask: NDArray[np.bool_]) -> Points:
    """The outline (n, 2) of the largest piece of a mask (rows, columns), closed: the last point is the first.

    Raises:
        ValueError: the mask is empty.
    """
    labels, count = ndimage.label(mask)
    if not count:
        raise ValueError("an empty mask has no outline")
    piece = labels == 1 + int(np.argmax(np.bincount(labels.ravel())[1:]))
    full = border(ndimage.binary_fill_holes(piece))
    line = simplified(full)
    return line if len(line) > FEWEST else full


def border(piece: NDArray[np.bool_]) -> Points:
    """The border (n, 2) of one piece without holes (rows, columns), clockwise as it is seen, closed."""
    padded = np.pad(piece, 1)
    follows: dict[tuple[int, int], list[tuple[int, int]]] = {}
    for shift, start, end in (
        ((-1, 0), (0, 0), (1, 0)),
        ((0, 1), (1, 0), (1, 1)),
        ((1, 0), (1, 1), (0, 1)),
        ((0, -1), (0, 1), (0, 0)),
    ):
        for row, column in np.argwhere(padded & ~np.roll(padded, (-shift[0], -shift[1]), (0, 1))) - 1:
            corner = (int(column) + start[0], int(row) + start[1])
            follows.setdefault(corner, []).append((int(column) + end[0], int(row) + end[1]))
    first = min(follows)
    line = [first, follows[first].pop()]
    while line[-1] != first:
        before, here = line[-2:]
        choices = follows[here]  # two where pixels touch at a corner: the right turn stays on this piece
        turned = (here[0] - (here[1] - before[1]), here[1] + (here[0] - before[0]))
        line.append(choices.pop(choices.index(turned) if turned in choices else 0))
    return np.array(line, dtype=np.float64)


def simplified(line: Points) -> Points:
    """A closed line (n, 2) with fewer points, nowhere more than `TOLERANCE` off (Douglas and Peucker 1973)."""
    far = int(np.linalg.norm(line - line[0], axis=1).argmax())
    kept = np.zeros(len(line), bool)
    kept[[0, far, -1]] = True
    parts = [(0, far), (far, len(line) - 1)]
    while parts:
        start, end = parts.pop()
        along = line[end] - line[start]
        inner = line[start + 1 : end] - line[start]
        if not len(inner):
            continue
        off = np.abs(inner[:, 0] * along[1] - inner[:, 1] * along[0]) / max(float(np.hypot(*along)), 1e-9)
        worst = int(off.argmax())
        if off[worst] > TOLERANCE:
            middle = start + 1 + worst
            kept[middle] = True
            parts += [(start, middle), (middle, end)]
    return line[kept]


def circle(centre: Points, pixel_mm: tuple[float, float]) -> Points:
    """A closed circle (n, 2) of `SMALL_MM` around a point; `pixel_mm` are the distances between rows and columns."""
    angles = np.linspace(0, 2 * np.pi, CORNERS + 1)
    around = np.stack([np.cos(angles) / pixel_mm[1], np.sin(angles) / pixel_mm[0]], axis=1)
    line = np.asarray(centre + SMALL_MM * around, dtype=np.float64)
    line[-1] = line[0]
    return line
