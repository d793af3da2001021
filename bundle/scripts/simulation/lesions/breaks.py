"""The kinds of fractures, and what can be asked of them.

The usual kinds are `FRACTURES`, see `fractures.py`. `MORE_FRACTURES` are drawn only where they are asked for: several
at once (`multiple.py`), along and across a suture (`sutural.py`), into the skull base (`basal.py`), and depressed with
gaps (`comminuted.py`).
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from ..anatomy.braincase import Braincase
from . import basal, comminuted, fractures, multiple, sutural
from .cuts import Gap
from .growth import Lesion, Volume

FRACTURES = ("linear_fracture", "depressed_fracture", "diastatic_fracture")
MORE_FRACTURES = (
    *("multiple_fractures", "suture_fracture", "crossing_fracture"),
    *("basal_fracture", "comminuted_fracture"),
)
ALL_FRACTURES = (*FRACTURES, *MORE_FRACTURES)

WITH_WIDTH = ("linear_fracture", "crossing_fracture", "basal_fracture", "comminuted_fracture")
"""Kinds whose gap can be given a width; that of a suture has a range of its own."""

AT_SUTURES = ("suture_fracture", "crossing_fracture")
"""Kinds that follow the sutures of the head, which differ from side to side."""

BASAL = ("basal_fracture",)
"""Kinds that leave the calvaria."""

BREAKS: dict[str, Callable[[Volume, Braincase, str, np.random.Generator, Gap], Lesion]] = {
    "linear_fracture": fractures.linear,
    "depressed_fracture": fractures.depressed,
    "diastatic_fracture": fractures.diastatic,
    "multiple_fractures": multiple.multiple,
    "suture_fracture": sutural.along_suture,
    "crossing_fracture": sutural.across_suture,
    "basal_fracture": basal.basal,
    "comminuted_fracture": comminuted.comminuted,
}


def check_break(kind: str, *, width_mm: float | None, count: int | None, mirrored: bool) -> None:
    """Raise if no lesion of this kind can have such a gap, or so many fractures.

    Raises:
        ValueError: see there.
    """
    if width_mm is not None and kind not in WITH_WIDTH:
        raise ValueError(f"a {kind} has no width_mm; only {', '.join(WITH_WIDTH)} have one")
    if width_mm is not None and not width_mm > 0:
        raise ValueError(f"width_mm must be positive, got {width_mm}")
    if count is not None and kind != "multiple_fractures":
        raise ValueError(f"a {kind} is one lesion; only multiple_fractures have a count")
    if count is not None and count < 1:
        raise ValueError(f"count must be 1 or more, got {count}")
    if mirrored and kind in AT_SUTURES:
        raise ValueError(f"a {kind} can't be mirrored: each side of a head has sutures of its own")
