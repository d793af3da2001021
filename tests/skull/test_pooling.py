from __future__ import annotations

import numpy as np

from scripts.skull.atlas import NEAR_MM, atlas
from scripts.skull.directions import LINES, RADIUS_MM
from scripts.skull.pooling import envelope, known_share, pooled


def test_pooled_values_are_the_maxima_of_their_cells() -> None:
    tables = atlas()
    values = np.random.default_rng(0).random((2, len(tables.fine))).astype(np.float32)
    found = pooled(values, tables)
    for place in (0, 100, 3000):
        np.testing.assert_array_equal(found[:, place], values[:, tables.pooled_cell == place].max(axis=1))
    known = values[0] > 0.5
    assert known_share(known, tables)[100] == known[tables.pooled_cell == 100].mean()


def test_the_envelope_reaches_8_mm_and_one_direction() -> None:
    tables = atlas()
    values = np.random.default_rng(0).random((LINES, len(tables.pooled))).astype(np.float32)
    found = envelope(values, tables)
    for place in (0, 1700, 3400):
        near = np.linalg.norm(tables.pooled - tables.pooled[place], axis=1) * RADIUS_MM <= NEAR_MM
        assert found[0, place] == values[[11, 0, 1]][:, near].max()
    single = envelope(values[:1], tables)
    assert single[0, 0] == values[0, np.linalg.norm(tables.pooled - tables.pooled[0], axis=1) * 85 <= 8].max()
