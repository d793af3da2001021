"""Fractures of the toy head, and what they took."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from toy_head import CENTRE, SPACING_MM, toy_hu, toy_labels

from scripts.simulation.lesions.growth import Lesion
from scripts.simulation.lesions.planting import plant_lesion

LABELS = toy_labels()
HU = toy_hu(LABELS)
BONE = np.isin(LABELS, (515, 516))
GAP_HU, THICK_MM = 45.0, 8.0


def broken(kind: str, seed: int, side: str = "right", **asked: Any) -> Lesion:
    """A fracture of the toy head."""
    return plant_lesion(HU, LABELS, SPACING_MM, kind, side, np.random.default_rng(seed), lesion_hu=GAP_HU, **asked)


def places_mm(mask: NDArray[Any]) -> NDArray[np.float64]:
    """Offsets (n, 3) of mask 1 from the middle of the braincase."""
    return np.asarray((np.argwhere(mask == 1) - CENTRE) * SPACING_MM)


def lost_mm3(lesion: Lesion) -> float:
    """The volume of bone that was replaced by the gap."""
    return float(((HU - lesion.hu) / np.maximum(HU - GAP_HU, 1))[BONE].sum() * SPACING_MM**3)
