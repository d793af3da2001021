"""Panels of the overview: planes of a scan with their titles, letters, bars of length and crosshairs."""

from __future__ import annotations

import numpy as np
from PIL import Image, ImageDraw

from .drawing import QUIET, TEXT, label
from .marks import slice_in_words
from .overlay import Scan
from .planes import Array, Plane

PANEL = 400
"""Side of a panel in pixels."""

KINDS = ("axial", "coronal", "sagittal")
"""Planes of a mark, in the order of the picture."""

GAP, TITLES = 4, 20
"""Pixels between panels, and height of the line of titles above a row."""

CLOSE_MM = 90.0
"""Side of the view of a close-up."""


def view_of(box: Array) -> tuple[Array, float]:
    """Middle (3,) and side, mm, of the view of a head in a box (2, 3)."""
    return box.mean(axis=0), float((box[1] - box[0]).max()) * 1.04


def draw_titled(sheet: Image.Image, panel: Image.Image, corner: tuple[int, int], title: str) -> None:
    """Draw a title and, below it, paste a panel."""
    sheet.paste(panel, (corner[0], corner[1] + TITLES))
    label(sheet, (corner[0] + 8, corner[1] + 1), title, 13 if panel.width == PANEL else 11, QUIET)


def plane_in_words(plane: Plane, point_mm: Array, scan: Scan) -> str:
    """Kind of a plane, its position in mm, and its slice."""
    axis = {"axial": 2, "coronal": 1, "sagittal": 0}[plane.kind]
    number = slice_in_words(point_mm, np.eye(3)[axis], scan.affine, scan.volume_hu.shape) if scan.even else ""
    return f"{plane.kind}  {'xyz'[axis]} {point_mm[axis]:.0f} mm{', ' if number else ''}{number}"


def annotate(
    panel: Image.Image, plane: Plane, side_mm: float, crosshair: Array | None, window: tuple[float, float]
) -> None:
    """Draw orientation letters, window, a bar of 5 or 2 cm and, at a point (3,), a crosshair that leaves it free."""
    middle, far = panel.width // 2, panel.width - 8
    for letter, place, anchor in zip(
        plane.letters, [(8, middle), (far, middle), (middle, 6), (middle, far)], ["lm", "rm", "ma", "md"], strict=True
    ):
        label(panel, place, letter, 18, TEXT, anchor)
    label(panel, (8, far), f"{window[0]:.0f} to {window[1]:.0f} HU", 12, QUIET, "ld")
    centimetres = 5 if side_mm > CLOSE_MM else 2
    draw, length = ImageDraw.Draw(panel), 10 * centimetres / side_mm * panel.width
    draw.line([(far - length, far - 4), (far, far - 4)], fill=QUIET, width=2)
    label(panel, (round(far - length / 2), far - 8), f"{centimetres} cm", 12, QUIET, "md")
    if crosshair is not None:
        draw_crosshair(draw, plane, crosshair, 34)


def draw_crosshair(draw: ImageDraw.ImageDraw, plane: Plane, point_mm: Array, reach: int) -> None:
    """Draw a crosshair of some pixels to each side that leaves the point (3,) free."""
    row, column = plane.pixel(point_mm)
    for near, end in ((0.4 * reach, reach), (-0.4 * reach, -reach)):
        draw.line([(column + near, row), (column + end, row)], fill=TEXT)
        draw.line([(column, row + near), (column, row + end)], fill=TEXT)
