"""The result in a few plain sentences: what was found, where and how large, or that nothing was."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ..statistics.alpha import ALPHA, percent
from ..words import counted

BRAIN, SKULL = ("left_hemisphere", "right_hemisphere"), "skull"

NO_SKULLS = "there are no healthy skulls to compare it with"

NOTHING = "This does not exclude disease: small, isodense or symmetric findings can be missed."
SOMETHING = "What is listed may be harmless, and what is not listed is not excluded."
UNCONFIRMED = "The pose is not confirmed: places and sides may be wrong."
"""The last sentence: after nothing, after something, and of a pose that can't be confirmed."""

MOST_NAMED = 2
"""Detections that a sentence describes; the others are counted."""


def summary(result: Mapping[str, Any], alpha: float = ALPHA) -> str:
    """The sentences for the content of a `result.json`, with its rows, scores, findings and calibration.

    An `alpha` of the thresholds that was set has a sentence.
    """
    codes = {found["code"] for found in result["findings"]}
    rows = result["detections"]
    brain, skull = ([row for row in rows if row["region"] == region] for region in ("brain", "skull"))
    reason, unknown = why_not(result, codes), not_judged(result, codes)
    if not rows and not reason and not unknown and not one_side(result):
        first = ["Nothing above the threshold was found in brain and skull."]
    else:
        first = [_of("brain", brain, reason, one_side(result)), _of("skull", skull, unknown, "")]
    first += [] if brain else scores_above(result)
    last = UNCONFIRMED if result["quality"]["verdict"] == "unconfirmed" else SOMETHING if rows else NOTHING
    first += [] if alpha == ALPHA else [by_alpha(alpha)]
    return " ".join([*first, last])


def by_alpha(alpha: float) -> str:
    """A sentence on what an alpha means for the thresholds."""
    return f"Thresholds are those of alpha {alpha:g}: {percent(alpha)} of the healthy scores of each lie above it."


def scores_above(result: Mapping[str, Any]) -> list[str]:
    """A sentence for each hemisphere whose score is above its threshold; it can be, though no single place is."""
    found = []
    for name in BRAIN:
        score, limit = result["scores"].get(name), result["score_details"].get(name, {}).get("threshold")
        if score is not None and limit is not None and score > limit:
            words = name.replace("_", " ")
            found.append(f"Yet the score of the {words}, {score:.1f}, is above its threshold of {limit:.1f}.")
    return found


def why_not(result: Mapping[str, Any], codes: set[str]) -> str:
    """Why the brain was not judged; "" if it was."""
    if result["calibration"] is None:
        return "there are no healthy scans to compare it with"
    if "unlike_calibration" in codes:
        return "the head is unlike all healthy scans"
    if "bone_kernel" in codes:
        return "the scan has a bone kernel"
    return "too little of it is in view" if all(result["scores"].get(name) is None for name in BRAIN) else ""


def not_judged(result: Mapping[str, Any], codes: set[str]) -> str:
    """Why the skull was not judged; "" if it was."""
    if "skull_not_judged" in codes:
        return "the findings say why"
    if "skull_score" not in result["score_details"].get(SKULL, {}):
        return NO_SKULLS
    return "too little of it is in view" if result["scores"].get(SKULL) is None else ""


def one_side(result: Mapping[str, Any]) -> str:
    """The only hemisphere that was judged, as "right hemisphere"; "" if both or none were."""
    judged = [name for name in BRAIN if result["scores"].get(name) is not None]
    return judged[0].replace("_", " ") if len(judged) == 1 else ""


def _of(where: str, rows: Sequence[Mapping[str, Any]], reason: str, only: str) -> str:
    """The sentence about brain or skull."""
    if reason and not rows:
        return f"The {where} was not judged: {reason}."
    part = f" ({only} only)" if only else ""
    if not rows:
        return f"Nothing above the threshold was found in the {where}{part}."
    named = "; ".join(described(row) for row in rows[:MOST_NAMED])
    more = f"; and {len(rows) - MOST_NAMED} with lower peaks" if len(rows) > MOST_NAMED else ""
    return f"{where.capitalize()}{part}, {counted(len(rows), 'place')} above the threshold: {named}{more}."


def described(row: Mapping[str, Any]) -> str:
    """A detection in words: what, where, how large, and in which slice its peak is."""
    side = {"both": "on both sides", "midline": "in the midline"}.get(row["side"], f"on the {row['side']}")
    at = "" if row.get("peak_slice") is None else f", slice {row['peak_slice']}"
    if row["region"] == "skull":
        what = str(row["kind"]).removeprefix("skull ")
        return f"a {what} of {row['length_mm']:.0f} mm, {row['name']} {side}{at}"
    hu = "" if row["density"] is None else f"{row['density']} than its surroundings ({row['mean_hu']:.0f} HU), "
    return f"{row['name']} {side}, {hu}{row['volume_ml']:.1f} ml, {row['extent_mm']:.0f} mm long{at}"
