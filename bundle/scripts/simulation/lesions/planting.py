"""Planting a lesion into a simulated head, with its mask.

A *kind* is one of `ALL_KINDS`; a *side* is the patient's. Kinds `IN_THE_MIDDLE` lie in the middle, all others on one
side or on both. The *mask* is 1 where the lesion is (blood, fluid or changed brain; bone that is broken, missing or
moved) and 2 where the brain around it is swollen. Brain that is only pushed aside is not in it. The lesion is drawn
into HU before the scanner blurs them, and every choice comes from the random generator that is passed in, so one seed
gives one lesion.

The shapes are made in `bleeds.py`, `filling.py`, `dark.py`, `midline.py` and `posterior_fossa.py`, those of fractures
in the modules that `breaks.py` names; their constants say how large and how bright they are. `blood.py` says how blood
looks inside, `both_sides.py` plants the second one, and `mass_effect.py` pushes.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from ..anatomy.braincase import BOTH, MIDDLE, SIDES, Array, Braincase, Labels
from . import bleeds, dark, filling, midline, posterior_fossa
from .blood import EVEN, LOOKS
from .both_sides import plant_apart, plant_mirrored
from .breaks import ALL_FRACTURES, BREAKS, FRACTURES, MORE_FRACTURES, check_break
from .cuts import Gap
from .fractures import GAP_HU
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

VOLUMES_ML = BRIGHT | DARK_OR_ISODENSE
KINDS = (*VOLUMES_ML, *FRACTURES)
"""The usual kinds, on one side: the order is part of what a seed means where kinds take turns."""

IN_THE_MIDDLE = {
    "callosal_bleed": midline.CALLOSAL_ML,
    "butterfly_glioma": midline.GLIOMA_ML,
    "colloid_cyst": midline.COLLOID_ML,
    "midline_cyst": midline.MIDLINE_CYST_ML,
    "pontine_bleed": midline.PONTINE_ML,
}
"""Kinds that cross the mid-plane and the range (ml) that their volume is drawn from."""

POSTERIOR_FOSSA = {"cerebellar_bleed": posterior_fossa.BLEED_ML, "cerebellar_infarct": posterior_fossa.INFARCT_ML}
"""Kinds in the cerebellum and the range (ml) that their volume is drawn from."""

ALL_VOLUMES_ML = VOLUMES_ML | IN_THE_MIDDLE | POSTERIOR_FOSSA
ALL_KINDS = (*KINDS, *IN_THE_MIDDLE, *POSTERIOR_FOSSA, *MORE_FRACTURES)

CLOTS = (
    *("intraparenchymal", "subdural", "epidural", "isodense_subdural"),
    *("callosal_bleed", "pontine_bleed", "cerebellar_bleed"),
)
"""Kinds whose blood may look otherwise than even; in fluid it sinks to a level or thins out as it is."""

HU = {
    "subarachnoid": filling.SUBARACHNOID_HU,
    "intraventricular": filling.VENTRICULAR_HU,
    "isodense_subdural": bleeds.ISODENSE_HU,
    "old_infarct": dark.OLD_HU,
    "cyst": bleeds.CYST_HU,
    "butterfly_glioma": midline.GLIOMA_HU,
    "colloid_cyst": midline.COLLOID_HU,
    "midline_cyst": midline.MIDLINE_CYST_HU,
}
"""Range of the mean HU of kinds that are not as bright as acute blood, `bleeds.BLOOD_HU`."""

DROPS_HU = {"infarct": dark.INFARCT_DROP_HU, "oedema": dark.OEDEMA_DROP_HU, "cerebellar_infarct": dark.INFARCT_DROP_HU}
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
    "callosal_bleed": (0.5, 1.0),
    "butterfly_glioma": (0.2, 0.5),
    "colloid_cyst": (0.3, 0.8),
    "midline_cyst": (0.2, 0.6),
    "pontine_bleed": (0.3, 0.7),
    "cerebellar_bleed": (0.5, 1.0),
    "cerebellar_infarct": (0.05, 0.15),
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
    "callosal_bleed": midline.callosal_bleed,
    "butterfly_glioma": midline.butterfly_glioma,
    "colloid_cyst": midline.colloid_cyst,
    "midline_cyst": midline.midline_cyst,
    "pontine_bleed": midline.pontine_bleed,
    "cerebellar_bleed": posterior_fossa.cerebellar_bleed,
    "cerebellar_infarct": posterior_fossa.cerebellar_infarct,
}
EXTRA_AXIAL = {
    "subdural": bleeds.SUBDURAL,
    "epidural": bleeds.EPIDURAL,
    "isodense_subdural": bleeds.SUBDURAL,
    "cyst": bleeds.CYST,
}
Start = NDArray[np.int64] | None


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
    blood: str = EVEN,
    mirrored: bool = False,
    width_mm: float | None = None,
    count: int | None = None,
    sutures: Mapping[str, Array] | None = None,
    second: np.random.Generator | None = None,
) -> Lesion:
    """A copy of a head with one lesion, or with one on each side, and the mask.

    Args:
        hu: the healthy head (I, J, K) in HU, axes along +R, +A, +S.
        labels: its label map (I, J, K), see `labels.py`.
        spacing_mm: voxel size, one number or three.
        kind: one of `ALL_KINDS`.
        side: "left", "right" (the patient's) or "both"; "middle" for kinds that lie there.
        rng: where all random choices come from.
        volume_ml: volume of mask 1 of all but fractures, on each side; drawn from the kind's range if not given.
        lesion_hu: mean HU of the lesion, or of what fills the gap of a fracture; drawn if not given.
        space_share: the share of its volume by which the lesion pushes the brain aside; drawn if not given.
        blood: how a clot looks inside, one of `blood.LOOKS`.
        mirrored: True if the lesions on both sides are mirror images of one another.
        width_mm: width of the gap of a fracture that follows no suture; drawn if not given.
        count: number of `multiple_fractures` on each side; drawn if not given.
        sutures: the head's own, see `cuts.Gap`; where fractures at sutures find none, they take the usual course.
        second: where the random choices of the one on the right come from, if there is one on both sides that are not
            mirrored; spawned from `rng` if not given.

    Returns:
        HU (I, J, K), float32, the labels (I, J, K) of the pushed brain, the mask (I, J, K), uint8, and the midline
        shift in mm.

    Raises:
        ValueError: an unknown kind, side or look, or one that the kind can't have, shapes that differ, a volume for a
            fracture or one that is not positive or does not fit, a width or a count for another kind, more fractures
            than fit, a share for a kind that takes no space, or a label map without two cerebral hemispheres in RAS
            order or without the structure or fluid that is to hold the lesion.
    """
    check_request(kind, side, volume_ml=volume_ml, blood=blood, mirrored=mirrored, width_mm=width_mm, count=count)
    _check(hu, labels, kind, space_share)
    size = _Size(volume_ml, lesion_hu, space_share, blood, width_mm, count, sutures or {})

    def plant(hu: Volume, labels: Labels, side: str, rng: np.random.Generator, start: Start) -> Lesion:
        return _plant(hu, labels, spacing_mm, kind, side, rng, size, start)

    if side != BOTH:
        return plant(hu, labels, side, rng, None)
    if mirrored:
        return plant_mirrored(plant, hu, labels, spacing_mm, rng)
    return plant_apart(plant, hu, labels, rng, rng.spawn(1)[0] if second is None else second)


class _Size(NamedTuple):
    """What was asked for; None is drawn."""

    volume_ml: float | None
    lesion_hu: float | None
    space_share: float | None
    blood: str
    width_mm: float | None
    fractures: int | None
    sutures: Mapping[str, Array]


def _plant(
    hu: Volume,
    labels: Labels,
    spacing_mm: float | Sequence[float],
    kind: str,
    side: str,
    rng: np.random.Generator,
    size: _Size,
    start: Start,
) -> Lesion:
    """One lesion on one side."""
    hu = hu.astype(np.float32, copy=False)
    case = Braincase(labels, np.broadcast_to(np.asarray(spacing_mm, float), (3,)).copy())
    if kind in ALL_FRACTURES:
        gap_hu = rng.uniform(*GAP_HU) if size.lesion_hu is None else size.lesion_hu
        return BREAKS[kind](hu, case, side, rng, Gap(gap_hu, size.width_mm, size.fractures, size.sutures))
    pushing, looking = rng.spawn(2)  # apart, so that the lesion of a seed depends on neither push nor look
    volume_ml = _volume_ml(case, kind, side, rng) if size.volume_ml is None else size.volume_ml
    lesion_hu = _hu(hu, case, kind, side, rng) if size.lesion_hu is None else size.lesion_hu
    share = _space_share(kind, volume_ml, pushing) if size.space_share is None else size.space_share
    amount = Amount(volume_ml, lesion_hu, share, size.blood, looking, start)
    if kind in EXTRA_AXIAL:
        return bleeds.extra_axial(hu, case, side, rng, amount, EXTRA_AXIAL[kind])
    return SHAPES[kind](hu, case, side, rng, amount)


def _volume_ml(case: Braincase, kind: str, side: str, rng: np.random.Generator) -> float:
    """A volume from the range of the kind, cut to what its room holds where it fills one."""
    drawn = rng.uniform(*ALL_VOLUMES_ML[kind])
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


def check_request(
    kind: str,
    side: str | None,
    *,
    volume_ml: float | None = None,
    blood: str = EVEN,
    mirrored: bool = False,
    width_mm: float | None = None,
    count: int | None = None,
) -> None:
    """Raise if no head can have such a lesion; a side of None is one that fits. The arguments are `plant_lesion`'s.

    Raises:
        ValueError: see there.
    """
    if kind not in ALL_KINDS:
        raise ValueError(f"there is no kind of lesion {kind!r}; the kinds are {', '.join(ALL_KINDS)}")
    if kind in IN_THE_MIDDLE and side not in (MIDDLE, None):
        raise ValueError(f"a {kind} lies in the middle: its side is {MIDDLE}, got {side!r}")
    if kind not in IN_THE_MIDDLE and side not in (*SIDES, BOTH, None):
        raise ValueError(f"the side of a {kind} is {', '.join(SIDES)} (the patient's) or {BOTH}, got {side!r}")
    if volume_ml is not None and kind in ALL_FRACTURES:
        raise ValueError(f"a {kind} has no volume_ml: leave it out")
    if volume_ml is not None and not volume_ml > 0:
        raise ValueError(f"volume_ml must be positive, got {volume_ml}")
    if blood not in LOOKS:
        raise ValueError(f"there is no look of blood {blood!r}; there are {', '.join(LOOKS)}")
    if blood != EVEN and kind not in CLOTS:
        raise ValueError(f"a {kind} has no {blood} blood; only {', '.join(CLOTS)} can")
    if mirrored and side != BOTH:
        raise ValueError(f"only lesions on both sides can be mirrored, got the side {side!r}")
    check_break(kind, width_mm=width_mm, count=count, mirrored=mirrored)


def _check(hu: Volume, labels: Labels, kind: str, space_share: float | None) -> None:
    if hu.shape != labels.shape or hu.ndim != 3:
        raise ValueError(f"HU and labels must share one shape (I, J, K), got {hu.shape} and {labels.shape}")
    if space_share is not None and kind not in SPACE_SHARES:
        raise ValueError(f"{kind} takes no space from the brain: leave space_share out")
