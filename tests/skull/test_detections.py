"""Lines and dents of a shell are listed with bone, ends, length, width and depth; two apart are two."""

from __future__ import annotations

from functools import cache

import numpy as np
import pytest
from assessed_shell import healthy_skull, measured
from shell_skull import OUTER_MM, cut, shell, slanted, unit

from scripts.geometry.coordinates import CENTRE_MM
from scripts.skull.atlas import atlas
from scripts.skull.detections import MOST, Detection, detections
from scripts.skull.measure import MAPS, Skull

pytestmark = pytest.mark.xdist_group("shell_skull")

MIDDLE, ALONG = unit(0.6, 0.3, 0.75), unit(-0.3, 0.9, 0.1)
LEFT, DOWN = unit(-0.75, -0.2, 0.6), unit(0.0, 1.0, 0.2)
FLOOR = {"lines": 7.0, "wide": 7.0, "dents": 1.0}
"""Values that no place of a healthy shell has."""


@cache
def lined(length_mm: float, width_mm: float) -> Skull:
    return measured(cut(shell(), MIDDLE, ALONG, length_mm, width_mm))


def listed(skull: Skull, names: tuple[str, ...] = MAPS) -> list[Detection]:
    unusual = {name: skull.fine[name] / FLOOR[name] for name in names}
    return detections(skull, unusual, 1.0, atlas())


@pytest.mark.parametrize(("length_mm", "width_mm"), [(45.0, 1.5), (60.0, 1.0)])
def test_a_line_has_its_bone_its_ends_its_length_and_its_width(length_mm: float, width_mm: float) -> None:
    (found,) = listed(lined(length_mm, width_mm), ("lines",))
    assert (found.map, found.bone, found.depth_mm) == ("lines", "parietal bone, right", None)
    assert found.length_mm == pytest.approx(length_mm, abs=3)
    assert found.width_mm == pytest.approx(width_mm, abs=0.5)
    along = (ALONG - MIDDLE * (ALONG @ MIDDLE)) / np.linalg.norm(ALONG - MIDDLE * (ALONG @ MIDDLE))
    ends = found.ends_mm - np.array(CENTRE_MM)
    run = OUTER_MM * np.arctan2(ends @ along, ends @ MIDDLE)
    np.testing.assert_allclose(np.sort(run), [-length_mm / 2, length_mm / 2], atol=3)
    assert found.peak > 1


def test_two_lines_are_two_detections_and_a_healthy_shell_has_none() -> None:
    both = cut(cut(shell(), MIDDLE, ALONG, 45, 1.5), LEFT, DOWN, 45, 1.5)
    found = listed(measured(both), ("wide",))
    assert sorted(one.bone.split(", ")[1] for one in found) == ["left", "right"]
    assert found[0].peak >= found[1].peak
    assert listed(healthy_skull()) == []


def test_a_dent_has_its_depth_and_its_extent() -> None:
    (found,) = listed(measured(shell(dent=(LEFT, 8.0, 16.0))), ("dents",))
    assert (found.map, found.width_mm) == ("dents", None)
    assert found.bone == "parietal bone, left"
    assert found.depth_mm is not None
    assert 4 < found.depth_mm < 8
    assert 14 < found.length_mm < 32


def test_a_row_is_in_mm_of_the_scan() -> None:
    (found,) = listed(lined(45.0, 1.5), ("lines",))
    row = found.row(slanted())
    assert (row["region"], row["kind"], row["bone"]) == ("skull", "skull line", "parietal bone, right")
    there = slanted() @ [*row["peak_mm"], 1]
    np.testing.assert_allclose(there[:3], found.peak_mm, atol=0.1)
    assert np.shape(row["ends_mm"]) == (2, 3)
    assert row["length_mm"] == round(found.length_mm, 1)
    assert row["depth_mm"] is None


def test_a_skull_that_is_unusual_everywhere_is_no_endless_list() -> None:
    skull = healthy_skull()
    unusual = {"lines": np.ones_like(skull.fine["lines"])}
    assert len(detections(skull, unusual, 0.5, atlas())) == MOST
