"""Labels of lesions: each kind has those that `evaluate` asks for, and no other ones."""

from __future__ import annotations

import pytest

from scripts.cohort import tasks
from scripts.simulation.lesions.breaks import ALL_FRACTURES
from scripts.simulation.lesions.labels import BLEEDS, NAMES, OTHER, labels_of
from scripts.simulation.lesions.planting import ALL_KINDS


def true(kind: str | None, side: str | None) -> set[str]:
    return {name for name, value in labels_of(kind, side).items() if value}


def test_names_are_those_of_the_evaluation() -> None:
    wanted = {*tasks.NEEDED, *(name for names in tasks.SUBTYPES.values() for name in names), tasks.OTHER_LESION}
    assert set(NAMES) == wanted
    assert all(set(labels_of(kind, "left")) == wanted for kind in (None, *ALL_KINDS))


@pytest.mark.parametrize(
    ("kind", "side", "names"),
    [
        (None, None, set()),
        ("subdural", "left", {"ICH", "SDH", "BleedLocation-Left"}),
        ("isodense_subdural", "right", {"ICH", "SDH", "ChronicBleed", "BleedLocation-Right"}),
        ("intraventricular", "both", {"ICH", "IVH", "BleedLocation-Left", "BleedLocation-Right"}),
        ("pontine_bleed", "middle", {"ICH", "IPH", "BleedLocation-Left", "BleedLocation-Right"}),
        ("cerebellar_bleed", "right", {"ICH", "IPH", "BleedLocation-Right"}),
        ("depressed_fracture", "left", {"Fracture", "CalvarialFracture"}),
        ("multiple_fractures", "both", {"Fracture", "CalvarialFracture"}),
        ("basal_fracture", "left", {"Fracture", "CalvarialFracture", "OtherFracture"}),
        ("infarct", "left", {"OtherLesion"}),
        ("butterfly_glioma", "middle", {"OtherLesion"}),
    ],
)
def test_labels_of_a_lesion(kind: str | None, side: str | None, names: set[str]) -> None:
    assert true(kind, side) == names


def test_every_kind_bleeds_or_breaks_or_is_another() -> None:
    for kind in ALL_KINDS:
        assert sum([kind in BLEEDS, kind in ALL_FRACTURES, true(kind, "left") == {OTHER}]) == 1, kind
    assert not [kind for kind in ALL_KINDS if "bleed" in kind and kind not in BLEEDS]


def test_no_such_kind() -> None:
    with pytest.raises(ValueError, match="There is no lesion of the kind 'stroke'"):
        labels_of("stroke", "left")
