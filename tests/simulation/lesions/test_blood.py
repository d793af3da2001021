"""How blood looks: even as ever, frayed at the border, mixed or layered inside, with the same mean."""

from __future__ import annotations

import numpy as np
import pytest
from harder_head import LABELS, OFFSETS_MM, plant
from scipy import ndimage

from scripts.simulation.lesions.blood import LAYER_HU, LOOKS, SERUM_DROP_HU, uneven_hu
from scripts.simulation.lesions.growth import Amount
from scripts.simulation.lesions.planting import CLOTS, IN_THE_MIDDLE


def side_of(kind: str) -> str:
    return "middle" if kind in IN_THE_MIDDLE else "left"


def surface(mask: np.ndarray) -> int:  # type: ignore[type-arg]
    """Faces between the lesion and the rest."""
    return sum(int(np.abs(np.diff((mask == 1).astype(int), axis=axis)).sum()) for axis in range(3))


@pytest.mark.parametrize("kind", CLOTS)
def test_the_volume_and_the_mean_stay_as_asked(kind: str) -> None:
    asked_ml = 10.0 if kind in IN_THE_MIDDLE else 20.0
    for look in LOOKS:
        found = plant(
            kind, side_of(kind), 3, volume_ml=min(asked_ml, 8.0 if "pont" in kind else 20.0), lesion_hu=62.0, blood=look
        )
        inside = found.mask == 1
        assert inside.sum() * 0.008 == pytest.approx(min(asked_ml, 8.0 if "pont" in kind else 20.0), rel=0.1)
        assert found.hu[inside].mean() == pytest.approx(62, abs=6)


def test_only_frayed_blood_has_another_border_than_even_blood() -> None:
    even, frayed, mixed, layered = (plant("intraparenchymal", "left", 5, volume_ml=25.0, blood=look) for look in LOOKS)
    np.testing.assert_array_equal(even.mask == 1, mixed.mask == 1)
    np.testing.assert_array_equal(even.mask == 1, layered.mask == 1)
    assert surface(frayed.mask) > 1.1 * surface(even.mask)


def test_layered_blood_is_denser_behind() -> None:
    even, layered = (plant("intraparenchymal", "left", 5, volume_ml=25.0, blood=look) for look in ("even", "layered"))
    inside = ndimage.binary_erosion(layered.mask == 1)
    behind = OFFSETS_MM[..., 1]
    front, back = (np.quantile(behind[inside], share) for share in (0.7, 0.3))
    added = layered.hu - even.hu
    step = added[inside & (behind < back)].mean() - added[inside & (behind > front)].mean()
    assert LAYER_HU[0] * 0.95 < step < LAYER_HU[1] * 1.05


def test_mixed_blood_has_lakes_of_serum() -> None:
    blood = ((OFFSETS_MM / 15) ** 2).sum(axis=-1) <= 1
    added = uneven_hu(blood, Amount(14.0, 60.0, 0.0, "mixed", np.random.default_rng(1)), np.full(3, 2.0))
    assert added[blood].mean() == pytest.approx(0, abs=1e-9)
    assert SERUM_DROP_HU[0] * 0.9 < np.ptp(added[blood]) < SERUM_DROP_HU[1] * 1.05
    assert 0.2 < (added[blood] < -5).mean() < 0.6


def test_looks_that_are_not_there_are_refused() -> None:
    assert LABELS.any()
    with pytest.raises(ValueError, match="no look of blood 'swirled'; there are even, frayed"):
        plant("subdural", "left", blood="swirled")
    with pytest.raises(ValueError, match="a cyst has no layered blood"):
        plant("cyst", "left", blood="layered")
