"""Planting a lesion into a simulated head, with its mask.

A *kind* is one of `KINDS`; a *side* is the patient's. The *mask* is 1 where the lesion is (blood; bone that is broken,
missing or moved) and 2 where the brain around it is swollen. The lesion is drawn into HU before the scanner blurs them,
and every choice comes from the random generator that is passed in, so one seed gives one lesion.

The shapes are made in `bleeds.py` and `fractures.py`, whose constants say how large and how bright they are.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from . import bleeds, fractures
from .braincase import SIDES, Braincase, Labels

BLEEDS = {
    "intraparenchymal": bleeds.PARENCHYMAL_ML,
    "subdural": bleeds.SUBDURAL.volume_ml,
    "epidural": bleeds.EPIDURAL.volume_ml,
}
"""Kinds of bleeds and the range (ml) that their volume is drawn from."""

FRACTURES = ("linear_fracture", "depressed_fracture")
KINDS = (*BLEEDS, *FRACTURES)


def plant_lesion(
    hu: NDArray[np.float32],
    labels: Labels,
    spacing_mm: float | Sequence[float],
    kind: str,
    side: str,
    rng: np.random.Generator,
    *,
    volume_ml: float | None = None,
    lesion_hu: float | None = None,
) -> tuple[NDArray[np.float32], NDArray[np.uint8]]:
    """A copy of a head with one lesion, and the lesion's mask.

    Args:
        hu: the healthy head (I, J, K) in HU, axes along +R, +A, +S.
        labels: its label map (I, J, K), see `labels.py`.
        spacing_mm: voxel size, one number or three.
        kind: one of `KINDS`.
        side: "left" or "right", the patient's.
        rng: where all random choices come from.
        volume_ml: volume of the blood (mask 1) of a bleed; drawn from the kind's range if not given.
        lesion_hu: mean HU of the blood, or of what fills the gap of a fracture; drawn if not given.

    Returns:
        HU (I, J, K), float32, and the mask (I, J, K), uint8.

    Raises:
        ValueError: an unknown kind or side, shapes that differ, a volume for a fracture or one that is not positive or
            does not fit, or a label map without two cerebral hemispheres in RAS order.
    """
    _check(hu, labels, kind, side, volume_ml)
    case = Braincase(labels, np.broadcast_to(np.asarray(spacing_mm, float), (3,)).copy())
    if kind in FRACTURES:
        gap_hu = rng.uniform(*fractures.GAP_HU) if lesion_hu is None else lesion_hu
        break_bone = fractures.linear if kind == "linear_fracture" else fractures.depressed
        return break_bone(hu, case, side, rng, gap_hu)
    blood = bleeds.Blood(
        rng.uniform(*BLEEDS[kind]) if volume_ml is None else volume_ml,
        rng.uniform(*bleeds.BLOOD_HU) if lesion_hu is None else lesion_hu,
    )
    if kind == "intraparenchymal":
        return bleeds.intraparenchymal(hu, case, side, rng, blood)
    return bleeds.extra_axial(hu, case, side, rng, blood, bleeds.SUBDURAL if kind == "subdural" else bleeds.EPIDURAL)


def _check(hu: NDArray[np.float32], labels: Labels, kind: str, side: str, volume_ml: float | None) -> None:
    if kind not in KINDS:
        raise ValueError(f"there is no kind of lesion {kind!r}; the kinds are {', '.join(KINDS)}")
    if side not in SIDES:
        raise ValueError(f"the side of a lesion is {' or '.join(SIDES)}, the patient's, got {side!r}")
    if hu.shape != labels.shape or hu.ndim != 3:
        raise ValueError(f"HU and labels must share one shape (I, J, K), got {hu.shape} and {labels.shape}")
    if volume_ml is not None and kind in FRACTURES:
        raise ValueError(f"volume_ml is for bleeds, and {kind} is none: leave it out")
    if volume_ml is not None and not volume_ml > 0:
        raise ValueError(f"volume_ml must be positive, got {volume_ml}")
