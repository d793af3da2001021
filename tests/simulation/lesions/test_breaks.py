"""The kinds of fractures: their groups, on their side, fixed by a seed, and what can't be asked of them."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from broken_head import HU, LABELS, broken, places_mm

from scripts.simulation.lesions.breaks import ALL_FRACTURES, AT_SUTURES, BASAL, BREAKS, MORE_FRACTURES, WITH_WIDTH
from scripts.simulation.lesions.planting import ALL_KINDS, KINDS


def test_every_fracture_can_be_planted_and_the_new_ones_take_no_turn_among_the_usual_kinds() -> None:
    assert set(ALL_FRACTURES) == set(BREAKS)
    assert {*WITH_WIDTH, *AT_SUTURES, *BASAL} <= set(ALL_FRACTURES) <= set(ALL_KINDS)
    assert not set(MORE_FRACTURES) & set(KINDS)


@pytest.mark.parametrize("kind", MORE_FRACTURES)
def test_a_seed_fixes_a_fracture_on_its_side(kind: str) -> None:
    left, again, other = (broken(kind, seed, "left") for seed in (4, 4, 5))
    for a, b in zip(left, again, strict=True):
        np.testing.assert_array_equal(a, b)
    assert (left.mask != other.mask).any()
    assert (places_mm(left.mask)[:, 0] < 0).mean() > 0.98
    changed = np.abs(left.hu - HU) > 0.5
    assert changed[left.mask == 1].mean() > 0.9
    np.testing.assert_array_equal(left.labels, LABELS)


@pytest.mark.parametrize(
    ("kind", "asked", "words"),
    [
        ("depressed_fracture", {"width_mm": 1.0}, "a depressed_fracture has no width_mm; only linear_fracture"),
        ("linear_fracture", {"width_mm": 0.0}, "width_mm must be positive, got 0.0"),
        ("linear_fracture", {"count": 2}, "a linear_fracture is one lesion; only multiple_fractures"),
        ("multiple_fractures", {"count": 0}, "count must be 1 or more, got 0"),
        ("suture_fracture", {"side": "both", "mirrored": True}, "a suture_fracture can't be mirrored"),
        ("basal_fracture", {"volume_ml": 3.0}, "a basal_fracture has no volume_ml"),
        ("subdural", {"width_mm": 1.0}, "a subdural has no width_mm"),
    ],
)
def test_what_a_fracture_cannot_have_is_told(kind: str, asked: dict[str, Any], words: str) -> None:
    with pytest.raises(ValueError, match=words):
        broken(kind, 0, **asked)
