"""Colours of a scan: the greys of a window, a heatmap over them, the outlines of regions.

A *window* is a pair of HU: at and below the first a voxel is black, at and above the second it is white. The heatmap is
blended in, the more opaque the higher, so that anatomy stays visible wherever there is nothing to see. Where the
threshold of a heatmap is known, nothing is blended in: *contours* enclose what is above it, and what is above twice it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .planes import Array, Plane, sample

BRAIN_WINDOW_HU, BONE_WINDOW_HU = (0.0, 80.0), (-450.0, 1550.0)
"""The two windows that are shown."""

OPACITY = 0.75
"""Opacity of the heatmap at the top of its scale."""

HEAT = np.array([[60, 15, 110], [165, 35, 100], [230, 90, 40], [250, 170, 30], [255, 250, 150]], dtype=float)
"""Colours of the heatmap, evenly spaced from the bottom of its scale to the top."""

CONTOURS = ((1.0, (255, 140, 50)), (2.0, (255, 240, 110)))
"""Multiples of the threshold at which contours run, and their colours."""

OUTLINES = {
    1: ("left hemisphere", (90, 200, 255)),
    2: ("right hemisphere", (120, 230, 140)),
    3: ("skull", (235, 200, 110)),
}
"""Name and colour of the outline of each region label."""


@dataclass(frozen=True)
class Scan:
    """A scan to draw: volumes (I, J, K) on one grid with its affine (4, 4) in RAS mm, and the scale of the heatmap.

    `top` is the value at the top of its scale; with a `threshold`, contours show it instead. Slices of a grid that is
    not `even` with those of the scanner have no numbers.
    """

    volume_hu: NDArray[Any]
    heatmap: NDArray[Any]
    affine: Array
    regions: NDArray[Any] | None
    top: float
    threshold: float | None = None
    even: bool = True


def paint(scan: Scan, plane: Plane, window: tuple[float, float], heat: bool, outlines: bool) -> NDArray[np.uint8]:
    """Colours (size, size, 3) of a plane: greys of a window, with the heatmap or the regions' outlines over them."""
    air = min(-1000.0, float(window[0]))
    grey = np.clip((sample(scan.volume_hu, scan.affine, plane, air) - window[0]) / (window[1] - window[0]), 0, 1)
    colours = np.repeat(255 * grey[..., None], 3, axis=-1)
    if heat:
        values = sample(scan.heatmap, scan.affine, plane, 0.0)
        colours = contoured(colours, values / scan.threshold) if scan.threshold else blend(colours, values / scan.top)
    if outlines and scan.regions is not None:
        labels = sample(scan.regions, scan.affine, plane, 0.0, order=0).astype(int)
        for value, (_, colour) in OUTLINES.items():
            line = edge(labels == value)
            colours[line] = 0.35 * colours[line] + 0.65 * np.array(colour)
    return np.asarray(np.round(colours), dtype=np.uint8)


def blend(colours: Array, level: Array) -> Array:
    """Colours (..., 3) under a heatmap `level` (...), 1 being the top of its scale: the higher, the more opaque."""
    level = np.clip(level, 0, 1)
    stops = np.linspace(0, 1, len(HEAT))
    heat = np.stack([np.interp(level, stops, channel) for channel in HEAT.T], axis=-1)
    opacity = OPACITY * np.clip(1.5 * level - 0.15, 0, 1)[..., None]
    return np.asarray((1 - opacity) * colours + opacity * heat)


def contoured(colours: Array, excess: Array) -> Array:
    """Colours (rows, columns, 3) with the contours of a heatmap, given in units of its threshold (rows, columns)."""
    drawn = colours.copy()
    for multiple, colour in CONTOURS:
        drawn[edge(excess > multiple)] = colour
    return drawn


def edge(mask: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Pixels of a mask (rows, columns) with a neighbour, above, below or beside, outside it."""
    padded = np.pad(mask, 1, mode="edge")
    inner = padded[:-2, 1:-1] & padded[2:, 1:-1] & padded[1:-1, :-2] & padded[1:-1, 2:]
    return np.asarray(mask & ~inner)
