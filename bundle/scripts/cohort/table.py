"""The tables of a cohort's scores, one row a case: `scores.csv`, to be looked at, and `score_details.csv`, with all.

The short one has scores with their thresholds, p and q value (see `worklist`), the verdict on the pose, codes of flags,
the number of detections, the first of them in words, and the paths of picture and report in the cohort's folder. The
columns of the long one are case, status (done, refused or failed), reason, the score of each region, REGION.NAME for
each number of `score_details` in a case's `result.json`, and seconds, the wall time that the case took. Its numbers are
written with all their digits, so reading gives the same values. What is not there is empty.
"""

from __future__ import annotations

import csv
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ..errors import WrongUsage
from ..files.tables import as_csv, from_csv
from ..preprocessing.regions import REGIONS
from ..results.terminal import OVERVIEW, PAGE, flag_codes, in_words
from ..words import counted
from .worklist import case_p, q_values

TABLE_NAME, DETAILS_NAME = "scores.csv", "score_details.csv"

DONE, REFUSED, FAILED = "done", "refused", "failed"
"""Outcomes of a case: scored, refused as an input, or failed because of the program."""

STATUSES = (DONE, REFUSED, FAILED)

FIRST, LAST = ("case", "status", "reason"), "seconds"
"""Columns that stand before and after the scores."""

Number = float | int | None


WORKLIST = ("p_value", "q_value")
"""Columns of the short table that earlier versions lack."""

SHORT = (
    *("case", "status", *REGIONS, *(f"{region}_threshold" for region in REGIONS), *WORKLIST),
    *("verdict", "flags", "detections", "first_detection", "picture", "report", "reason"),
)
"""Columns of the short table."""


@dataclass(frozen=True)
class Found:
    """The cells of the short table for a case beside its scores; the long one has nothing of it."""

    verdict: str = ""
    flags: tuple[str, ...] = ()
    detections: tuple[str, ...] = ()
    picture: str = ""
    report: str = ""
    p_value: float | None = None
    q_value: float | None = None

    @property
    def files(self) -> tuple[str, str]:
        """Names of the files to look at, in the case's folder; empty where there is none."""
        return self.picture, self.report


@dataclass(frozen=True)
class Row:
    """A case's outcome, scores by region, all numbers by region and name, seconds, and what was found."""

    case: str
    status: str
    reason: str = ""
    scores: Mapping[str, Number] = field(default_factory=dict)
    details: Mapping[str, Mapping[str, Number]] = field(default_factory=dict)
    seconds: float = 0.0
    found: Found = field(default=Found(), compare=False)

    def score(self, region: str, name: str | None = None) -> Number:
        """A score of a region by its name, the region's score by default; None where there is none."""
        return self.scores.get(region) if name is None else self.details.get(region, {}).get(name)


def counts_in_words(counts: Mapping[str, int]) -> str:
    """The cases by status, as "9 cases: 8 done, 1 refused", or "0 cases"."""
    kinds = ", ".join(f"{counts[status]} {status}" for status in STATUSES if counts.get(status))
    return f"{counted(sum(counts.values()), 'case')}{': ' * bool(kinds)}{kinds}"


def row_of(case: str, result: Mapping[str, Any]) -> Row:
    """The row of a case that is done, from the content of its `result.json`."""
    seconds = round(sum(result["timings_s"].values()), 3)
    return Row(case, DONE, "", result["scores"], result["score_details"], seconds, found_in(result))


def found_in(result: Mapping[str, Any]) -> Found:
    """The cells of the short table from the content of a `result.json`."""
    outputs = result.get("outputs") or ()
    return Found(
        result.get("quality", {}).get("verdict", ""),
        tuple(flag_codes(result)),
        tuple(in_words(one) for one in result.get("detections") or ()),
        OVERVIEW if OVERVIEW in outputs else "",
        PAGE if PAGE in outputs else "",
    )


def short_text(rows: Sequence[Row], folder: str = "") -> str:
    """The short table as CSV; `folder` is that of the cases, relative to the table."""
    p_values = [case_p(row.details) for row in rows]
    pairs = zip(p_values, q_values(p_values), strict=True)
    return as_csv(SHORT, [_short(row, folder, pair) for row, pair in zip(rows, pairs, strict=True)])


def with_q_values(columns: Sequence[str], lines: Sequence[Sequence[str]]) -> list[list[str]]:
    """The rows of short tables that were joined, with the q values of all cases together."""
    p, q = (columns.index(name) for name in WORKLIST)
    found = q_values([float(cells[p]) if cells[p] else None for cells in lines])
    return [[*cells[:q], "" if v is None else str(v), *cells[q + 1 :]] for cells, v in zip(lines, found, strict=True)]


def _short(row: Row, folder: str, p_and_q: tuple[float | None, float | None]) -> tuple[Any, ...]:
    """The cells of a row of the short table."""
    pairs = [_rounded(row.score(region), row.score(region, "threshold")) for region in REGIONS]
    cells = [*(score for score, _ in pairs), *(limit for _, limit in pairs)]
    found, done = row.found, row.status == DONE
    files = ["/".join(part for part in (folder, row.case, name) if part) if name else "" for name in found.files]
    count = len(found.detections) if done else None
    first = next(iter(found.detections), "")
    flags = " ".join(found.flags)
    return (row.case, row.status, *cells, *p_and_q, found.verdict, flags, count, first, *files, row.reason)


def _rounded(score: Number, limit: Number) -> tuple[Number, Number]:
    """A score and its threshold with 3 decimals; with all of them where 3 put it on the other side of its threshold."""
    close = score is not None and limit is not None and (round(score, 3) > round(limit, 3)) != (score > limit)
    score, limit = (number if number is None or close else round(number, 3) for number in (score, limit))
    return score, limit


def read_short(path: Path) -> list[Row]:
    """The rows of a short table, as far as it tells: of detections after the first, their number alone.

    Raises:
        WrongUsage: there is no such file, or it is no such table.
    """
    try:
        columns, lines = from_csv(path.read_text(encoding="utf-8"))
        if tuple(columns) not in (SHORT, tuple(name for name in SHORT if name not in WORKLIST)):
            raise ValueError("it has other columns")
        return [_found_in(cells) for cells in lines]
    except (OSError, ValueError, KeyError, AttributeError, csv.Error) as error:
        raise WrongUsage(f"{path} can't be read ({error}). Run `head-ct-anomaly cohort` again.") from error


def _found_in(cells: Mapping[str, str]) -> Row:
    """The row of a line of the short table."""
    done, count = cells["status"] == DONE, int(cells["detections"] or 0)
    scores = {region: float(cells[region]) if cells[region] else None for region in REGIONS} if done else {}
    limits = {region: float(text) for region in REGIONS if (text := cells[f"{region}_threshold"])}
    files = [cells[name].rpartition("/")[2] for name in ("picture", "report")]
    detections = (cells["first_detection"], *("",) * (count - 1)) if count else ()
    p, q = (float(cells[name]) if cells.get(name) else None for name in WORKLIST)
    found = Found(cells["verdict"], tuple(cells["flags"].split()), detections, files[0], files[1], p, q)
    details = {region: {"threshold": limit} for region, limit in limits.items()}
    return Row(cells["case"], cells["status"], cells["reason"], scores, details, found=found)


def table_text(rows: Sequence[Row]) -> str:
    """The long table as CSV."""
    columns = number_columns(
        f"{region}.{name}" for row in rows for region, numbers in row.details.items() for name in numbers
    )
    numbers = [[row.score(*column.split(".", 1)) for column in columns] for row in rows]
    lines = [(row.case, row.status, row.reason, *own, row.seconds) for row, own in zip(rows, numbers, strict=True)]
    return as_csv((*FIRST, *columns, LAST), lines)


def number_columns(details: Iterable[str]) -> list[str]:
    """The regions, then details REGION.NAME, region by region and by name: the same whatever case comes first."""
    places = {region: place for place, region in enumerate(REGIONS)}
    return [*REGIONS, *sorted({*details}, key=lambda column: (places[column.partition(".")[0]], column))]


def read_table(path: str | Path) -> list[Row]:
    """The rows of a long table.

    Raises:
        WrongUsage: there is no such file, it is no such table, a row has too few or too many cells, or an unknown
            status, a case stands there twice, or a score is not finite.
    """
    path = Path(path)
    try:
        columns, lines = from_csv(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise WrongUsage(f"{path} can't be read ({error}). Run `head-ct-anomaly cohort` first.") from error
    if missing := [name for name in (*FIRST, *REGIONS, LAST) if name not in columns]:
        raise WrongUsage(f"{path} is no table of scores: it has no column {missing[0]}. Name one that `cohort` wrote.")
    rows = [_row(line, number, path) for number, line in enumerate(lines, start=2)]
    seen: set[str] = set()
    for number, row in enumerate(rows, start=2):
        if row.case in seen:
            raise WrongUsage(f"Row {number} of {path}: {row.case} stands there twice. Remove one.")
        seen.add(row.case)
    return rows


def _row(line: Mapping[str, str], number: int, path: Path) -> Row:
    """A line of the file, whose number counts from 1."""
    where = f"Row {number} of {path} ({line['case']})"
    if None in line or None in line.values():  # as the csv module marks cells too many and too few
        raise WrongUsage(
            f"{where} has too few or too many cells. Run `head-ct-anomaly cohort` again: it writes it anew."
        )
    if line["status"] not in STATUSES:
        raise WrongUsage(f"{where}: status is {line['status'][:40]!r}, none of {', '.join(STATUSES)}. Correct it.")
    values: dict[str, Number] = {}
    for column, text in line.items():
        if column not in FIRST:
            values[column] = _number(text, f"{where}: {column}")
    scores = {region: values[region] for region in REGIONS} if line["status"] == DONE else {}
    details: dict[str, dict[str, Number]] = {}
    for column in values:
        region, dot, name = column.partition(".")
        if dot and line["status"] == DONE:
            details.setdefault(region, {})[name] = values[column]
    return Row(line["case"], line["status"], line["reason"], scores, details, float(values[LAST] or 0))


def _number(text: str | None, where: str) -> Number:
    """The number in a field; None where it is empty.

    Raises:
        WrongUsage: it is no number, or not finite.
    """
    if not text:
        return None
    try:
        value = int(text) if text.isdecimal() else float(text)
    except ValueError:
        value = math.nan
    if not math.isfinite(value):
        raise WrongUsage(f"{where} is {text[:40]}, no finite number. Remove the case's results and score it again.")
    return value
