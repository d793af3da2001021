"""Two runs compared, in sentences and a table for a terminal; names of cases stand where something became different."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from ...files.tables import Table
from ...preprocessing.regions import REGIONS
from ...words import counted
from .runs import Pair, RunsCompared, measures

MOST_NAMED = 10
"""Cases that a sentence names; `compare.json` has all of them."""

LONGEST = 16
"""Characters of a setting's value that are shown: the beginning of a hash is enough."""


def runs_in_words(found: RunsCompared) -> list[str]:
    """The lines about two runs."""
    lines = [*_settings(found.settings), "", *table(found).markdown().rstrip().splitlines(), ""]
    lines += list(_flips(found.flips)) or [_no_flips(found)]
    lines += _cases("The pose has another verdict", [f"{c} ({a}, then {b})" for c, a, b in found.verdicts])
    lines += _cases("Scored in one run only", [f"{c} ({a}, then {b}: {r})" for c, a, b, r in found.unscored])
    lines += _cases("Scored in neither", found.neither)
    lines += _cases("Another scan under the same name, left out", found.other_scan)
    lines += _cases("In the first run only", found.only[0])
    return lines + _cases("In the second run only", found.only[1])


def _settings(settings: Sequence[tuple[str, Any, Any]]) -> list[str]:
    """The settings that differ, a line each."""
    if not settings:
        return ["Settings: the same in both runs."]
    return ["Settings that differ", *(f"  {name}: {_short(a)}, then {_short(b)}" for name, a, b in settings)]


def _short(value: Any) -> str:
    text = "none" if value is None else str(value)
    return text if len(text) <= LONGEST else f"{text[:LONGEST]}..."


def table(found: RunsCompared) -> Table:
    """The differences of each region, a row each."""
    header = (f"{found.score}, second minus first", "pairs", "mean", "SD", "95 % limits", "largest", "Wilcoxon p")
    return Table(header, tuple(_row(region, measures(found.of(region))) for region in REGIONS))


def _row(region: str, numbers: dict[str, Any]) -> tuple[Any, ...]:
    name = region.replace("_", " ")
    if numbers["mean"] is None:
        return name, numbers["pairs"], *("-",) * 5
    low, high = numbers["limits_95"]
    largest, p = numbers["largest"], numbers["wilcoxon_p"]
    shown = f"{largest['difference']:+.2f} ({largest['case']})" if largest["difference"] else "0"
    limits = f"{low:+.2f} to {high:+.2f}"
    return (
        *(name, numbers["pairs"], f"{numbers['mean']:+.3f}", f"{numbers['sd']:.3f}", limits, shown),
        "all equal" if p is None else f"{p:.3f}" if p >= 0.0005 else "below 0.001",
    )


def _flips(flips: Sequence[Pair]) -> Iterator[str]:
    """The flips, those to above the threshold first."""
    for up, words in ((True, "Above the threshold in the second run only"), (False, "in the first run only")):
        found = [pair for pair in flips if pair.above[1] is up]
        text = words if up else f"Above the threshold {words}"
        shown = [f"{p.case}, {p.region.replace('_', ' ')} ({p.first:.2f}, then {p.second:.2f})" for p in found]
        yield from _cases(text, shown)


def _no_flips(found: RunsCompared) -> str:
    """The sentence where nothing flipped: because nothing did, or because no threshold is known."""
    known = [pair for pair in found.pairs if None not in pair.above]
    if not known:
        return "Flips are not known: this score has no thresholds in both runs."
    text = f"No region of {counted(len({p.case for p in known}), 'case')} changed its side of the threshold."
    left = len(found.pairs) - len(known)
    return f"{text} Of {counted(left, 'region')} it is not known: there is no threshold in both runs." if left else text


def _cases(words: str, cases: Sequence[str]) -> list[str]:
    """A line that counts and names cases; none where there are none."""
    if not cases:
        return []
    more = f", and {len(cases) - MOST_NAMED} more (compare.json)" if len(cases) > MOST_NAMED else ""
    return [f"{words}, {len(cases)}: {'; '.join(cases[:MOST_NAMED])}{more}."]
