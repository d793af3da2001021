"""The source slices in the brain window, with contours of what is above the threshold, the scores, and the caution."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from ..drawing import QUIET, TEXT, WARNING, fitted, label
from ..overlay import BRAIN_WINDOW_HU, blend, contoured

LINES = 36
"""Lines of text that a slice has room for."""

SMALLEST_TEXT = 9
"""Size of text in a small slice, in pixels."""


def marked_slice(
    hu: NDArray[np.floating],
    times: NDArray[np.float32],
    known: bool,
    words: Sequence[str],
    caution: str,
    names: Sequence[tuple[tuple[float, float], str]] = (),
) -> NDArray[np.uint8]:
    """A slice (rows, columns, 3) in colours.

    Args:
        hu: (rows, columns).
        times: the map in multiples of its threshold, or where that is not `known`, of its maximum, and blended in.
        known: whether there is a threshold.
        words: lines at the top.
        caution: the line at the bottom.
        names: what stands beside a point (column, row).
    """
    low, high = BRAIN_WINDOW_HU
    grey = 255 * np.clip((hu - low) / (high - low), 0, 1)
    colours = np.repeat(grey[..., None], 3, axis=-1)
    colours = contoured(colours, times) if known else blend(colours, times)
    sheet = Image.fromarray(np.round(colours).astype(np.uint8))
    size = max(SMALLEST_TEXT, sheet.height // LINES)
    room = sheet.width - 8
    for line, text in enumerate(words):
        label(sheet, (4, 3 + round(1.3 * size) * line), fitted(text, room, size), size, TEXT)
    label(sheet, (4, sheet.height - 4), fitted(caution, room, size), size, QUIET, "ld")
    for (column, row), name in names:
        label(sheet, (round(column), round(row)), name, size, WARNING, "ls")
    return np.asarray(sheet)
