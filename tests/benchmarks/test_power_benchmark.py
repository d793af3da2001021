"""The test of seams can tell what it is for: it finds noise that was smoothed away, and nothing where nothing is."""

from __future__ import annotations

import numpy as np
import power
import pytest
from power_head import power_ground

from scripts.sites.power.plan import Wish

LESIONS = 8


@pytest.fixture(scope="module")
def parts() -> dict[str, list[np.ndarray]]:
    ground, rng = power_ground(), np.random.default_rng(0)
    found: dict[str, list[np.ndarray]] = {"pushed": [], "untouched": [], "blended": []}
    for number in range(LESIONS):
        wish = Wish(number, "intraparenchymal", ("left", "right")[number % 2], 1.5, (number,))
        hu, mask = power.pushed_only(ground, wish)
        assert (hu != ground.hu).any()
        where = power.places_at(mask, ground, rng)
        for name, volume in (("pushed", hu), ("untouched", ground.hu), ("blended", power.smoothed_away(ground, mask))):
            found[name].append(power.profiles(volume, *where))
    return found


def interval(text: str) -> tuple[float, float]:
    low, high = text.split("[")[1].rstrip("]").split(", ")
    return float(low), float(high)


def test_the_edge_of_a_lesion_that_is_not_there_is_not_told(parts: dict[str, list[np.ndarray]]) -> None:
    low, high = interval(power.told_apart(power.grain(parts["pushed"]), power.grain(parts["untouched"])))
    assert low <= 0.5 <= high


def test_blending_is_told(parts: dict[str, list[np.ndarray]]) -> None:
    assert interval(power.told_apart(power.grain(parts["blended"]), power.grain(parts["untouched"])))[0] > 0.8


def test_the_comparison_names_the_difference_with_its_interval() -> None:
    def row(planted: bool, drawn: bool) -> dict[str, object]:
        words = {True: "found", False: "missed"}
        return {
            "kind": "subdural",
            "outcome": words[planted],
            "score": 3.0,
            "drawn": {"outcome": words[drawn], "score": 2.0},
        }

    heads = [{"head": str(n), "rows": [row(True, True), row(True, n % 2 == 0)]} for n in range(6)]
    lines = list(power.comparison(heads))
    assert "| subdural | 12 | 12 | 9 | 3.00 | 2.00 |" in lines
    assert lines[-1].startswith("\nsensitivity, planted less drawn: +25 points [")
    assert list(power.comparison(heads[:1]))[-1].endswith("; one head has no interval")
