"""One picture of two scans of a patient: the same planes of the reference head before, after, and their difference.

Contours enclose what is above the threshold of detections. In the third column the difference of the smoothed maps is
laid over the later scan: red where the later one is higher, blue where it is lower, beginning at half of what repeat
scans differ by (or of the scale's top, where that is not known).
"""

from __future__ import annotations

import io
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from .drawing import BACKGROUND, QUIET, TEXT, fitted, label
from .overlay import BRAIN_WINDOW_HU, Scan, paint
from .panels import GAP, KINDS, TITLES, annotate, draw_titled
from .planes import Array, Plane, plane_through, sample

SIDE = 320
"""Side of a panel in pixels."""

CENTRE_MM, VIEW_MM = np.array([0.0, -8.0, 20.0]), 220.0
"""Middle and side of the view in reference space: the whole head."""

HIGHER, LOWER = (235, 60, 50), (60, 130, 255)
"""Colours of what is higher and of what is lower than before."""

HEADER, LINE, FOOTER = 36, 18, 26
"""Heights of the title, of a line of text below it, and of the last line, in pixels."""

MOST_LINES = 6
"""Sentences that are shown."""

OPACITY = 0.8
"""Opacity of the difference at the top of its scale."""


@dataclass(frozen=True, eq=False)
class Side:
    """A scan to draw: HU and heat of the brain (I, J, K) on its grid, and (4, 4) from its voxels to reference mm."""

    hu: NDArray[Any]
    heat: NDArray[Any]
    to_reference: Array


def before_after(
    before: Side,
    after: Side,
    difference: NDArray[Any],
    affine: Array,
    point_mm: Array,
    *,
    threshold: float | None,
    limit: float | None,
    sentences: Sequence[str] = (),
) -> bytes:
    """The picture, as the bytes of a PNG.

    Args:
        before: the earlier scan.
        after: the later one.
        difference: (n, n, n), later minus earlier map, of any grid in reference space.
        affine: (4, 4), of that grid.
        point_mm: (3,), reference mm, where the planes lie.
        threshold: of detections in the brain; None where there is none.
        limit: what repeat scans differ by; None where it is not known.
        sentences: about what changed; the first `MOST_LINES` are written above.
    """
    shown = list(sentences[:MOST_LINES])
    top, width = HEADER + LINE * len(shown) + 8, 3 * (SIDE + GAP)
    sheet = Image.new("RGB", (width, top + 3 * (TITLES + SIDE + GAP) + FOOTER), BACKGROUND)
    label(sheet, (10, 8), "Before and after, on the reference head", 18, TEXT)
    for line, text in enumerate(shown):
        label(sheet, (10, HEADER + LINE * line), fitted(text, width - 20, 12), 12, TEXT)
    scale = 2 * limit if limit else max(float(np.abs(difference).max(initial=0)), 1.0)
    for row, kind in enumerate(KINDS):
        plane = plane_through(kind, point_mm, CENTRE_MM, VIEW_MM, SIDE)
        panels = [_scan_panel(side, plane, threshold) for side in (before, after)]
        grey = _scan_panel(after, plane, None)
        panels.append(tinted(grey, sample(difference, affine, plane, 0.0) / scale))
        for column, (colours, title) in enumerate(zip(panels, ("before", "after", "difference"), strict=True)):
            panel = Image.fromarray(colours)
            annotate(panel, plane, VIEW_MM, point_mm, BRAIN_WINDOW_HU)
            draw_titled(sheet, panel, (column * (SIDE + GAP), top + row * (TITLES + SIDE + GAP)), f"{title}, {kind}")
    label(sheet, (10, sheet.height - FOOTER + 4), _key(scale, threshold), 12, QUIET)
    stream = io.BytesIO()
    sheet.save(stream, "PNG", compress_level=6)
    return stream.getvalue()


def _scan_panel(side: Side, plane: Plane, threshold: float | None) -> NDArray[np.uint8]:
    """Colours (size, size, 3) of a scan on a plane of reference space, with contours where a threshold is given."""
    scan = Scan(side.hu, side.heat, side.to_reference, None, 1.0, threshold)
    return paint(scan, plane, BRAIN_WINDOW_HU, heat=threshold is not None, outlines=False)


def tinted(grey: NDArray[np.uint8], level: Array) -> NDArray[np.uint8]:
    """Colours (rows, columns, 3) under a difference in units of its scale (rows, columns): from a quarter of it on."""
    strength = OPACITY * np.clip((np.abs(level) - 0.25) / 0.75, 0, 1)[..., None]
    colours = np.where(level[..., None] > 0, np.array(HIGHER, dtype=float), np.array(LOWER, dtype=float))
    return np.asarray(np.round((1 - strength) * grey + strength * colours), dtype=np.uint8)


def _key(scale: float, threshold: float | None) -> str:
    """The meaning of colours and contours."""
    contours = f"Contours: above {threshold:.1f} and twice it.   " if threshold else ""
    return f"{contours}Difference: red higher now, blue lower; from {scale / 4:.1f} to {scale:.1f} and beyond."
