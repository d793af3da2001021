"""Two runs of one list of scans compared, those of other weights or another version say: paired differences and flips.

A *pair* is a region of a case that both runs scored. A *flip* is a region that is above its run's own threshold in one
run only, or a pose with another verdict. Differences are second minus first. A case whose scan is another one under the
same name is in no pair. Tables are read as `cohort` wrote them; nothing is computed again.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from ...cohort.folder import FACTS_NAME, CohortFolder, differences, with_alpha
from ...cohort.table import DETAILS_NAME, DONE, TABLE_NAME, Number, Row, read_short, read_table
from ...errors import WrongUsage
from ...files.tables import as_csv
from ...preprocessing.regions import REGIONS
from ...results.bland_altman import Pairs, bland_altman
from ...statistics.repeatability import FEWEST, agreement, wilcoxon_p

LEFT_OUT = ("format", "cases", "shard", "score")
"""Entries of `cohort.json` that are no settings of the network or of the maps."""

COLUMNS = ("case", "region", "first", "second", "difference", "first_above", "second_above")
"""Columns of the table of pairs."""


@dataclass(frozen=True)
class Run:
    """A run: the facts of its folder, its rows by case, and the verdict on the pose by case where it is known."""

    facts: Mapping[str, Any]
    rows: Mapping[str, Row]
    verdicts: Mapping[str, str]


@dataclass(frozen=True)
class Pair:
    """A region of a case in both runs: its scores, and its thresholds, None where there is none."""

    case: str
    region: str
    first: float
    second: float
    thresholds: tuple[Number, Number] = (None, None)

    @property
    def difference(self) -> float:
        """Second minus first."""
        return self.second - self.first

    @property
    def above(self) -> tuple[bool | None, bool | None]:
        """True or false: each score is above its own threshold; None where that is not known."""
        first, second = self.thresholds
        return (
            None if first is None else bool(self.first > first),
            None if second is None else bool(self.second > second),
        )

    @property
    def flipped(self) -> bool:
        """True if it is above the threshold in one run only."""
        return None not in self.above and self.above[0] != self.above[1]


@dataclass(frozen=True)
class RunsCompared:
    """The differences of two runs.

    Attributes:
        score: the name of the score.
        settings: name, first and second value of each setting that differs.
        pairs: of both runs, case by case.
        verdicts: case, first and second verdict where they differ.
        unscored: case, first and second status, and the reason, of cases that were done in one run only.
        other_scan: cases that are different scans under one name.
        only: cases of the first run alone, and of the second.
        neither: cases without scores in both.
    """

    score: str
    settings: Sequence[tuple[str, Any, Any]]
    pairs: Sequence[Pair]
    verdicts: Sequence[tuple[str, str, str]] = ()
    unscored: Sequence[tuple[str, str, str, str]] = ()
    other_scan: Sequence[str] = ()
    only: tuple[Sequence[str], Sequence[str]] = ((), ())
    neither: Sequence[str] = field(default=())

    @property
    def flips(self) -> list[Pair]:
        """Pairs that are above the threshold in one run only."""
        return [pair for pair in self.pairs if pair.flipped]

    def of(self, region: str) -> list[Pair]:
        """The pairs of a region."""
        return [pair for pair in self.pairs if pair.region == region]


def read_run(folder: CohortFolder) -> Run:
    """The run in a folder.

    Raises:
        WrongUsage: it holds no run of `cohort`, or a damaged one.
    """
    facts = folder.facts()
    if not facts:
        raise WrongUsage(f"{folder.root} holds no {FACTS_NAME}: it is no cohort run. Run `head-ct-anomaly cohort`.")
    rows = {row.case: row for row in read_table(folder.root / DETAILS_NAME)}
    short = folder.root / TABLE_NAME
    verdicts = {row.case: row.found.verdict for row in read_short(short)} if short.is_file() else {}
    return Run(facts, rows, verdicts)


def compare_runs(first: Run, second: Run, score: str | None = None) -> RunsCompared:
    """The differences of two runs, by their default score or by one of `score_details` that is named.

    Raises:
        WrongUsage: the runs have different default scores, no such score, or no case in common.
    """
    name = _score(first, second, score)
    common = [case for case in first.rows if case in second.rows]
    if not common:
        raise WrongUsage("The two runs have no case in common. Name two runs of one list.")
    scans = first.facts.get("cases", {}), second.facts.get("cases", {})
    other = [case for case in common if scans[0].get(case) != scans[1].get(case)]
    changed = set(other)
    same = [case for case in common if case not in changed]
    done = [case for case in same if first.rows[case].status == second.rows[case].status == DONE]
    pairs = [pair for case in done for pair in _pairs(first.rows[case], second.rows[case], score)]
    if score and not pairs:
        raise WrongUsage(f"No case has the score {score} in both runs. Check --score.")
    settings = [{k: v for k, v in with_alpha(run.facts).items() if k not in LEFT_OUT} for run in (first, second)]
    found = [(case, first.verdicts.get(case, ""), second.verdicts.get(case, "")) for case in done]
    return RunsCompared(
        name,
        list(differences(settings[0], settings[1])),
        pairs,
        [one for one in found if one[1] and one[2] and one[1] != one[2]],
        list(_unscored(first, second, same)),
        other,
        ([c for c in first.rows if c not in second.rows], [c for c in second.rows if c not in first.rows]),
        [c for c in same if DONE not in (first.rows[c].status, second.rows[c].status)],
    )


def _score(first: Run, second: Run, score: str | None) -> str:
    """The name of the score that both runs have.

    Raises:
        WrongUsage: their default scores differ, so that differences mean nothing.
    """
    if score:
        return score
    here, there = str(first.facts.get("score", "")), str(second.facts.get("score", ""))
    if here != there:
        raise WrongUsage(
            f"The runs have different scores, {here} and {there}, which can't be subtracted. Name one that both have "
            "with --score, or compare their AUROCs: `head-ct-anomaly evaluate FIRST DATALIST --compare SECOND`."
        )
    return here


def _pairs(first: Row, second: Row, score: str | None) -> Iterator[Pair]:
    """The pairs of a case that both runs scored; named scores have no thresholds."""
    for region in REGIONS:
        values = first.score(region, score), second.score(region, score)
        if values[0] is not None and values[1] is not None:
            limits = (first.score(region, "threshold"), second.score(region, "threshold"))
            yield Pair(first.case, region, float(values[0]), float(values[1]), (None, None) if score else limits)


def _unscored(first: Run, second: Run, cases: Sequence[str]) -> Iterator[tuple[str, str, str, str]]:
    """Cases that are done in one run only, with their statuses and the reason."""
    for case in cases:
        one, other = first.rows[case], second.rows[case]
        if (one.status == DONE) != (other.status == DONE):
            yield case, one.status, other.status, one.reason or other.reason


def measures(pairs: Sequence[Pair]) -> dict[str, Any]:
    """Numbers of the differences of pairs: mean, SD, limits of agreement, Wilcoxon's p; None where pairs are few."""
    values = [pair.first for pair in pairs], [pair.second for pair in pairs]
    if len(pairs) < FEWEST:
        return {"pairs": len(pairs), **dict.fromkeys(("mean", "sd", "limits_95", "largest", "wilcoxon_p"))}
    found = agreement(*values)
    largest = max(pairs, key=lambda pair: abs(pair.difference))
    return {
        "pairs": found.pairs,
        "mean": found.mean,
        "sd": found.sd,
        "limits_95": list(found.limits),
        "largest": {"case": largest.case, "difference": largest.difference},
        "wilcoxon_p": wilcoxon_p(*values),
    }


def runs_picture(found: RunsCompared) -> bytes:
    """The picture of Bland and Altman of each region, as the bytes of a PNG; flips are marked."""
    panels = []
    for region in REGIONS:
        pairs, numbers = found.of(region), measures(found.of(region))
        marked = frozenset(number for number, pair in enumerate(pairs) if pair.flipped)
        values = [pair.first for pair in pairs], [pair.second for pair in pairs]
        limits = None if numbers["limits_95"] is None else tuple(numbers["limits_95"])
        panels.append(Pairs(region.replace("_", " "), *values, numbers["mean"], limits, marked))
    return bland_altman(panels, f"{found.score}: second run minus first")


def runs_table(found: RunsCompared) -> str:
    """The pairs as CSV, a line each."""
    rows = [(p.case, p.region, p.first, p.second, p.difference, *map(_yes, p.above)) for p in found.pairs]
    return as_csv(COLUMNS, rows)


def _yes(value: bool | None) -> str | None:
    return None if value is None else "yes" if value else "no"


def runs_content(found: RunsCompared) -> dict[str, Any]:
    """The content of `compare.json` about two runs."""
    return {
        "kind": "runs",
        "score": found.score,
        "settings_that_differ": [{"setting": n, "first": a, "second": b} for n, a, b in found.settings],
        "regions": {region: measures(found.of(region)) for region in REGIONS},
        "flips": [
            {"case": p.case, "region": p.region, "first": p.first, "second": p.second, "thresholds": list(p.thresholds)}
            for p in found.flips
        ],
        "other_verdict": [{"case": c, "first": a, "second": b} for c, a, b in found.verdicts],
        "scored_in_one": [{"case": c, "first": a, "second": b, "reason": r} for c, a, b, r in found.unscored],
        "scored_in_neither": list(found.neither),
        "other_scan": list(found.other_scan),
        "in_first_only": list(found.only[0]),
        "in_second_only": list(found.only[1]),
    }
