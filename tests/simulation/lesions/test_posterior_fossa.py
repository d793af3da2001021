"""Lesions of the cerebellum: on their side of it, as large and bright as asked."""

from __future__ import annotations

import numpy as np
import pytest
from harder_head import HU, LABELS, LEFT, plant, volume_ml
from toy_head import SPACING_MM

from scripts.simulation.lesions.planting import POSTERIOR_FOSSA, plant_lesion


@pytest.mark.parametrize("side", ["left", "right"])
@pytest.mark.parametrize("kind", POSTERIOR_FOSSA)
def test_it_lies_in_the_cerebellum_of_its_side(kind: str, side: str) -> None:
    for seed in range(3):
        found = plant(kind, side, seed, volume_ml=10.0)
        inside = found.mask == 1
        assert volume_ml(found.mask) == pytest.approx(10, rel=0.1)
        assert np.isin(LABELS[inside], (8,) if side == "left" else (47,)).mean() > 0.85
        assert (LEFT[inside].mean() > 0.9) == (side == "left")


def test_a_bleed_is_bright_and_an_infarct_darker_than_the_cerebellum() -> None:
    bleed, infarct = (plant(kind, "left", 3, volume_ml=12.0) for kind in POSTERIOR_FOSSA)
    assert 40 < bleed.hu[bleed.mask == 1].mean() < 82
    assert 7 < (HU - infarct.hu)[infarct.mask == 1].mean() < 17


@pytest.mark.parametrize("kind", POSTERIOR_FOSSA)
def test_a_map_without_cerebellum_is_refused(kind: str) -> None:
    without = np.where(np.isin(LABELS, (8, 47)), 3, LABELS)
    with pytest.raises(ValueError, match="no cerebellum on the left"):
        plant_lesion(HU, without, SPACING_MM, kind, "left", np.random.default_rng(0), volume_ml=5.0, lesion_hu=20.0)
