"""A shell with a line, a dent or a hole: each is found where it was drawn, and as large."""

from __future__ import annotations

import numpy as np
import pytest
from assessed_shell import healthy_skull, measured
from numpy.typing import NDArray
from shell_skull import OUTER_MM, averaged, bored, cut, grid, shell, slanted, unit, usual

from scripts.geometry.coordinates import CENTRE_MM
from scripts.skull.atlas import atlas
from scripts.skull.directions import LINES, frames
from scripts.skull.measure import measure, start_of
from scripts.skull.paths import trace
from scripts.skull.surface import SkullNotJudged

pytestmark = pytest.mark.xdist_group("shell_skull")

MIDDLE, ALONG = unit(0.6, 0.3, 0.75), unit(-0.3, 0.9, 0.1)


def away_mm(place: int, out: NDArray[np.float64]) -> float:
    return float(OUTER_MM * np.arccos(np.clip(atlas().pooled[place] @ out, -1, 1)))


def test_a_healthy_shell_is_known_everywhere_and_has_no_hole_and_no_dent() -> None:
    skull = healthy_skull()
    assert skull.known.all()
    assert skull.gaps.bone.all()
    assert skull.holes == []
    assert skull.maps["dents"].max() < 0.3
    assert not skull.thick
    assert skull.slices_mm == pytest.approx(1)
    radius = np.linalg.norm(skull.surface.points_mm - np.array(CENTRE_MM), axis=1)
    np.testing.assert_allclose(radius, OUTER_MM, atol=0.4)
    assert (skull.surface.normals * atlas().fine).sum(axis=1).min() > 0.999


@pytest.mark.parametrize(("length_mm", "width_mm"), [(40.0, 1.0), (60.0, 1.5), (50.0, 0.7)])
def test_a_line_is_found_at_its_place_with_its_direction_and_its_length(length_mm: float, width_mm: float) -> None:
    skull = measured(cut(shell(), MIDDLE, ALONG, length_mm, width_mm))
    values = skull.maps["lines"]
    line, place = np.unravel_index(values.argmax(), values.shape)
    tables = atlas()
    start, line = start_of(skull, int(place), int(line), tables)
    first, second = frames(tables.fine[start : start + 1])
    turn = np.pi * line / LINES
    heading = (np.cos(turn) * first + np.sin(turn) * second)[0]
    assert abs(heading @ ALONG) > np.cos(np.deg2rad(20))
    found = trace(skull.relative, tables.steps, start, line, skull.surface.points_mm)
    assert abs(found.length_mm - length_mm) < 3
    middle = tables.fine[found.places].mean(axis=0)
    assert OUTER_MM * np.arccos(middle @ MIDDLE / np.linalg.norm(middle)) < 3
    aside = np.abs(tables.fine[found.places] @ np.cross(MIDDLE, ALONG) / np.linalg.norm(np.cross(MIDDLE, ALONG)))
    assert OUTER_MM * aside.max() < 2


def test_a_line_of_3_mm_is_strongest_among_the_wide_ones() -> None:
    skull = measured(cut(shell(), MIDDLE, ALONG, 50, 3))
    place = int(skull.maps["wide"].max(axis=0).argmax())
    assert away_mm(place, MIDDLE) < 27
    assert skull.maps["wide"].max() > 3 * np.median(skull.maps["wide"].max(axis=0))


@pytest.mark.parametrize("depth_mm", [4.0, 8.0])
def test_a_dent_is_found_with_most_of_its_depth(depth_mm: float) -> None:
    skull = measured(shell(dent=(MIDDLE, depth_mm, 16.0)))
    values = skull.maps["dents"][0]
    assert away_mm(int(values.argmax()), MIDDLE) < 5
    assert 0.5 * depth_mm < values.max() < depth_mm


@pytest.mark.parametrize("diameter_mm", [12.0, 40.0])
def test_a_hole_is_found_with_its_size_and_is_no_line(diameter_mm: float) -> None:
    skull = measured(bored(shell(), MIDDLE, diameter_mm))
    assert len(skull.holes) == 1
    assert skull.holes[0].diameter_mm == pytest.approx(diameter_mm, abs=2.5)
    out = skull.holes[0].middle_mm - np.array(CENTRE_MM)
    assert OUTER_MM * np.arccos(out @ MIDDLE / np.linalg.norm(out)) < 2
    far = [away_mm(place, MIDDLE) > diameter_mm / 2 + 20 for place in range(len(atlas().pooled))]
    assert skull.maps["lines"].max() < 2 * skull.maps["lines"][:, far].max()


def test_what_the_field_of_view_cuts_is_unknown_and_no_hole() -> None:
    hu = shell().astype(np.float32)
    hu[:, :, 110:] = -2000
    skull = measured(hu)
    tables = atlas()
    top = tables.pooled[:, 2] > 0.9
    assert not skull.known[top].any()
    assert skull.known[~top].mean() > 0.5
    assert skull.holes == []
    assert skull.maps["lines"][:, top].max() < 0.5


def test_in_thick_slices_a_line_across_them_is_found_among_no_rings() -> None:
    hu, affine = averaged(cut(shell(), MIDDLE, unit(0.05, 0.1, 1.0), 50, 2), 5)
    skull = measure(hu, affine, slanted(), usual())
    assert skull.thick
    assert skull.slices_mm == pytest.approx(5)
    assert away_mm(int(skull.maps["wide"].max(axis=0).argmax()), MIDDLE) < 30
    rings = measure(averaged(shell(), 5)[0], affine, slanted(), usual())
    assert rings.maps["wide"].max() < 0.5 * skull.maps["wide"].max()


def test_thick_slices_that_were_interpolated_to_a_fine_grid_draw_no_rings_either() -> None:
    hu, affine = averaged(shell(), 5)
    fine = np.linalg.inv(affine) @ grid()[0]
    between = np.clip(fine[2, 2] * np.arange(150) + fine[2, 3], 0, hu.shape[2] - 1)
    below = np.minimum(between.astype(int), hu.shape[2] - 2)
    share = (between - below).astype(np.float32)
    resampled = (1 - share) * hu[:, :, below] + share * hu[:, :, below + 1]
    steps = measure(resampled, grid()[0], slanted(), usual())
    known = measure(resampled, grid()[0], slanted(), usual(), widest_gap_mm=5.0)
    assert (steps.thick, known.thick) == (False, True)
    assert known.slices_mm == 5
    assert known.motion_mm == 0 < steps.motion_mm
    inner = atlas().pooled[:, 2] > 0.5
    assert known.maps["wide"][:, inner].max() < 0.6 * steps.maps["wide"][:, inner].max()


def test_a_volume_without_bone_is_an_error_that_says_so() -> None:
    hu = np.minimum(shell(), 40).astype(np.float32)
    with pytest.raises(SkullNotJudged, match="Bone was found in 0 % of the calvaria"):
        measure(hu, grid()[0], slanted(), usual())


def test_a_field_of_view_with_little_of_the_calvaria_is_an_error_that_says_so() -> None:
    hu = shell().astype(np.float32)
    hu[:, :, 60:] = -2000
    with pytest.raises(SkullNotJudged, match=r"The field of view holds [1-4]\d % of the calvaria"):
        measure(hu, grid()[0], slanted(), usual())
