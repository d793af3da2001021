"""Who is in a simulated data set: shares, turns over kinds, sides, anatomies and recipes, and what is to be marked."""

from __future__ import annotations

from collections import Counter
from typing import Any

import pytest

from reproduction.cq500.reads import LABELS, NAME
from reproduction.cq500.standin.patients import BLEEDS, FRACTURES, OTHERS, CasePlan, plans, true_labels
from reproduction.cq500.standin.recipes import RECIPES
from scripts.simulation.lesions.planting import KINDS

ANATOMIES = ("a", "b", "c")


def kind_of(plan: CasePlan) -> str:
    if not plan.lesions:
        return "healthy"
    kind = plan.lesions[0][0]
    return "bleed" if kind in BLEEDS else "fracture" if kind in FRACTURES else "other"


def test_a_large_data_set_has_enough_of_everything() -> None:
    found = plans(ANATOMIES, 80)
    assert Counter(map(kind_of, found)) == {"healthy": 48, "bleed": 19, "fracture": 10, "other": 3}
    planted = Counter(lesion for plan in found for lesion in plan.lesions)
    subtypes = {
        side: {BLEEDS[kind][1] for kind, own in planted if kind in BLEEDS and own == side} for side in ("left", "right")
    }
    assert subtypes["left"] == subtypes["right"] == {"IPH", "IVH", "SDH", "EDH", "SAH"}
    assert {kind for kind, _ in planted if kind in FRACTURES} == set(FRACTURES)
    usable = [plan for plan in found if kind_of(plan) == "healthy" and RECIPES[plan.recipe].best]
    assert len(usable) >= 40
    assert {plan.recipe for plan in found} == set(RECIPES)
    assert sum(len({side for _, side in plan.lesions}) == 2 for plan in found) == 6


@pytest.mark.parametrize("count", range(6, 24))
def test_a_small_one_can_be_split_and_evaluated(count: int) -> None:
    usable = Counter(kind_of(plan) for plan in plans(ANATOMIES, count) if RECIPES[plan.recipe].best)
    assert usable["healthy"] >= 3
    assert usable["bleed"] >= 1
    assert usable["fracture"] >= 1


def test_numbers_seeds_and_names_are_each_its_own() -> None:
    found = plans(ANATOMIES, 30, seed=7)
    assert sorted(plan.number for plan in found) == list(range(30))
    assert len({plan.seed for seed in (6, 7, 8) for plan in plans(ANATOMIES, 30, seed)}) == 90
    assert all(NAME.fullmatch(plan.name) for plan in found)
    assert found[0].folder == f"CQ500CT{found[0].number} CQ500CT{found[0].number}"
    assert Counter(plan.anatomy for plan in found) == dict.fromkeys(ANATOMIES, 10)


def test_numbers_tell_nothing_and_follow_from_the_seed() -> None:
    first, again, other = (plans(ANATOMIES, 40, seed=seed) for seed in (1, 1, 2))
    assert first == again
    assert [plan.number for plan in first] != [plan.number for plan in other]
    healthy = sorted(plan.number for plan in first if not plan.lesions)
    assert healthy != list(range(24))


def test_lesions_are_kinds_that_can_be_planted() -> None:
    assert {*BLEEDS, *FRACTURES, *OTHERS} <= set(KINDS)
    for labels in BLEEDS.values():
        assert set(labels) <= set(LABELS)


def test_too_few_cases_or_no_anatomy_are_refused() -> None:
    for anatomies, count in ((ANATOMIES, 5), ((), 20)):
        with pytest.raises(ValueError, match=f"6 cases or more and an anatomy, got {count} and {len(anatomies)}"):
            plans(anatomies, count)


def lesion(kind: str, side: str = "left", volume_ml: float = 10.0, shift_mm: float = 0.0) -> dict[str, Any]:
    return {"lesion": kind, "side": side, "volume_ml": volume_ml, "midline_shift_mm": shift_mm}


@pytest.mark.parametrize(
    ("lesions", "labels"),
    [
        ([], ""),
        ([lesion("subarachnoid")], "ICH SAH BleedLocation-Left"),
        ([lesion("isodense_subdural", "right")], "ICH SDH ChronicBleed BleedLocation-Right"),
        ([lesion("intraparenchymal", volume_ml=25)], "ICH IPH BleedLocation-Left MassEffect"),
        ([lesion("epidural", shift_mm=-2)], "ICH EDH BleedLocation-Left MassEffect"),
        ([lesion("subdural", shift_mm=5)], "ICH SDH BleedLocation-Left MassEffect MidlineShift"),
        ([lesion("linear_fracture", volume_ml=40)], "Fracture CalvarialFracture"),
        ([lesion("oedema")], "MassEffect"),
        (
            [lesion("depressed_fracture", "right"), lesion("epidural", "right")],
            "Fracture CalvarialFracture ICH EDH BleedLocation-Right",
        ),
        (
            [lesion("intraventricular"), lesion("subdural", "right")],
            "ICH IVH SDH BleedLocation-Left BleedLocation-Right",
        ),
    ],
)
def test_what_truly_is_to_be_marked(lesions: list[dict[str, Any]], labels: str) -> None:
    assert true_labels(lesions) == set(labels.split())
