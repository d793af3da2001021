"""The findings about a calibration and its regions: what a map or a score can't be trusted for, in words."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..findings import finding
from ..preprocessing.regions import LEAST_COVERAGE, REGIONS, WHOLE_COVERAGE
from .parts import unlike
from .scores import Details

MOST_UNKNOWN = 0.05
"""Share of a region that may lie where no healthy scan had a head, before a finding says so."""


def unlike_findings(typical: Mapping[str, float], most: Mapping[str, float]) -> list[dict[str, str]]:
    """A flag where a head is unlike all healthy ones everywhere, from `PartMaps.typical` and the largest of these."""
    if not (names := unlike(typical, most)):
        return []
    words = " and ".join(f"{name} ({typical[name] / most[name]:.1f} times the oddest healthy head)" for name in names)
    text = f"Both halves of the head are unlike all healthy scans by {words}."
    return [finding("unlike_calibration", text).as_dict()]


def is_unlike(findings: Sequence[Mapping[str, Any]]) -> bool:
    """True if findings say that a head is unlike all of calibration: a high score would mean nothing."""
    return any(found["code"] == "unlike_calibration" for found in findings)


def added_findings(blocks: Any, image: Any) -> list[dict[str, str]]:
    """The findings that blocks have in their metadata beyond those of the image that they were made of."""
    before, now = ((getattr(values, "meta", {}).get("findings") or []) for values in (image, blocks))
    return [dict(one) for one in now if one not in before]


def unknown_findings(known: NDArray[np.bool_], regions: NDArray[np.uint8]) -> list[dict[str, str]]:
    """A flag for each region of which much lies where the normative is not known; arrays (n, n, n)."""
    found = []
    for name, label in REGIONS.items():
        inside = regions == label
        share = float((inside & ~known).sum() / max(1, inside.sum()))
        if share > MOST_UNKNOWN:
            text = f"{100 * share:.0f} % of the {name.replace('_', ' ')} lies where no healthy scan had a head."
            found.append(finding("normative_unknown", text).as_dict())
    return found


def region_findings(details: Details) -> list[dict[str, str]]:
    """The findings about regions that the field of view cuts, and about those of which it holds enough, but none is."""
    shares = {name: float(numbers["coverage"] or 0) for name, numbers in details.items()}
    empty = [name for name, share in shares.items() if share >= LEAST_COVERAGE and not details[name]["voxels"]]
    cut = [name for name, share in shares.items() if share < WHOLE_COVERAGE and name not in empty]
    return [*(cut_finding(name, shares[name]) for name in cut), *map(missing_finding, empty)]


def cut_finding(name: str, share: float) -> dict[str, str]:
    """The finding that the field of view cuts a region; `share` (0 to 1) is what it holds."""
    scored = "the score is of what is in view" if share >= LEAST_COVERAGE else "no score"
    words = name.replace("_", " ")
    return finding("region_cut", f"The field of view holds {100 * share:.0f} % of the {words}: {scored}.").as_dict()


def missing_finding(name: str) -> dict[str, str]:
    """The finding that a region has no score since not a voxel of it was found, though the field of view holds it."""
    return finding("region_missing", f"No voxel of the {name.replace('_', ' ')} was found: no score.").as_dict()
