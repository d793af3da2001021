"""The test of seams can tell what it is for: it finds noise that was smoothed away, and nothing where nothing is."""

from __future__ import annotations

import numpy as np
import pytest
import seams
from power_head import power_ground

from scripts.sites.power.plan import Wish

LESIONS = 8


@pytest.fixture(scope="module")
def parts() -> dict[str, list[np.ndarray]]:
    ground, rng = power_ground(), np.random.default_rng(0)
    found: dict[str, list[np.ndarray]] = {"pushed": [], "untouched": [], "blended": []}
    for number in range(LESIONS):
        wish = Wish(number, "intraparenchymal", ("left", "right")[number % 2], 1.5, (number,))
        hu, mask = seams.pushed_only(ground, wish)
        assert (hu != ground.hu).any()
        where = seams.places_at(mask, ground, rng)
        for name, volume in (("pushed", hu), ("untouched", ground.hu), ("blended", seams.smoothed_away(ground, mask))):
            found[name].append(seams.profiles(volume, *where))
    return found


def interval(text: str) -> tuple[float, float]:
    low, high = text.split("[")[1].rstrip("]").split(", ")
    return float(low), float(high)


def test_the_edge_of_a_lesion_that_is_not_there_is_not_told(parts: dict[str, list[np.ndarray]]) -> None:
    low, high = interval(seams.told_apart(seams.grain(parts["pushed"]), seams.grain(parts["untouched"])))
    assert low <= 0.5 <= high


def test_blending_is_told(parts: dict[str, list[np.ndarray]]) -> None:
    assert interval(seams.told_apart(seams.grain(parts["blended"]), seams.grain(parts["untouched"])))[0] > 0.8
