"""Planting a lesion into a simulated head, with its mask.

A *kind* is one of `KINDS`; a *side* is the patient's. The *mask* is 1 where the lesion is (blood, fluid or changed
brain; bone that is broken, missing or moved) and 2 where the brain around it is swollen. Brain that is only pushed
aside is not in it. The lesion is drawn into HU before the scanner blurs them, and every choice comes from the random
generator that is passed in, so one seed gives one lesion.

The shapes are made in `bleeds.py`, `filling.py`, `dark.py` and `fractures.py`, whose constants say how large and how
bright they are; `mass_effect.py` pushes.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ..anatomy.braincase import SIDES, Braincase, Labels
from . import bleeds, dark, filling, fractures
from .growth import Amount, Lesion, Volume

BRIGHT = {
    "intraparenchymal": bleeds.PARENCHYMAL_ML,
    "subdural": bleeds.SUBDURAL.volume_ml,
    "epidural": bleeds.EPIDURAL.volume_ml,
    "subarachnoid": filling.SUBARACHNOID_ML,
    "intraventricular": filling.VENTRICULAR_ML,
}
"""Kinds of acute bleeds and the range (ml) that their volume is drawn from."""

DARK_OR_ISODENSE = {
    "isodense_subdural": bleeds.SUBDURAL.volume_ml,
    "infarct": dark.INFARCT_ML,
    "old_infarct": dark.OLD_INFARCT_ML,
    "cyst": bleeds.CYST.volume_ml,
    "oedema": dark.OEDEMA_ML,
}
"""Kinds that are no brighter than brain and the range (ml) that their volume is drawn from."""

FRACTURES = ("linear_fracture", "depressed_fracture", "diastatic_fracture")
VOLUMES_ML = BRIGHT | DARK_OR_ISODENSE
KINDS = (*VOLUMES_ML, *FRACTURES)

HU = {
    "subarachnoid": filling.SUBARACHNOID_HU,
    "intraventricular": filling.VENTRICULAR_HU,
    "isodense_subdural": bleeds.ISODENSE_HU,
    "old_infarct": dark.OLD_HU,
    "cyst": bleeds.CYST_HU,
}
"""Range of the mean HU of kinds that are not as bright as acute blood, `bleeds.BLOOD_HU`."""

DROPS_HU = {"infarct": dark.INFARCT_DROP_HU, "oedema": dark.OEDEMA_DROP_HU}
"""Range of how much darker than the healthy tissue a kind is on average."""

SPACE_SHARES = {
    "intraparenchymal": (0.7, 1.4),
    "subdural": (0.8, 1.7),
    "epidural": (0.7, 1.3),
    "isodense_subdural": (0.6, 1.4),
    "infarct": (0.05, 0.15),
    "old_infarct": (-0.35, -0.15),
    "cyst": (0.2, 0.6),
    "oedema": (0.1, 0.25),
}
"""Range of the share of its volume by which a kind pushes the brain aside; the others don't.

It is more than the whole volume where the brain beneath a bleed swells, and negative where the brain has shrunk.
"""

LEAST_SWELLING_INFARCT_ML = 40.0
"""Infarcts that are smaller do not swell."""

SHAPES = {
    "intraparenchymal": bleeds.intraparenchymal,
    "subarachnoid": filling.subarachnoid,
    "intraventricular": filling.intraventricular,
    "infarct": dark.infarct,
    "old_infarct": dark.old_infarct,
    "oedema": dark.oedema,
}
EXTRA_AXIAL = {
    "subdural": bleeds.SUBDURAL,
    "epidural": bleeds.EPIDURAL,
    "isodense_subdural": bleeds.SUBDURAL,
    "cyst": bleeds.CYST,
}
BREAKS = {
    "linear_fracture": fractures.linear,
    "depressed_fracture": fractures.depressed,
    "diastatic_fracture": fractures.diastatic,
}


def plant_lesion(
    hu: Volume,
    labels: Labels,
    spacing_mm: float | Sequence[float],
    kind: str,
    side: str,
    rng: np.random.Generator,
    *,
    volume_ml: float | None = None,
    lesion_hu: float | None = None,
    space_share: float | None = None,
) -> Lesion:
    """A copy of a head with one lesion, and the lesion's mask.

    Args:
        hu: the healthy head (I, J, K) in HU, axes along +R, +A, +S.
        labels: its label map (I, J, K), see `labels.py`.
        spacing_mm: voxel size, one number or three.
        kind: one of `KINDS`.
        side: "left" or "right", the patient's.
        rng: where all random choices come from.
        volume_ml: volume of mask 1 of all but fractures; drawn from the kind's range if not given.
        lesion_hu: mean HU of the lesion, or of what fills the gap of a fracture; drawn if not given.
        space_share: the share of its volume by which the lesion pushes the brain aside; drawn if not given.

    Returns:
        HU (I, J, K), float32, the labels (I, J, K) of the pushed brain, the mask (I, J, K), uint8, and the midline
        shift in mm.

    Raises:
        ValueError: an unknown kind or side, shapes that differ, a volume for a fracture or one that is not positive or
            does not fit, a share for a kind that takes no space, or a label map without two cerebral hemispheres in RAS
            order or without the fluid that is to be filled.
    """
    _check(hu, labels, kind, side, volume_ml, space_share)
    hu = hu.astype(np.float32, copy=False)
    case = Braincase(labels, np.broadcast_to(np.asarray(spacing_mm, float), (3,)).copy())
    if kind in FRACTURES:
        gap_hu = rng.uniform(*fractures.GAP_HU) if lesion_hu is None else lesion_hu
        return BREAKS[kind](hu, case, side, rng, gap_hu)
    pushing = rng.spawn(1)[0]  # apart, so that the lesion of a seed does not depend on what it pushes
    volume_ml = _volume_ml(case, kind, side, rng) if volume_ml is None else volume_ml
    lesion_hu = _hu(hu, case, kind, side, rng) if lesion_hu is None else lesion_hu
    share = _space_share(kind, volume_ml, pushing) if space_share is None else space_share
    amount = Amount(volume_ml, lesion_hu, share)
    if kind in EXTRA_AXIAL:
        return bleeds.extra_axial(hu, case, side, rng, amount, EXTRA_AXIAL[kind])
    return SHAPES[kind](hu, case, side, rng, amount)


def _volume_ml(case: Braincase, kind: str, side: str, rng: np.random.Generator) -> float:
    """A volume from the range of the kind, cut to what its room holds where it fills one."""
    drawn = rng.uniform(*VOLUMES_ML[kind])
    if kind in ("subarachnoid", "intraventricular"):
        return float(min(drawn, filling.ROOM_SHARE * filling.room_ml(case, side, kind)))
    return float(drawn)


def _hu(hu: Volume, case: Braincase, kind: str, side: str, rng: np.random.Generator) -> float:
    """Mean HU from the range of the kind."""
    if kind in DROPS_HU:
        return dark.brain_hu(hu, case, side, kind) - float(rng.uniform(*DROPS_HU[kind]))
    return float(rng.uniform(*HU.get(kind, bleeds.BLOOD_HU)))


def _space_share(kind: str, volume_ml: float, rng: np.random.Generator) -> float:
    """The share of its volume by which a lesion pushes."""
    if kind not in SPACE_SHARES or (kind == "infarct" and volume_ml < LEAST_SWELLING_INFARCT_ML):
        return 0.0
    return float(rng.uniform(*SPACE_SHARES[kind]))


def _check(
    hu: Volume, labels: Labels, kind: str, side: str, volume_ml: float | None, space_share: float | None
) -> None:
    if kind not in KINDS:
        raise ValueError(f"there is no kind of lesion {kind!r}; the kinds are {', '.join(KINDS)}")
    if side not in SIDES:
        raise ValueError(f"the side of a lesion is {' or '.join(SIDES)}, the patient's, got {side!r}")
    if hu.shape != labels.shape or hu.ndim != 3:
        raise ValueError(f"HU and labels must share one shape (I, J, K), got {hu.shape} and {labels.shape}")
    if volume_ml is not None and kind in FRACTURES:
        raise ValueError(f"a {kind} has no volume_ml: leave it out")
    if volume_ml is not None and not volume_ml > 0:
        raise ValueError(f"volume_ml must be positive, got {volume_ml}")
    if space_share is not None and kind not in SPACE_SHARES:
        raise ValueError(f"{kind} takes no space from the brain: leave space_share out")
