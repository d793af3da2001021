"""What spoils a skull is where it should be, and a skull that can't be judged is null in the table."""

from __future__ import annotations

import bad_skulls
import numpy as np
import pytest
from shell_skull import grid, shell, slanted

from scripts.skull.surface import SkullNotJudged
from skull.spoiled import CLIP_MM, METAL_HU, PAINTED, Spoiled, from_centre, kind_of

pytestmark = pytest.mark.xdist_group("shell_skull")


def scan() -> Spoiled:
    return Spoiled("healthy", "middle", np.rint(shell()).astype(np.int16), grid()[0], slanted())


def test_voxels_have_their_places_from_the_centre() -> None:
    np.testing.assert_allclose(from_centre(scan()), grid()[1], atol=1e-9)


def test_what_is_painted_is_metal_on_the_left_or_a_part_that_is_not_known() -> None:
    points, plain = grid()[1], scan().hu
    painted = {}
    for name, paint in PAINTED.items():
        painted[name] = plain.copy()
        paint(painted[name], points)
    plate = points[painted["metal plate"] == METAL_HU]
    radii = np.linalg.norm(plate, axis=1)
    assert 79 < radii.min() < radii.max() < 83, "on the outer table"
    assert plate[:, 0].max() < 0
    clip = points[painted["metal clip"] == METAL_HU]
    assert np.ptp(clip, axis=0) == pytest.approx([2 * CLIP_MM] * 3, abs=1.8)
    assert points[painted["vertex cut"] == -2000][:, 2].min() > 30
    assert points[painted["side cut"] == -2000][:, 0].min() > 55


def test_each_kind_of_unusual_head_is_drawn() -> None:
    assert {kind_of(seed) for seed in range(900, 920)} == set(bad_skulls.KINDS)


def test_a_skull_that_is_not_judged_is_null_with_its_reason(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise SkullNotJudged("The slices are 10.0 mm apart.")

    monkeypatch.setattr(bad_skulls, "assess", refuse)
    words = bad_skulls.row("head_05", scan(), None)  # type: ignore[arg-type]
    assert words == "| head_05 | healthy | middle | null | | | | The slices are 10.0 mm apart. |"
