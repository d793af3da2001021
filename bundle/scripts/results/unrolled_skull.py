"""The picture of the unrolled skull: its gap map with the detections and the holes, as a reproducible PNG.

The calvaria is seen from above in an equal-area projection: the front is up, the patient's right on the left, the
vertex in the middle. Bright places lack bone; sutures are bright, too. Dotted lines and names show where sutures and
bones lie on a mean skull. Only what is above the threshold of healthy scans is marked, with the number that it has in
the list of detections: a line beside its course, not over it, a dent by a ring. Holes have rings of their own.
"""

from __future__ import annotations

import io

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from ..geometry.coordinates import CENTRE_MM
from ..skull.assessment import Assessment
from ..skull.atlas import atlas
from ..skull.bones import AT, direction
from ..skull.detections import Detection
from ..skull.lookup import PIXEL_MM
from ..skull.unrolled import image, pixels
from ..statistics.alpha import percent_below
from .drawing import BACKGROUND, QUIET, TEXT, WARNING, label

SIDE = 640
"""Side of the map of `skull.png` in pixels; the header lies above."""

HEADER = 70
GAPS = (-0.1, 0.7)
"""Gaps that are shown black and white."""

ASIDE_MM = 4.0
"""Distance at which a line is drawn beside its course."""

LETTERS = {"front": (0.5, 0.03), "back": (0.5, 0.97), "R": (0.03, 0.5), "L": (0.97, 0.5)}
LINE, HOLE, SUTURE = (255, 120, 60), (90, 170, 255), (60, 105, 125)

SUTURES = (("bregma", "pterion"), ("pterion", "squama"), ("squama", "asterion"), ("asterion", "lambda"))
"""Landmarks between which the sutures of a side run; the sagittal one runs from bregma to lambda."""

BONES = {"frontal": (90.0, 32.0), "parietal": (-8.0, 44.0), "temporal": (8.0, -3.0), "occipital": (270.0, 4.0)}
"""Azimuth and elevation at which the name of a bone stands, in the middle or on the right; both sides have one then."""

RING_MM = 12.0
"""Radius of the ring around a dent."""


def unrolled_skull(found: Assessment, first: int = 1) -> bytes:
    """The picture of an assessed skull, as the bytes of a PNG; its detections are numbered from `first` on."""
    sheet = Image.new("RGB", (SIDE, SIDE + HEADER), BACKGROUND)
    sheet.paste(unrolled_map(found, SIDE, first), (0, HEADER))
    draw_words(sheet, found)
    stream = io.BytesIO()
    sheet.save(stream, "PNG", compress_level=6)
    return stream.getvalue()


def unrolled_map(found: Assessment, side: int, first: int = 1) -> Image.Image:
    """The map of an assessed skull, `side` pixels a side, with its marks, and what shows a reader the way."""
    tables, skull = atlas(), found.skull
    shown = np.where(skull.gaps.bone, skull.gaps.gap, np.nan)
    for hole in skull.holes:
        shown[hole.places] = 1
    levels = np.clip((image(shown, tables) - GAPS[0]) / (GAPS[1] - GAPS[0]), 0, 1)
    grey = np.repeat(np.nan_to_num(levels * 255)[..., None], 3, axis=2).astype(np.uint8)
    grey[np.isnan(levels)] = BACKGROUND
    scale = side / len(grey)
    drawn = Image.fromarray(grey).resize((side, side), Image.Resampling.BILINEAR)
    draw_way(drawn, scale)
    draw, centre = ImageDraw.Draw(drawn), np.array(CENTRE_MM)
    for hole in found.defects:
        out = (hole.middle_mm - centre) / np.linalg.norm(hole.middle_mm - centre)
        ring(draw, pixels(out[None])[0] * scale, hole.diameter_mm / 2 / PIXEL_MM * scale + 3, HOLE)
    for number, one in enumerate(found.detections, first):
        mark(drawn, one, number, scale)
    return drawn


def draw_way(drawn: Image.Image, scale: float) -> None:
    """Draw front, back, left, right and vertex, the mean sutures and the names of the bones."""
    size = 12 if drawn.width < SIDE else 14
    for one, other in SUTURES:
        for side in ((1, 1, 1), (-1, 1, 1)):
            dotted(drawn, AT[one] * side, AT[other] * side, scale)
    dotted(drawn, AT["bregma"], AT["lambda"], scale)
    for name, (azimuth, elevation) in BONES.items():
        place = direction(azimuth, elevation)
        for out in [place] if abs(place[0]) < 1e-6 else [place, place * (-1, 1, 1)]:
            row, column = pixels(out[None])[0] * scale
            label(drawn, (round(column), round(row)), name, size - 2, QUIET, "mm")
    for text, (x, y) in LETTERS.items():
        label(drawn, (round(x * drawn.width), round(y * drawn.width)), text, size + 2, TEXT, "mm")
    middle = drawn.width // 2
    for ends in (((middle - 5, middle), (middle + 5, middle)), ((middle, middle - 5), (middle, middle + 5))):
        ImageDraw.Draw(drawn).line(ends, fill=TEXT)
    label(drawn, (middle + 7, middle + 3), "vertex", size - 2, QUIET)


def dotted(drawn: Image.Image, one: NDArray[np.float64], other: NDArray[np.float64], scale: float) -> None:
    """Draw a great circle from one direction (3,) to another by dots."""
    share = np.linspace(0, 1, 24)[:, None]
    course = (1 - share) * one + share * other
    draw = ImageDraw.Draw(drawn)
    for row, column in pixels(course / np.linalg.norm(course, axis=1, keepdims=True)) * scale:
        draw.ellipse([column - 0.8, row - 0.8, column + 0.8, row + 0.8], fill=SUTURE)


def mark(drawn: Image.Image, one: Detection, number: int, scale: float) -> None:
    """Mark a detection with its number; `scale` is the size of a pixel of the map in the picture."""
    draw, peak = ImageDraw.Draw(drawn), one.peak_mm - np.array(CENTRE_MM)
    at = pixels(peak[None] / np.linalg.norm(peak))[0] * scale
    if one.map == "dents":
        ring(draw, at, RING_MM / PIXEL_MM * scale, LINE)
        away = np.array([-1.0, 1.0]) * RING_MM
    else:
        course = pixels(atlas().fine[one.places]) * scale
        for side in (-1, 1):
            shifted = course + side * ASIDE_MM / PIXEL_MM * scale * _across(course)
            draw.line([(column, row) for row, column in shifted], fill=LINE, width=2)
        at, away = course[len(course) // 2], 3.5 * ASIDE_MM * _across(course)[len(course) // 2]
    row, column = at + away / PIXEL_MM * scale
    label(drawn, (round(column), round(row)), str(number), 14, LINE, "mm")


def ring(draw: ImageDraw.ImageDraw, middle: NDArray[np.float64], radius: float, colour: tuple[int, int, int]) -> None:
    """Draw a ring around a middle (row, column), its radius in pixels."""
    row, column = middle
    draw.ellipse([column - radius, row - radius, column + radius, row + radius], outline=colour, width=2)


def draw_words(sheet: Image.Image, found: Assessment) -> None:
    """Draw the score, what is marked, and the largest hole."""
    numbers = found.numbers
    label(sheet, (10, 6), "Unrolled skull: bright where bone is missing, dotted: mean sutures", 18, TEXT)
    words = f"score {numbers['skull_score']:.1f}, percentile {numbers['skull_percentile']:.0f} of healthy scans"
    label(sheet, (10, 30), f"{words}, {percent_below(found.alpha)} at or below {found.threshold:.1f}", 14, QUIET)
    count = len(found.detections)
    words = (
        f"{count} {'place' if count == 1 else 'places'} above the threshold (orange)" if count else "nothing unusual"
    )
    if found.defects:
        words += f", largest hole {numbers['hole_mm']:.0f} mm (blue){': surgery or a defect' if found.defect else ''}"
    label(sheet, (10, 48), words, 14, WARNING if found.defect or count else QUIET)


def _across(course: NDArray[np.float64]) -> NDArray[np.float64]:
    """Unit vectors (n, 2) across a course of rows and columns (n, 2)."""
    if len(course) < 2:
        return np.zeros_like(course)
    along = np.gradient(course, axis=0)
    length = np.maximum(np.linalg.norm(along, axis=1, keepdims=True), 1e-6)
    return np.asarray(along[:, ::-1] * (-1, 1) / length)
