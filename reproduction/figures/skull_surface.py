"""Figure 5: the skull of a head from four sides, coloured by the error map at its surface."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from matplotlib import colormaps
from matplotlib.cm import ScalarMappable
from matplotlib.colors import Normalize
from matplotlib.figure import Figure
from numpy.typing import NDArray

from scripts.results.planes import Array

from ..rows import NothingToShow
from .style import panels
from .surface_view import VIEWS, SurfaceView, surface_view

COLOURS = "turbo"
"""matplotlib's map of colours."""

SIDE_MM = 220.0
"""Side of a panel; a skull is about 190 mm long."""

TOP_PERCENTILE = 99.5
"""The colours end at this percentile of all that is seen, so that a few pixels do not darken the rest."""


@dataclass(frozen=True, eq=False)
class Skull:
    """A skull: its mask (I, J, K), a map on the same grid, the grid's affine, and the map's unit."""

    mask: NDArray[np.bool_]
    values: NDArray[np.floating[Any]]
    affine: Array
    unit: str


def draw(skulls: Mapping[str, Skull]) -> Figure:
    """A row of panels for each skull, by its title; one range of colours for all.

    Raises:
        NothingToShow: there is no skull, or units differ.
    """
    units = {skull.unit for skull in skulls.values()}
    if len(units) != 1:
        raise NothingToShow(f"skulls are coloured by maps of one unit, got {sorted(units)}")
    seen = {name: [surface_view(s.mask, s.values, s.affine, v, SIDE_MM) for v in VIEWS] for name, s in skulls.items()}
    shown = np.concatenate([view.values[np.isfinite(view.depth_mm)] for views in seen.values() for view in views])
    scale = Normalize(0, float(np.percentile(shown, TOP_PERCENTILE)) or 1.0)
    figure, axes = panels(len(VIEWS), len(seen), (2.7, 2.9))
    for row, (name, views) in zip(axes, seen.items(), strict=True):
        for panel, view, words in zip(row, views, VIEWS, strict=True):
            panel.imshow(coloured(view, scale))
            panel.set(xticks=[], yticks=[], title=words if row is axes[0] else "")
            for x, letter in zip((0.04, 0.96), view.letters, strict=True):
                panel.text(x, 0.5, letter, transform=panel.transAxes, ha="center", color="#bbbbbb", fontsize=8)
        row[0].set_ylabel(name, fontsize=9)
    bar = figure.colorbar(ScalarMappable(scale, COLOURS), ax=np.array(axes).ravel().tolist(), shrink=0.8, pad=0.01)
    bar.set_label(f"error at the surface, {units.pop()}")
    return figure


def coloured(view: SurfaceView, scale: Normalize) -> Array:
    """Red, green and blue (rows, columns, 3) from 0 to 1: the colour of the value, as bright as the shade."""
    rgb = np.asarray(colormaps[COLOURS](scale(view.values)))[..., :3]
    return np.asarray(rgb * view.shade[..., None])
