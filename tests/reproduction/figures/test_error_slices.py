"""Figures 4 and 9: the slice with the largest error, and each network's map of it."""

from __future__ import annotations

import numpy as np
import pytest

pytest.importorskip("matplotlib")

from picture import is_drawn

from reproduction.figures.error_slices import SIDE_PIXELS, Slices, draw
from reproduction.rows import NothingToShow

AFFINE = np.array([[-2.0, 0, 0, 60], [0, -2.0, 0, 60], [0, 0, 5.0, -50], [0, 0, 0, 1]])


def scan(title: str, series: tuple[str, ...] = ("position",), unit: str = "mm") -> Slices:
    """A ball of soft tissue with a bright spot at x 21, y -20, z 20, in the maps too, and a brighter one elsewhere."""
    index = np.indices((61, 61, 21))
    points = np.tensordot(AFFINE[:3, :3], index, 1) + AFFINE[:3, 3, None, None, None]
    inside = np.linalg.norm(points, axis=0) < 50
    spot = np.linalg.norm(points - np.reshape((21, -20, 20), (3, 1, 1, 1)), axis=0) < 8
    outside = np.linalg.norm(points - np.reshape((0, 0, -40), (3, 1, 1, 1)), axis=0) < 6
    hu = np.where(spot, 90, np.where(inside, 35, -1000)).astype(np.int16)
    values = np.where(spot, 30.0, np.where(outside, 60.0, np.where(inside, 5.0, 0.0)))
    return Slices(title, hu, AFFINE, inside & (points[2] > -20), (0.0, 100.0), dict.fromkeys(series, (values, unit)))


def test_the_slice_of_the_largest_error_inside_the_regions() -> None:
    plane = scan("a").plane()
    assert plane.points_mm()[0, 0, 2] == pytest.approx(20, abs=2.5), "not the brighter spot below"
    figure = draw([scan("a")])
    first, second = figure.axes[:2]
    image = np.asarray(second.get_images()[0].get_array())
    assert image.shape == (SIDE_PIXELS, SIDE_PIXELS)
    row, column = np.argwhere(image > 25).mean(axis=0)
    assert column < SIDE_PIXELS / 2 - 30, "the patient's right is on the left"
    assert row > SIDE_PIXELS / 2 + 30, "posterior is below"
    assert first.get_images()[0].get_clim() == (0.0, 100.0)
    assert {text.get_text() for text in first.texts} == {"R", "L", "A", "P"}
    assert is_drawn(figure)


def test_columns_are_networks_and_rows_are_scans() -> None:
    figure = draw([scan("one", ("position", "autoencoder")), scan("two", ("position",))])
    panels = figure.axes[:6]
    assert [panel.get_title() for panel in panels[:3]] == ["scan", "position regression", "autoencoder"]
    assert [panels[0].get_ylabel(), panels[3].get_ylabel()] == ["one", "two"]
    limits = [panels[place].get_images()[0].get_clim() for place in (1, 4)]
    assert limits[0] == limits[1] == (0.0, pytest.approx(30, abs=0.5))
    assert [text.get_text() for text in panels[5].texts] == ["no map"]
    assert [bar.get_xlabel() for bar in figure.axes[6:]] == ["mm", "mm"]


@pytest.mark.parametrize("scans", [[], [scan("a", ())]])
def test_without_maps_there_is_no_figure(scans: list[Slices]) -> None:
    with pytest.raises(NothingToShow, match="slices need scans, and each a map at least"):
        draw(scans)
