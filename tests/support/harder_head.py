"""The toy head with a third ventricle and a brain stem, and lesions in it."""

from __future__ import annotations

from typing import Any

import numpy as np
from toy_head import CENTRE, SHAPE, SPACING_MM, toy_hu, toy_labels

from scripts.simulation.lesions.growth import Lesion
from scripts.simulation.lesions.planting import SPACE_SHARES, plant_lesion

LABELS = toy_labels()
OFFSETS_MM = (np.stack(np.meshgrid(*map(np.arange, SHAPE), indexing="ij"), axis=-1) - CENTRE) * SPACING_MM
LABELS[((OFFSETS_MM / (4, 14, 10)) ** 2).sum(axis=-1) <= 1] = 14
LABELS[(((OFFSETS_MM - (0, -8, -40)) / (16, 14, 22)) ** 2).sum(axis=-1) <= 1] = 16
HU = toy_hu(LABELS)
LEFT = OFFSETS_MM[..., 0] < 0


def plant(kind: str, side: str, seed: int = 0, **asked: Any) -> Lesion:
    """A lesion that leaves the brain beside it in place."""
    still = {"space_share": 0.0} if kind in SPACE_SHARES else {}
    return plant_lesion(HU, LABELS, SPACING_MM, kind, side, np.random.default_rng(seed), **still, **asked)


def volume_ml(mask: np.ndarray[Any, Any]) -> float:
    """Volume of mask 1."""
    return float((mask == 1).sum()) * SPACING_MM**3 / 1000
