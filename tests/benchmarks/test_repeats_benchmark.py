"""Repeats of one head: the same head in another pose, and what is counted as noise."""

from __future__ import annotations

import numpy as np
import pytest
import repeats
from compared_scan import LEFT, judged

from scripts.simulation.person.head import SimulatedHead
from scripts.sites.compare.placed import placed
from scripts.sites.compare.repeats import read_noise


def test_a_new_pose_moves_the_head_and_changes_nothing_else() -> None:
    affine = np.diag([1.0, 1, 1, 1])
    head = SimulatedHead(*(np.zeros((2, 2, 2), t) for t in (np.float32, np.int16, np.uint8)), np.eye(4), affine)
    moved = repeats.in_new_pose(head, 1)
    np.testing.assert_allclose(moved.to_reference @ moved.affine, head.to_reference @ head.affine, atol=1e-12)
    assert np.abs(moved.affine - head.affine).max() > 0.1
    assert moved.hu is head.hu


def test_protocols_of_a_head_differ_but_for_what_is_the_patient_s() -> None:
    first, second = (repeats.protocol_of(seed, mm) for seed, mm in ((3, 5.0), (3 + repeats.SECOND_SCAN, 2.5)))
    assert first.noise_hu != second.noise_hu
    assert (first.increment_mm, second.increment_mm) == (5.0, 2.5)
    assert {p.metal for p in (first, second)} == {None}
    assert first.motion_mm == second.motion_mm == 0
    assert all(one != other for one, other in repeats.THICKNESSES_MM)


def test_noise_is_of_hemispheres_without_the_lesion(tmp_path) -> None:  # type: ignore[no-untyped-def]
    found = repeats.Measured()
    for seed in (1, 3):
        scans = placed(judged([LEFT], seed=seed)), placed(judged([LEFT], seed=seed + 1, background=0.6))
        found.add(*scans, "left", "00")
    assert {kind: len(pairs) for kind, pairs in found.scores.items()} == {
        "hemisphere_with_lesion": 2,
        "hemisphere": 2,
        "skull": 2,
    }
    assert found.differences == pytest.approx([0.1, 0.1], abs=1e-3)
    assert found.peaks == pytest.approx([-0.1, 0.1, -0.1, 0.1], abs=1e-3)
    assert len(found.volumes) == 2
    assert not found.one_sided
    assert repeats.too_few(found) == ""
    assert "repeatability coefficient" in repeats.report(found)
    assert repeats.picture(found)[:4] == b"\x89PNG"
    path = tmp_path / "noise.json"
    path.write_text(repeats.json_text(repeats.noise(found)))
    assert read_noise(path).peak == pytest.approx(0.1, abs=1e-3)


def test_too_few_heads_are_a_sentence() -> None:
    found = repeats.Measured()
    found.add(placed(judged([LEFT], seed=1)), placed(judged([LEFT], seed=2)), "left", "00")
    found.scores[repeats.HEMISPHERE] *= 2
    assert repeats.too_few(found) == (
        "Each kind needs 2 pairs or more. Of this one there are 1: hemisphere with lesion. Draw more heads."
    )


def test_both_hemispheres_count_as_ill_where_the_side_is_not_one() -> None:
    assert repeats.has("left_hemisphere", "both")
    assert repeats.has("left_hemisphere", "left")
    assert not repeats.has("left_hemisphere", "right")
    assert not repeats.has("left_hemisphere", None)
