from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from calibrate_stand_in import skull

from scripts.calibration import skulls as module
from scripts.calibration.files import load_scan, load_skull, save_scan
from scripts.calibration.skulls import FEWEST_SKULLS, HealthySkull, calibrate_skulls, healthy_skull
from scripts.skull.measure import MAPS
from scripts.skull.surface import SkullNotJudged

USUAL_MM = np.full(5600, 80.0)


def thick(seed: int) -> HealthySkull:
    found = skull(seed)
    return HealthySkull(found.maps, found.known, thick=True)


def test_thin_and_thick_slices_are_calibrated_apart() -> None:
    skulls = [skull(seed) for seed in range(FEWEST_SKULLS)] + [thick(seed) for seed in range(FEWEST_SKULLS + 1)]
    found = calibrate_skulls(skulls, [f"{number % 2}" for number in range(len(skulls))], USUAL_MM)
    assert {name: len(scores) for name, scores in found.healthy.items()} == {"thin": 8, "thick": 9}
    assert set(found.classes) == {"thin", "thick"}


@pytest.mark.parametrize(("count", "groups"), [(FEWEST_SKULLS - 1, 2), (FEWEST_SKULLS, 1)])
def test_a_class_of_few_skulls_or_of_one_person_is_left_out(count: int, groups: int) -> None:
    skulls = [skull(seed) for seed in range(count)]
    found = calibrate_skulls(skulls, [f"{number % groups}" for number in range(count)], USUAL_MM)
    assert (found.classes, found.healthy) == ({}, {})


@pytest.mark.parametrize(("others", "kept"), [(1, False), (2, True)])
def test_a_class_of_nearly_one_person_is_left_out(others: int, kept: bool) -> None:
    groups = ["a"] * (FEWEST_SKULLS - others) + ["b"] * others
    found = calibrate_skulls([skull(seed) for seed in range(FEWEST_SKULLS)], groups, USUAL_MM)
    assert ("thin" in found.classes) is kept


def test_a_skull_is_cached_beside_the_reason_or_the_scan(tmp_path: Path) -> None:
    save_scan(tmp_path / "a.npz", None, {"group": "a"}, thick(3))
    assert load_scan(tmp_path / "a.npz") == (None, {"group": "a"})
    found = load_skull(tmp_path / "a.npz")
    assert found is not None
    assert found.thick
    for name in MAPS:
        np.testing.assert_array_equal(found.maps[name], thick(3).maps[name])
    save_scan(tmp_path / "b.npz", None, {"group": "a"})
    assert load_skull(tmp_path / "b.npz") is None


def test_a_skull_that_can_t_be_judged_has_no_part(monkeypatch: pytest.MonkeyPatch) -> None:
    def measure(*words: Any) -> None:
        raise SkullNotJudged("The field of view holds 3 % of the calvaria.")

    monkeypatch.setattr(module, "measure", measure)
    assert healthy_skull(np.zeros((2, 2, 2)), np.eye(4), np.eye(4), USUAL_MM) is None
