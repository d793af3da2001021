"""Repeats of one head: what is counted as noise."""

from __future__ import annotations

import pytest
import repeats
from compared_scan import LEFT, judged

from scripts.sites.compare.placed import placed
from scripts.sites.compare.repeats import read_noise


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
        "Each kind needs 2 pairs or more. Of this one there are 1: hemisphere with lesion. "
        "Draw more heads: a larger --count, REPEATED in `make weights`; those that are there stay."
    )


def test_both_hemispheres_count_as_ill_where_the_side_is_not_one() -> None:
    assert repeats.has("left_hemisphere", "both")
    assert repeats.has("left_hemisphere", "left")
    assert not repeats.has("left_hemisphere", "right")
    assert not repeats.has("left_hemisphere", None)
