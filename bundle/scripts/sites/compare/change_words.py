"""Changes between two scans of a patient, in sentences that say what was measured, and beside what."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ...results.sentences import described
from .changed_map import Extremes
from .changes import BRAIN, GONE, GROWN, LISTED, NEW, SAME, SHRUNKEN, UNSEEN, Change
from .repeats import Noise

NOTHING_SAID = (
    "A difference says that the maps differ, not why: swelling, surgery, contrast agent or another scanner change them "
    "too. What neither scan lists may have changed all the same."
)
"""The last sentence: what a comparison does not say."""


def change_in_words(change: Change, noise: Noise | None) -> str:
    """The sentence about a change."""
    if change.kind in (NEW, GONE):
        return _one_sided(change, noise)
    if change.kind == UNSEEN:
        where = "before" if change.after else "after"
        return f"Listed in one scan, not in view or not judged {where}: {_listed(change.after or change.before)}."
    text = _listed(change.after)
    before, after = change.volumes_ml
    if change.kind == LISTED or before is None or after is None:
        return f"In both: {text}; before: {_listed(change.before)}."
    ratio = f"95 % of repeats: up to {noise.volume_ratio:.2f}" if noise else ""
    words = {GROWN: "Grown", SHRUNKEN: "Smaller", SAME: "In both, its volume no more different than in repeats"}
    return f"{words[change.kind]}: {text}; was {before:.1f} ml, ratio {after / before:.2f} ({ratio})."


def _one_sided(change: Change, noise: Noise | None) -> str:
    """The sentence about a detection that one scan lists."""
    new = change.kind == NEW
    rows = change.after if new else change.before
    own, other = (change.peaks[1], change.peaks[0]) if new else change.peaks
    when = ("was", "before") if new else ("is", "now")
    if change.region != BRAIN:
        known = f"its peak is {_peak(own)}; nothing above the threshold is listed there {when[1]}"
        limit = f"; 95 % of repeated scores differ by at most {noise.of_score('skull', True):.1f}" if noise else ""
    else:
        known = f"peak {_peak(own)}, {when[0]} {_peak(other)} {when[1]}"
        limit = f"; 95 % of repeats differ by at most {noise.peak:.1f}" if noise else ""
    words = "New" if new else "Gone"
    if change.beyond is False:
        words += ", but by no more than repeats differ"
    return f"{words}: {_listed(rows)}; {known}{limit}."


def _peak(value: float | None) -> str:
    """A peak; "not known" where it is not."""
    return "not known" if value is None else f"{value:.1f}"


def _listed(rows: Sequence[Mapping[str, Any]]) -> str:
    """Rows of a list of detections, described."""
    return "; ".join(described(row) for row in rows)


def map_in_words(name: str, found: Extremes | None, noise: Noise | None) -> str:
    """The sentence about the difference of the maps in a hemisphere."""
    words = name.replace("_", " ")
    if found is None:
        return f"Map, {words}: no part of it is in both scans."
    text = f"Map, {words}: at most {found.rise:.1f} higher and {found.fall:.1f} lower than before"
    if noise is None:
        return f"{text}."
    beyond = "beyond what" if found.largest > noise.difference else "no more than"
    return f"{text}, {beyond} 95 % of repeats differ by ({noise.difference:.1f})."


def score_in_words(name: str, before: float | None, after: float | None, coefficient: float | None) -> str:
    """The sentence about a region's score; `coefficient` is what repeats differ by, None where it is not known."""
    words = name.replace("_", " ")
    if before is None or after is None:
        missing = "in both scans" if before is after is None else "before" if before is None else "now"
        return f"Score, {words}: none {missing}."
    text = f"Score, {words}: {before:.2f}, then {after:.2f} ({after - before:+.2f})"
    if coefficient is None:
        return f"{text}."
    beyond = "beyond what" if abs(after - before) > coefficient else "no more than"
    return f"{text}, {beyond} 95 % of repeats differ by ({coefficient:.2f})."
