"""Names of CQ500's folders: the case, and the properties of the series.

A case is `CQ500CT7 CQ500CT7/Unknown Study/`, its series are folders `CT <SeriesDescription>[-k]`. The description lost
its slashes and plus signs: `CT 55mm` was 5/5 mm, and `CT C` was +C, contrast agent. A *suffix* -2, -3, … counts folders
that would have had one name: repeats, often of a part, or the same after contrast agent.
"""

from __future__ import annotations

import re
from typing import NamedTuple

CASE_FOLDER = re.compile(r"CQ500-?CT-?(\d+)(?: CQ500-?CT-?(\d+))?")
"""A case's folder; downloads differ in whether the id stands there twice."""

SERIES_FOLDER = re.compile(r"(?:CT )?(.*?)(?:-([2-9]|[1-9]\d))?", re.DOTALL)
"""Description and suffix."""

OTHER_ANATOMY = re.compile(r"SPINE|CERVICAL|\bNECK\b|CHEST|THORAX|LUNG|ABDOM|PELVIS|LUMBAR|DORSAL|KNEE|SHOULDER")
"""Body parts of which no scan is wanted, unless the name has the head too."""

HEAD = re.compile(r"HEAD|BRAIN|SKULL")
"""The body part that is."""

BONE = re.compile(r"\bBONE|\bHRCT\b|HI ?RES")
"""Reconstructions with a sharp kernel."""

DENIED = re.compile(r"\bPRE\b|PLAIN|\bNON?\b|NON-?CON|WITHOUT|\bWO\b|NCCT|NECT")
"""Words that say that there is no contrast agent, whatever else the name holds."""

CONTRAST = re.compile(r"CONTRAST|\bPOST\b|CECT|\bIV\b|ANGIO|\bCTA\b|\d ?CC\b|\bC\b|MMC\b|VENO")
"""Words that say that there is: the agent, its dose (`4cc sec 150cc`), or what is left of +C."""


class SeriesName(NamedTuple):
    """Parts of the name of a series' folder: its description in upper case, and its suffix, 1 if there is none."""

    description: str
    suffix: int


def case_of(folder: str) -> str | None:
    """The scan's name for a case's folder, `CQ500-CT-7`; None for any other name."""
    found = CASE_FOLDER.fullmatch(folder)
    if found is None or (found[2] is not None and int(found[1]) != int(found[2])):
        return None
    return f"CQ500-CT-{int(found[1])}"


def series_name(folder: str) -> SeriesName:
    """The parts of the name of a series' folder."""
    found = SERIES_FOLDER.fullmatch(folder)
    assert found is not None, "the pattern takes any text"
    return SeriesName(found[1].upper(), int(found[2] or 1))


def objection(description: str) -> str | None:
    """The objection against a series by its description (upper case), as a code; None if there is none."""
    if OTHER_ANATOMY.search(description) and not HEAD.search(description):
        return "wrong_anatomy"
    if BONE.search(description):
        return "bone_kernel"
    if CONTRAST.search(description) and not DENIED.search(description):
        return "contrast_suspected"
    return None
