from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray
from shell_skull import INNER_MM, OUTER_MM, bored, grid, shell, slanted, unit, usual

from scripts.preprocessing.regions import SKULL
from scripts.skull.atlas import atlas
from scripts.skull.heatmap import paint
from scripts.skull.surface import fine_surface

pytestmark = pytest.mark.xdist_group("shell_skull")

OUT = unit(0.5, -0.4, 0.7)


def painted(values: NDArray[np.floating], skull: NDArray[np.bool_]) -> NDArray[np.float32]:
    tables, heatmap = atlas(), np.full(skull.shape, 0.5, np.float32)
    regions = np.where(skull, SKULL, 1).astype(np.uint8)
    paint(heatmap, regions, values, grid()[0], slanted(), fine_surface(usual(), tables), tables)
    return heatmap


def test_skull_in_the_direction_of_a_place_has_its_value_and_nothing_else_changes() -> None:
    tables, points = atlas(), grid()[1]
    radius = np.linalg.norm(points, axis=-1)
    bone = shell() >= 300
    deep = radius < 20
    values = (tables.fine @ OUT > np.cos(10 / OUTER_MM)).astype(float)
    found = painted(values, bone | deep)
    away = OUTER_MM * np.arccos(np.clip(points @ OUT / radius, -1, 1))
    assert (found[bone & (radius > INNER_MM - 1) & (away < 9)] == 1).all()
    assert (found[bone & (away > 11)] == 0).all()
    assert (found[deep] == 0).all(), "skull that is no part of the calvaria"
    assert (found[~bone & ~deep] == 0.5).all()


def test_the_largest_value_is_in_the_heatmap_even_if_no_skull_lies_at_its_place() -> None:
    tables = atlas()
    values = np.where(np.arange(len(tables.fine)) == (tables.fine @ OUT).argmax(), 7.0, 0.0)
    skull = bored(shell(), OUT, 20) >= 300
    found = painted(values, skull)
    assert found.max() == 7
    points = grid()[1][found == 7]
    assert len(points) == 1
    assert OUTER_MM * np.arccos(points[0] @ OUT / np.linalg.norm(points[0])) < 12
