"""One drawn toy head in the scanner, shared by the tests of what is made from it."""

from __future__ import annotations

from functools import cache

from toy_anatomy import toy_anatomy

from reproduction.cq500.standin.heads import draw_patient
from reproduction.cq500.standin.studies import Study

SEED = 3


@cache
def toy_study() -> Study:
    """A head with a subdural bleed on the left, scanned with 64 pixels a side."""
    head, _ = draw_patient(toy_anatomy(), SEED, [("subdural", "left")])
    return Study(head, SEED, 64)
