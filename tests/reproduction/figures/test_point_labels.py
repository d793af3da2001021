"""Labels lie on no other label, inside their panel, and beside the points that they are of."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

pytest.importorskip("matplotlib")

from reproduction.figures.point_labels import FONT_SIZE, PLACES, Label, add_labels, area, covered, drawn_boxes
from reproduction.figures.style import panels


def panel_of(x: Any, y: Any, **look: Any) -> Any:
    """A panel with a line through points, laid out."""
    figure, ((panel,),) = panels(1)
    panel.plot(x, y, **{"marker": "o", **look})
    panel.set(xlim=(0, 10), ylim=(0, 1))
    figure.draw_without_rendering()
    return panel


def boxes(panel: Any) -> list[np.ndarray]:
    return [np.array(text.get_window_extent().extents) for text in panel.texts]


@pytest.mark.parametrize("seed", range(4))
def test_labels_of_crowded_points_do_not_overlap(seed: int) -> None:
    """Seven points twice, as near as two networks of the same width are."""
    rng = np.random.default_rng(seed)
    x, y = np.linspace(0.3, 9.7, 7), rng.uniform(0.05, 0.95, 7)
    panel = panel_of(np.sort([*x, *(x + 0.1)]), np.repeat(y, 2) + np.tile([0, 0.01], 7))
    labels = [Label(x[k] + shift, y[k], f"m={2**k}", "black") for shift in (0, 0.1) for k in range(7)]
    add_labels(panel, labels)
    found, inside = boxes(panel), np.array(panel.get_window_extent().extents)
    assert len(found) == 14
    for number, box in enumerate(found):
        assert covered(box, np.array([*found[:number], *found[number + 1 :]])) == 0
        assert covered(box, inside[None]) == pytest.approx(area(box))
    for label, text in zip(labels, panel.texts, strict=True):
        assert (text.get_text(), text.xy, text.get_color()) == (label.text, (label.x, label.y), "black")
        assert text.xyann in PLACES
        assert text.get_fontsize() == FONT_SIZE


def test_a_label_alone_stands_right_above_its_point() -> None:
    panel = panel_of([5], [0.5])
    add_labels(panel, [Label(5, 0.5, "m=1", "black")])
    assert panel.texts[0].xyann == PLACES[0] == (4, 4)


def test_a_label_leaves_a_line_and_the_edge_free() -> None:
    rising = panel_of([0, 5, 10], [0, 0.5, 1])
    add_labels(rising, [Label(5, 0.5, "m=1", "black")])
    assert covered(boxes(rising)[0], drawn_boxes(rising)) == 0
    assert rising.texts[0].xyann == (4, -4), "below a line that rises"
    edge = panel_of([10], [1.0])
    add_labels(edge, [Label(10, 1.0, "m=1", "black")])
    assert edge.texts[0].xyann == (-4, -4)


def test_what_is_drawn_are_markers_and_the_lines_between_them() -> None:
    assert drawn_boxes(panel_of([1, 2, 3], [0.1, 0.5, 0.9])).shape == (3 + 2 * 40, 4)
    assert drawn_boxes(panel_of([1, 2], [0.1, 0.5], marker=None)).shape == (0, 4), "intervals and lines of chance"


def test_what_a_box_covers() -> None:
    box = np.array([0.0, 0, 4, 2])
    others = np.array([[1.0, 1, 2, 5], [3, -1, 9, 1], [5, 5, 6, 6]])
    assert covered(box, others) == 1 * 1 + 1 * 1
    assert covered(box, np.empty((0, 4))) == 0
    assert area(box) == 8
