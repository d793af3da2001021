"""A tilted toy anatomy, and heads drawn from it that several tests look at: each is drawn once.

The modules that use it are one group of pytest-xdist, "drawn_person".
"""

from __future__ import annotations

from functools import cache

from poses import pose
from toy_anatomy import toy_anatomy

from scripts.simulation.anatomy.label_map import Anatomy
from scripts.simulation.person.head import SimulatedHead, draw_head

SEED = 7


def tilted() -> Anatomy:
    """The anatomy."""
    return toy_anatomy(pose((25, 4, -6), (6, -9, 14)))


@cache
def person(variety: str | None = None, seed: int = SEED) -> SimulatedHead:
    """The head of a seed, of a variety or, if none is named, as `draw_head` has it; its arrays can't be written to."""
    head = draw_head(tilted(), seed) if variety is None else draw_head(tilted(), seed, variety=variety)
    for array in (head.hu, head.labels, head.lesion, head.to_reference, head.affine):
        array.flags.writeable = False
    return head
