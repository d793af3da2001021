"""The key: a round end of the scale, or the two contours."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image

from scripts.results.key import WIDTH, draw_contours, round_up
from scripts.results.overlay import CONTOURS
from scripts.results.panels import GAP, PANEL


@pytest.mark.parametrize(("value", "top"), [(0, 1), (1, 1), (1.1, 2), (38, 40), (101, 150), (1234.5, 1235)])
def test_the_scale_ends_at_a_round_number(value: float, top: float) -> None:
    assert round_up(value) == top


def test_each_contour_has_its_line_in_the_key() -> None:
    sheet = Image.new("RGB", (4 * (PANEL + GAP) + WIDTH, 500))
    draw_contours(sheet, "95 % of healthy scores are less")
    shown = np.asarray(sheet)
    rows = [np.flatnonzero((shown == colour).all(axis=2).sum(axis=1) > 20) for _, colour in CONTOURS]
    assert all(len(found) == 2 for found in rows)
    assert rows[0].max() < rows[1].min()
