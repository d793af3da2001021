"""The picture of what is found: a panel for each kind, share by volume, with intervals, as a reproducible PNG."""

from __future__ import annotations

import io
from collections.abc import Sequence

from PIL import Image, ImageDraw

from ...results.drawing import BACKGROUND, QUIET, TEXT, label
from .report import Share

PANEL, GAP, LEFT, TOP, BASE = (250, 190), 16, 42, 30, 44
"""Size of a panel's axes in pixels, the gap between panels, and the room left of, above and below the axes."""

COLUMNS, TITLE = 4, 44
"""Panels in a row, and height of the title."""

POINT, GRID = (110, 190, 255), (52, 56, 64)
"""Colours of points with their intervals, and of the lines at each quarter."""

RADIUS, CAP = 4, 5


def chart(found: Sequence[Share], title: str) -> bytes:
    """The picture of shares by kind and volume, as the bytes of a PNG; those without a volume are left out."""
    kinds = list(dict.fromkeys(share.kind for share in found if share.volume_ml is not None))
    volumes = sorted({share.volume_ml for share in found if share.volume_ml is not None})
    columns = min(COLUMNS, max(len(kinds), 2))
    rows = -(-len(kinds) // columns)
    cell = PANEL[0] + LEFT + GAP, PANEL[1] + TOP + BASE
    sheet = Image.new("RGB", (columns * cell[0] + GAP, TITLE + rows * cell[1] + GAP), BACKGROUND)
    label(sheet, (GAP, 12), title, 16, TEXT)
    for number, kind in enumerate(kinds):
        corner = GAP + number % columns * cell[0] + LEFT, TITLE + number // columns * cell[1] + TOP
        own = [share for share in found if share.kind == kind and share.volume_ml is not None]
        draw_panel(sheet, corner, kind.replace("_", " "), own, volumes)
    stream = io.BytesIO()
    sheet.save(stream, "PNG", compress_level=9)
    return stream.getvalue()


def draw_panel(
    sheet: Image.Image, corner: tuple[int, int], name: str, found: Sequence[Share], volumes: Sequence[float]
) -> None:
    """Draw the axes of a kind at a corner, upper left, and its shares; volumes have even distances."""
    (x, y), (width, height), draw = corner, PANEL, ImageDraw.Draw(sheet)
    label(sheet, (x, y - 8), name, 14, TEXT, "ls")
    for percent in (0, 25, 50, 75, 100):
        level = y + height - percent * height // 100
        draw.line((x, level, x + width, level), GRID)
        label(sheet, (x - 6, level), f"{percent}", 11, QUIET, "rm")
    places = {ml: x + int((number + 0.5) * width / len(volumes)) for number, ml in enumerate(volumes)}
    for ml, place in places.items():
        label(sheet, (place, y + height + 6), f"{ml:g}", 11, QUIET, "ma")
    for share in found:
        place = places[share.volume_ml or 0.0]
        draw_share(draw, place, y, share)
        label(sheet, (place, y + height + 22), f"{share.found}/{share.lesions}", 10, QUIET, "ma")


def draw_share(draw: ImageDraw.ImageDraw, place: int, top: int, share: Share) -> None:
    """Draw a share as a point with its interval, if it has one."""
    height = PANEL[1]
    if share.interval is not None:
        high, low = (top + height - round(end * height) for end in reversed(share.interval))
        draw.line((place, high, place, low), POINT, 2)
        for level in (high, low):
            draw.line((place - CAP, level, place + CAP, level), POINT, 2)
    level = top + height - round(share.found / share.lesions * height)
    draw.ellipse((place - RADIUS, level - RADIUS, place + RADIUS, level + RADIUS), POINT)
