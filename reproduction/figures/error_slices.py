"""Figures 4 and 9: axial slices of a few scans, each beside the maps that the networks made of it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.colors import Normalize
from matplotlib.figure import Figure
from numpy.typing import NDArray

from scripts.results.planes import Array, Plane, head_box_mm, peak_mm, plane_through, sample
from scripts.volume import AIR_HU

from ..rows import SERIES, NothingToShow
from .style import ordered, panels

COLOURS = "inferno"
"""matplotlib's map of colours."""

SIDE_PIXELS = 320
"""Pixels along a side of a slice."""

ROOM = 1.05
"""A slice shows the longest side of the head's box, and so much more."""


@dataclass(frozen=True, eq=False)
class Slices:
    """A scan with its maps, all (I, J, K) on the grid that `affine` puts into the world (RAS mm).

    The slice goes through the highest voxel of the first map inside `where`; `window_hu` is what is shown of the scan;
    the maps go by series, with their units.
    """

    title: str
    hu: NDArray[Any]
    affine: Array
    where: NDArray[np.bool_]
    window_hu: tuple[float, float]
    maps: Mapping[str, tuple[NDArray[np.floating[Any]], str]]

    def plane(self) -> Plane:
        """The axial plane to show."""
        first = next(iter(self.maps.values()))[0]
        box = head_box_mm(self.hu, self.affine)
        peak = peak_mm(first, self.affine, self.where.astype(np.uint8))
        return plane_through("axial", peak, box.mean(axis=0), ROOM * float((box[1] - box[0])[:2].max()), SIDE_PIXELS)


def draw(scans: Sequence[Slices]) -> Figure:
    """A row for each scan: its slice, then each network's map; a map has the same colours in all rows.

    Raises:
        NothingToShow: there is no scan, or one without a map.
    """
    if not scans or not all(scan.maps for scan in scans):
        raise NothingToShow("slices need scans, and each a map at least")
    series = ordered(name for scan in scans for name in scan.maps)
    figure, axes = panels(1 + len(series), len(scans), (2.8, 2.9))
    planes = [scan.plane() for scan in scans]
    for row, scan, plane in zip(axes, scans, planes, strict=True):
        low, high = scan.window_hu
        row[0].imshow(sample(scan.hu, scan.affine, plane, AIR_HU), cmap="gray", vmin=low, vmax=high)
        row[0].set_ylabel(scan.title, fontsize=9)
        for panel in row:
            panel.set(xticks=[], yticks=[])
        for letter, (x, y) in zip(plane.letters, ((0.04, 0.5), (0.96, 0.5), (0.5, 0.95), (0.5, 0.04)), strict=True):
            row[0].text(x, y, letter, transform=row[0].transAxes, ha="center", va="center", color="w", fontsize=8)
    axes[0][0].set_title("scan")
    for column, name in enumerate(series, start=1):
        draw_maps(figure, [row[column] for row in axes], name, list(zip(scans, planes, strict=True)))
    return figure


def draw_maps(figure: Figure, column: Sequence[Axes], series: str, scans: Sequence[tuple[Slices, Plane]]) -> None:
    """The maps of one network, with their colour bar below."""
    images = dict(sliced(series, scans))
    top = max((float(image.max()) for image in images.values()), default=0.0)
    scale = Normalize(0, top or 1.0)
    for number, panel in enumerate(column):
        if number in images:
            panel.imshow(images[number], cmap=COLOURS, norm=scale)
        else:
            panel.set_axis_off()
            panel.text(0.5, 0.5, "no map", transform=panel.transAxes, ha="center", color="#777777")
    column[0].set_title(SERIES[series])
    unit = ordered(scan.maps[series][1] for scan, _ in scans if series in scan.maps)
    bar = figure.colorbar(ScalarMappable(scale, COLOURS), ax=list(column), location="bottom", shrink=0.9, pad=0.02)
    bar.set_label(", ".join(unit), fontsize=8)


def sliced(series: str, scans: Sequence[tuple[Slices, Plane]]) -> Iterator[tuple[int, Array]]:
    """Row and image of each map of one network."""
    for number, (scan, plane) in enumerate(scans):
        if series in scan.maps:
            yield number, sample(scan.maps[series][0], scan.affine, plane, 0.0)
