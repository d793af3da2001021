from __future__ import annotations

from collections import Counter

from scripts.simulation.lesions.planting import ALL_VOLUMES_ML
from scripts.sites.power.plan import KINDS, MORE_KINDS, VOLUMES_ML, volumes_of, wishes


def test_kinds_volumes_and_sides_take_turns_over_scans() -> None:
    found = [wish for row in range(6) for wish in wishes(f"case_{row}", row, 37, KINDS, 0)]
    pairs = Counter((wish.kind, wish.volume_ml) for wish in found)
    assert max(pairs.values()) - min(pairs.values()) <= 1
    assert set(pairs) == {(kind, ml) for kind in KINDS for ml in volumes_of(kind)}
    for pair in pairs:
        sides = Counter(wish.side for wish in found if (wish.kind, wish.volume_ml) == pair)
        assert abs(sides["left"] - sides["right"]) <= 1


def test_a_scan_has_the_same_seeds_in_any_list() -> None:
    assert [w.seed for w in wishes("one", 0, 5, KINDS, 3)] == [w.seed for w in wishes("one", 4, 5, KINDS, 3)]
    assert wishes("one", 0, 5, KINDS, 3) != wishes("two", 0, 5, KINDS, 3)


def test_what_fills_fluid_is_not_planted_in_volumes_that_no_head_has_room_for() -> None:
    assert volumes_of("intraventricular") == [1.0, 2.0, 5.0, 10.0]
    assert volumes_of("subdural") == list(VOLUMES_ML)
    assert set(KINDS) | set(MORE_KINDS) <= set(ALL_VOLUMES_ML)
