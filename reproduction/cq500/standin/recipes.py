"""The series of a patient's study: studies as CQ500 has them, good and bad.

A *recipe* is a list of series with the descriptions that the scanner gave them.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from .faults import copied, repeated, spine, two_spacings, with_conflict, with_gap
from .studies import Series, Study, bone, contrast, localizer, thick, thin, tilted

Maker = Callable[[Study], Series]


@dataclass(frozen=True)
class Recipe:
    """The series of a study, each a description and its maker, and the description of the best one, None if there is
    none that can be judged."""

    series: tuple[tuple[str, Maker], ...]
    best: str | None


RECIPES: Mapping[str, Recipe] = {
    "routine": Recipe(
        (("SCOUT", localizer), ("Thin Plain", thin), ("5/5mm Plain", thick), ("Thin Bone", bone)), "Thin Plain"
    ),
    "contrast": Recipe(
        (("PRE CONTRAST 5MM STD", thick), ("PRE CONTRAST THIN", thin), ("+C", contrast)), "PRE CONTRAST THIN"
    ),
    "tilted": Recipe((("SCOUT", localizer), ("5/5mm", tilted)), "5/5mm"),
    "gap": Recipe((("Thin Plain", with_gap), ("5/5mm Plain", thick), ("BONE", bone)), "5/5mm Plain"),
    "repeat": Recipe((("PLAIN THIN", thin), ("PLAIN THIN", repeated), ("Plain", thick)), "PLAIN THIN"),
    "copy": Recipe((("Plain", thick), ("Plain", copied), ("POST CONTRAST", contrast)), "Plain"),
    "spine": Recipe((("C SPINE", spine), ("BRAIN PLAIN", thick), ("SCOUT", localizer)), "BRAIN PLAIN"),
    "two spacings": Recipe((("2.5/5mm", two_spacings), ("1.25mm", thin)), "1.25mm"),
    "conflict": Recipe((("Thin Stnd", with_conflict), ("5 MM", thick)), "5 MM"),
    "unusable": Recipe((("+C THIN", contrast), ("BONE", bone), ("SCOUT", localizer)), None),
}
"""Studies as CQ500 has them; descriptions as the scanner had them, with their slashes and plus signs."""

RECIPE_TURNS = (
    *("routine", "contrast", "tilted", "unusable", "gap", "repeat", "copy", "spine"),
    *("two spacings", "conflict", "routine", "contrast", "routine", "repeat", "routine", "tilted"),
)
"""The order in which cases take turns over the recipes."""


def series_of(study: Study, recipe: str) -> list[tuple[str, Series]]:
    """Description and images of each series of a study."""
    return [(description, make(study)) for description, make in RECIPES[recipe].series]
