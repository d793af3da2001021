"""Figure 5: a row for each skull, one range of colours, the bright spot on the right side."""

from __future__ import annotations

import numpy as np
import pytest

pytest.importorskip("matplotlib")

from picture import is_drawn

from reproduction.figures.skull_surface import Skull, draw
from reproduction.rows import NothingToShow


def shell(unit: str = "mm", value: float = 20.0) -> Skull:
    """A shell of 70 mm with a spot of a value at its right side."""
    affine = np.diag((4.0, 4.0, 4.0, 1.0))
    affine[:3, 3] = -4 * 19.5
    points = np.indices((40, 40, 40)) * 4.0 - 78
    radius = np.linalg.norm(points, axis=0)
    values = np.where(np.linalg.norm(points - np.reshape((66, 0, 0), (3, 1, 1, 1)), axis=0) < 25, value, 5.0)
    return Skull((radius < 70) & (radius > 58), values, affine, unit)


def test_a_row_for_each_skull_and_a_panel_for_each_side() -> None:
    figure = draw({"case 1": shell(), "case 2": shell(value=5.0)})
    panels, bar = figure.axes[:-1], figure.axes[-1]
    assert len(panels) == 8
    assert [panel.get_title() for panel in panels[:4]] == [
        "from the right",
        "from the front",
        "from the left",
        "from above",
    ]
    assert [panels[0].get_ylabel(), panels[4].get_ylabel()] == ["case 1", "case 2"]
    assert bar.get_ylabel() == "error at the surface, mm"
    image = {panel.get_title(): np.asarray(panel.get_images()[0].get_array()) for panel in panels[:4]}
    redness = {name: (view[..., 0] - view[..., 2]).max() for name, view in image.items()}
    assert redness["from the right"] > redness["from the left"] + 0.2
    assert is_drawn(figure)


def test_units_that_differ_are_refused() -> None:
    with pytest.raises(NothingToShow, match=r"maps of one unit, got \['mm', 'percent'\]"):
        draw({"a": shell(), "b": shell("percent")})
    with pytest.raises(NothingToShow, match="maps of one unit, got"):
        draw({})
