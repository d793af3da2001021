"""Bad input for the skull: a score with a flag, or none with a reason; no crash, and no alarm from what is no bone.

Each is a shell of bone beside four healthy ones (see `assessed_shell`). The table "Bad input for the skull" in
docs/benchmarks.md has the same on drawn heads.
"""

from __future__ import annotations

import numpy as np
import pytest
from assessed_shell import assessed, calibration, healthy, noisy
from shell_skull import INNER_MM, OUTER_MM, PIXEL_MM, SCALP_MM, averaged, bored, cut, grid, shell, slanted, unit

from scripts.skull.assessment import Assessment, assess
from scripts.skull.paths import CAP
from scripts.skull.surface import SkullNotJudged
from scripts.skull.transforms import skull_findings

pytestmark = pytest.mark.xdist_group("shell_skull")

SIDE, METAL_HU, RESIN_HU = unit(0.8, 0.1, 0.6), 3071.0, 150.0


def codes(found: Assessment) -> list[str]:
    return [one["code"] for one in skull_findings(found)]


def quiet(found: Assessment) -> bool:
    """True if no line, narrow or wide, is stronger than on a healthy shell; those of a fracture are at the cap."""
    return all(found.skull.maps[name].max() < healthy().skull.maps[name].max() + 1 for name in ("lines", "wide"))


def test_a_healthy_shell_has_no_finding() -> None:
    assert codes(healthy()) == []
    assert healthy().skull.motion_mm < 0.2
    fractured = assessed(cut(shell(), SIDE, unit(0, 1, 0), 40, 1.0))
    assert codes(fractured) == []
    assert not quiet(fractured)
    assert fractured.skull.maps["lines"].max() == CAP > 2 * healthy().skull.maps["lines"].max()


def test_a_craniectomy_is_a_defect_and_its_edge_is_no_fracture() -> None:
    found = assessed(bored(shell(), SIDE, 75))
    assert codes(found) == ["skull_defect"]
    assert "surgery or a defect" in skull_findings(found)[0]["message"]
    assert found.numbers["hole_mm"] == pytest.approx(75, abs=4)
    assert quiet(found)


def test_burr_holes_are_told_by_their_size() -> None:
    hu = shell()
    for out in (SIDE, unit(-0.5, 0.5, 0.7), unit(0.3, -0.6, 0.75)):
        hu = bored(hu, out, 12)
    found = assessed(hu)
    assert codes(found) == ["skull_defect"]
    assert len(found.defects) == 3
    assert "a burr hole, or a foramen" in skull_findings(found)[0]["message"]


def test_a_cut_vertex_and_a_cut_side_are_unknown_and_no_alarm() -> None:
    vertex, side = shell(), shell()
    vertex[:, :, 110:] = -2000
    side[grid()[1][..., 0] > 55] = -2000
    for hu in (vertex, side):
        found = assessed(hu)
        assert quiet(found)
        assert 0.5 < found.skull.known.mean() < 1
        assert found.skull.holes == []


def test_a_clip_of_metal_in_the_brain_is_no_alarm_and_a_plate_does_not_hide_the_line_beneath() -> None:
    points = grid()[1]
    radius = np.linalg.norm(points, axis=-1)
    clip = np.linalg.norm(points - 50 * SIDE, axis=-1) < 4
    assert quiet(assessed(np.where(clip, METAL_HU, shell())))
    over = (points @ SIDE > radius * np.cos(15 / OUTER_MM)) & (radius > OUTER_MM) & (radius < OUTER_MM + 1.6)
    found = assessed(np.where(over, METAL_HU, cut(shell(), SIDE, unit(0, 1, 0), 28, 1.5)))
    assert found.skull.maps["lines"].max() == CAP
    assert codes(found) == []


def test_open_sutures_on_both_sides_are_usual_on_one_side_not_and_no_burr_holes() -> None:
    one = cut(shell(), unit(0.6, 0.4, 0.7), unit(0.7, -0.1, -0.5), 60, 2.5)
    both = assessed(cut(one, unit(-0.6, 0.4, 0.7), unit(-0.7, -0.1, -0.5), 60, 2.5))
    assert both.scores["lines"] < 0.3 * assessed(one).scores["lines"]
    assert codes(both) == []


def test_displaced_slices_are_flagged_as_motion() -> None:
    hu = shell()
    for first, pixels in ((75, 3), (90, -2), (100, 3)):
        hu[:, :, first : first + 7] = np.roll(hu[:, :, first : first + 7], pixels, axis=0)
    found = assessed(hu)
    assert codes(found) == ["skull_motion"]
    assert found.numbers["motion_mm"] == pytest.approx(found.skull.motion_mm, abs=0.01)
    assert found.skull.motion_mm > PIXEL_MM


def test_a_head_rest_that_touches_the_head_is_no_bone() -> None:
    points = grid()[1]
    radius = np.linalg.norm(points, axis=-1)
    behind = (points[..., 1] < -0.5 * radius) & (radius > SCALP_MM) & (radius < SCALP_MM + 3)
    found = assessed(np.where(behind, RESIN_HU, shell()))
    assert quiet(found)
    assert codes(found) == []


def test_slices_of_7_mm_are_judged_among_thick_ones_and_of_10_mm_not_at_all() -> None:
    hu, affine = averaged(noisy(shell())[:, :, :147], 7)
    found = assess(hu, affine, slanted(), calibration())
    assert found.skull.thick
    assert found.skull.slices_mm == pytest.approx(7)
    assert codes(found) == []
    hu, affine = averaged(noisy(shell()), 10)
    with pytest.raises(SkullNotJudged, match=r"The slices are 10\.0 mm apart, more than 8 mm"):
        assess(hu, affine, slanted(), calibration())


def test_the_noise_and_the_edges_of_a_bone_kernel_are_no_alarm() -> None:
    radius = np.linalg.norm(grid()[1], axis=-1)
    over = 250 * np.exp(-0.5 * ((radius - OUTER_MM + 1) / 0.6) ** 2)
    under = 250 * np.exp(-0.5 * ((radius - INNER_MM + 1) / 0.6) ** 2)
    found = assessed(shell() + over - under, sd_hu=40.0)
    assert codes(found) == []
    assert quiet(found)
