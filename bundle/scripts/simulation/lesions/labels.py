"""Labels of a simulated head by its lesion, in the words of CQ500's table, as `head-ct-anomaly evaluate` reads them.

A lesion in the middle, or on both sides, is one of both hemispheres. `OtherLesion` is no label of CQ500: it marks what
is neither a bleed nor a fracture, so that such a head does not count as healthy.
"""

from __future__ import annotations

from ..anatomy.braincase import BOTH, MIDDLE
from .breaks import ALL_FRACTURES, BASAL
from .planting import ALL_KINDS

BLEEDS = {
    "subdural": ("SDH",),
    "isodense_subdural": ("SDH", "ChronicBleed"),
    "epidural": ("EDH",),
    "subarachnoid": ("SAH",),
    "intraventricular": ("IVH",),
    "intraparenchymal": ("IPH",),
    "callosal_bleed": ("IPH",),
    "pontine_bleed": ("IPH",),
    "cerebellar_bleed": ("IPH",),
}
"""Kinds of bleeds, and the labels of their subtypes."""

OTHER = "OtherLesion"
"""The label of a lesion that is neither a bleed nor a fracture."""

NAMES = (
    *("ICH", "IPH", "IVH", "SDH", "EDH", "SAH", "BleedLocation-Left", "BleedLocation-Right", "ChronicBleed"),
    *("Fracture", "CalvarialFracture", "OtherFracture", OTHER),
)
"""Every label."""


def labels_of(kind: str | None, side: str | None) -> dict[str, bool]:
    """Every label, true or false, of a head with a lesion of a kind on a side; of a healthy one if the kind is None.

    Raises:
        ValueError: there is no such kind.
    """
    if kind is None:
        true: tuple[str, ...] = ()
    elif kind not in ALL_KINDS:
        raise ValueError(f"There is no lesion of the kind {kind!r}. Choose one of {', '.join(ALL_KINDS)}.")
    elif kind in BLEEDS:
        sides = ("left", "right") if side in (BOTH, MIDDLE) else (str(side),)
        true = ("ICH", *BLEEDS[kind], *(f"BleedLocation-{name.title()}" for name in sides))
    elif kind in ALL_FRACTURES:
        true = ("Fracture", "CalvarialFracture", *(("OtherFracture",) if kind in BASAL else ()))
    else:
        true = (OTHER,)
    return {name: name in true for name in NAMES}
