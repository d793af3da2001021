"""The sheet: a result on one page of A4, as a PDF whose text can be selected.

The same result gives the same bytes: the file holds no date and no random number.
"""

from __future__ import annotations

import io
from collections.abc import Sequence
from typing import Any
from xml.sax.saxutils import escape

from .content import Content

MARGIN_PT, GAP_PT = 36.0, 7.0
"""Around the sheet and between its parts, in points of 1/72 inch."""

MOST_ROWS, MOST_FLAGS = 6, 4
"""Detections and flags that the sheet has room for; the others are counted."""

SMALL, NORMAL, LARGE = 8.0, 9.5, 15.0
"""Sizes of the letters in points."""

AMBER, GREY, LINE = "#9a4a00", "#444444", "#bbbbbb"
"""Colours of what is above a threshold, of facts beside, and of lines."""

FEWEST_PT = 150.0
"""Height that is left to the picture at least."""


def sheet(content: Content, overview: bytes | None) -> bytes:
    """The PDF of a result; `overview` is its picture as a PNG."""
    from reportlab.lib.pagesizes import A4
    from reportlab.pdfgen.canvas import Canvas

    stream = io.BytesIO()
    canvas = Canvas(stream, pagesize=A4, invariant=1, pageCompression=1, lang="en")
    canvas.setTitle(content.title)
    canvas.setSubject(content.caution)
    canvas.setAuthor("")
    width, height = A4[0] - 2 * MARGIN_PT, A4[1] - 2 * MARGIN_PT
    above, below = first_parts(content), last_parts(content)
    sizes = {id(part): part.wrap(width, height)[1] for part in [*above, *below]}
    left = height - sum(sizes.values()) - GAP_PT * (len(above) + len(below))
    at = A4[1] - MARGIN_PT
    for part in above:
        at -= sizes[id(part)]
        part.drawOn(canvas, MARGIN_PT, at)
        at -= GAP_PT
    if overview is not None:
        at = draw_picture(canvas, overview, at, width, max(left, FEWEST_PT)) - GAP_PT
    for part in below:
        at -= sizes[id(part)]
        part.drawOn(canvas, MARGIN_PT, at)
        at -= GAP_PT
    canvas.showPage()
    canvas.save()
    return stream.getvalue()


def draw_picture(canvas: Any, image: bytes, top: float, width: float, most: float) -> float:
    """Draw a picture as wide as the sheet, or as high as there is room; where its lower end is."""
    from reportlab.lib.utils import ImageReader

    reader = ImageReader(io.BytesIO(image))
    columns, rows = reader.getSize()
    scale = min(width / columns, most / rows)
    canvas.drawImage(
        reader, MARGIN_PT + (width - scale * columns) / 2, top - scale * rows, scale * columns, scale * rows
    )
    return float(top - scale * rows)


def first_parts(content: Content) -> list[Any]:
    """The paragraphs above the picture: the caution, the title, the result, and the scores."""
    parts = [text(content.caution, NORMAL, bold=True, box=True), text(content.title, LARGE, bold=True)]
    if content.pose:
        parts.append(text(content.pose, NORMAL, AMBER, bold=True))
    parts.append(text(content.summary, NORMAL + 1.5))
    cut = any(row["cut"] for row in content.scores)
    head = ["Score", "this scan", "threshold", "", "percentile", *(["in view"] if cut else []), "compared with"]
    rows = [
        [row["name"], row["score"], row["threshold"] or "none", row["verdict"], row["percentile"]]
        + ([row["cut"]] if cut else [])
        + [row["healthy"]]
        for row in content.scores
    ]
    columns = [0.18, 0.12, 0.12, 0.12, 0.12, *([0.12] if cut else []), 0.22 if cut else 0.34]
    marked = [number for number, row in enumerate(content.scores, 1) if row["above"]]
    return [*parts, table(head, rows, marked, columns)]


def last_parts(content: Content) -> list[Any]:
    """The parts below the picture: detections, flags, and how the result was made."""
    parts = []
    if content.detections:
        rows = [
            (
                row["rank"],
                row["where"],
                ", ".join(filter(None, (row["what"], row["hu"]))),
                row["size"],
                row["slice"],
                row["excess"],
            )
            for row in content.detections[:MOST_ROWS]
        ]
        head = ("No.", "Places above the threshold", "what", "size", "slice", "peak / threshold")
        parts.append(table(head, rows, [], (0.05, 0.35, 0.21, 0.19, 0.06, 0.14)))
        if len(content.detections) > MOST_ROWS:
            parts.append(text(f"and {len(content.detections) - MOST_ROWS} more, see detections.csv", SMALL, GREY))
    else:
        parts.append(text("No place above the threshold is listed.", NORMAL))
    flags = [*content.flags[:MOST_FLAGS]]
    if len(content.flags) > MOST_FLAGS:
        flags.append(f"And {len(content.flags) - MOST_FLAGS} more flags, see result.json.")
    parts.append(text(f"Flags: {' '.join(flags) or 'none.'}", NORMAL, AMBER if flags else "black"))
    if content.notes:
        parts.append(text(" ".join(content.notes), SMALL, GREY))
    parts.append(text(" · ".join(f"{name}: {value}" for name, value in content.made), SMALL, GREY))
    return parts


def text(words: str, size: float, colour: str = "black", bold: bool = False, box: bool = False) -> Any:
    """A paragraph."""
    from reportlab.lib.styles import ParagraphStyle
    from reportlab.platypus import Paragraph

    style = ParagraphStyle(
        "", fontName="Helvetica-Bold" if bold else "Helvetica", fontSize=size, leading=1.25 * size, textColor=colour
    )
    if box:
        style.borderWidth, style.borderColor, style.borderPadding, style.alignment = 0.8, colour, 3, 1
    return Paragraph(escape(words), style)


def table(head: Sequence[str], rows: Sequence[Sequence[str]], marked: Sequence[int], columns: Sequence[float]) -> Any:
    """A table as wide as the sheet; `columns` are shares of its width, `marked` are numbers of rows from 1."""
    from reportlab.lib.pagesizes import A4
    from reportlab.platypus import Table, TableStyle

    width = A4[0] - 2 * MARGIN_PT
    cells = [[text(cell, SMALL, GREY) for cell in head]]
    cells += [
        [text(cell, NORMAL, AMBER if number in marked else "black") for cell in row]
        for number, row in enumerate(rows, 1)
    ]
    style = [("LINEBELOW", (0, 0), (-1, -1), 0.4, LINE), ("VALIGN", (0, 0), (-1, -1), "TOP")]
    style += [(f"{side}PADDING", (0, 0), (-1, -1), 2) for side in ("TOP", "BOTTOM", "LEFT", "RIGHT")]
    return Table(cells, [share * width for share in columns], style=TableStyle(style))
