"""Which lesions are planted into which scan: kinds, volumes and sides take turns, so that all are about as frequent.

A *wish* is one lesion. The seed of a wish follows from that of the run, the name of its scan and its number; its kind,
volume and side from the place of the scan in the list. So the lesions of a scan at the same place of the list are the
same whatever other scans are listed.
"""

from __future__ import annotations

import math
import zlib
from collections.abc import Sequence
from dataclasses import dataclass

from ...simulation.anatomy.braincase import SIDES

VOLUMES_ML = (1.0, 2.0, 5.0, 10.0, 20.0, 40.0)
"""Volumes of planted lesions."""

MOST_ML = {"intraventricular": 10.0, "subarachnoid": 20.0}
"""Kinds that fill fluid, and the largest volume that most heads have room for."""

LEAST_ML = {"subarachnoid": 2.0, "infarct": 2.0, "old_infarct": 2.0, "oedema": 5.0}
"""Kinds that are not seen as such below a volume."""

KINDS = (
    *("intraparenchymal", "subdural", "epidural", "subarachnoid", "intraventricular"),
    *("isodense_subdural", "infarct"),
)
"""Kinds that are planted unless others are asked for."""

MORE_KINDS = ("old_infarct", "cyst", "oedema", "cerebellar_bleed", "cerebellar_infarct")
"""Other kinds that can be asked for.

Fractures are not among them: they are found on the scan's own grid, at a sharpness that a change at 1 mm lacks.
"""


@dataclass(frozen=True)
class Wish:
    """A lesion to plant: its number in its scan, kind, side (the patient's), volume and seed."""

    number: int
    kind: str
    side: str
    volume_ml: float
    seed: tuple[int, ...]


def volumes_of(kind: str) -> list[float]:
    """The volumes (ml) at which a kind is planted."""
    return [ml for ml in VOLUMES_ML if LEAST_ML.get(kind, 0.0) <= ml <= MOST_ML.get(kind, VOLUMES_ML[-1])]


def wishes(name: str, row: int, count: int, kinds: Sequence[str], seed: int) -> list[Wish]:
    """The lesions of a scan.

    Args:
        name: of the scan.
        row: its place in the list, from 0 on: scans take turns over kinds and volumes.
        count: how many lesions.
        kinds: of them.
        seed: of the run.
    """
    pairs = [(kind, ml) for ml in VOLUMES_ML for kind in kinds if ml in volumes_of(kind)]
    step, found = step_through(len(pairs)), []
    for number in range(count):
        turn, place = divmod(row * count + number, len(pairs))
        kind, volume_ml = pairs[place * step % len(pairs)]
        side = SIDES[(turn + place) % len(SIDES)]
        found.append(Wish(number, kind, side, volume_ml, (seed, zlib.crc32(name.encode()), number)))
    return found


def step_through(count: int) -> int:
    """A step that meets each of so many places once, and spreads the first few of them evenly: the golden ratio's."""
    return next(step for step in range(max(1, round(0.618 * count)), 2 * count) if math.gcd(step, count) == 1)
