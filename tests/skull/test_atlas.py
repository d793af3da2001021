from __future__ import annotations

import numpy as np

from scripts.skull.atlas import NARROW_MM, STEP_MM, atlas
from scripts.skull.directions import LINES, RADIUS_MM


def test_steps_lead_2_mm_on_and_the_opposite_heading_leads_back() -> None:
    tables = atlas()
    count = len(tables.fine)
    for heading in (0, 5, 14):
        there = tables.steps[heading]
        inside = there < count
        assert inside.mean() > 0.97
        length = RADIUS_MM * np.linalg.norm(tables.fine[there[inside]] - tables.fine[inside], axis=1)
        assert abs(length.mean() - STEP_MM) < 0.1
        assert length.max() < STEP_MM + 1.3
        back = tables.steps[(heading + LINES) % (2 * LINES), there[inside]]
        home = back < count
        away = RADIUS_MM * np.linalg.norm(tables.fine[back[home]] - tables.fine[inside][home], axis=1)
        assert np.percentile(away, 99) < 1.6


def test_places_beside_a_line_lie_at_their_distances() -> None:
    tables = atlas()
    for row, distance in enumerate(NARROW_MM):
        there = tables.narrow[3, row]
        inside = there < len(tables.fine)
        away = RADIUS_MM * np.linalg.norm(tables.fine[there[inside]] - tables.fine[inside], axis=1)
        assert abs(away.mean() - distance) < 0.1


def test_cells_are_those_of_the_nearest_place() -> None:
    tables = atlas()
    some = slice(None, None, 997)
    for places, cells in ((tables.coarse, tables.coarse_cell), (tables.pooled, tables.pooled_cell)):
        nearest = (tables.fine[some] @ places.T).argmax(axis=1)
        np.testing.assert_array_equal(cells[some], nearest)
