"""Per-case scores of anybody's method on CQ500, from a CSV.

The table has the columns case, left_hemisphere, right_hemisphere and skull; others are passed over, but for thresholds
(`left_hemisphere_threshold` or `left_hemisphere.threshold`) and `status`: a row of another status than done has no
scores. So the tables `scores.csv` and `score_details.csv` of a cohort can be judged as they are. An empty cell is no
score. A name is that of the label table, or of a folder (`CQ500-CT-7`, `CQ500CT7`).
"""

from __future__ import annotations

import csv
import math
from collections.abc import Collection, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from scripts.cohort.folder import CohortFolder
from scripts.cohort.table import DETAILS_NAME, DONE, TABLE_NAME
from scripts.errors import WrongUsage
from scripts.files.tables import from_csv
from scripts.preprocessing.regions import REGIONS

from .names import case_of

COLUMNS = ("case", *REGIONS)
"""Columns that a table needs."""

SCORED_WITH = {
    "weights_sha256": "network",
    "stride": "network",
    "bundle_version": "settings",
    "alpha": "settings",
    "calibration_sha256": "settings",
}
"""Facts about the making of scores, and the part of `cohort.json` that has it; stride in mm."""

NOT_RECORDED = "not recorded"
"""Stands for each of it where no cohort's folder tells."""

REMEDY = f"A table of scores has the columns {', '.join(COLUMNS)}."


@dataclass(frozen=True)
class Scores:
    """Scores and thresholds of a case by region; None where there is none."""

    scores: Mapping[str, float | None]
    thresholds: Mapping[str, float | None]


def load_scores(path: Path, known: Collection[str]) -> dict[str, Scores]:
    """The scores of each case of a table, by its name in the label table, whose names are `known`.

    Raises:
        WrongUsage: it is not there or no such table; a case is unknown or there twice; a score is no finite number.
    """
    try:
        columns, lines = from_csv(path.read_text(encoding="utf-8-sig"))
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise WrongUsage(f"{path} can't be read ({error}). {REMEDY}") from error
    if missing := [name for name in COLUMNS if name not in columns]:
        raise WrongUsage(f"{path} has no column {missing[0]}. {REMEDY}")
    found: dict[str, Scores] = {}
    for number, line in enumerate(lines, start=2):
        name, scores = _row(line, f"Row {number} of {path}", known)
        if name in found:
            raise WrongUsage(f"Row {number} of {path}: {name} stands there twice. Remove one: no case is scored twice.")
        found[name] = scores
    if not found:
        raise WrongUsage(f"{path} has no rows. {REMEDY}")
    return found


def scored_with(path: Path) -> dict[str, Any]:
    """The values of `SCORED_WITH` for a table that lies where `cohort` wrote it, from the `cohort.json` beside it.

    The calibration is None where the scores were compared with none.
    """
    facts: dict[str, Any] = {}
    if path.name in (TABLE_NAME, DETAILS_NAME):
        with suppress(WrongUsage):  # it is no file of a cohort, or damaged
            facts = CohortFolder(path.parent).facts()
    return {name: facts.get(part, {}).get(name, NOT_RECORDED) for name, part in SCORED_WITH.items()}


def _row(line: Mapping[str, str], where: str, known: Collection[str]) -> tuple[str, Scores]:
    """The case of a row, and its scores."""
    if None in line or None in line.values():
        raise WrongUsage(f"{where} has too few or too many cells. Correct it.")
    text = line["case"].strip()
    name = text if text in known else case_of(text) or text
    if name not in known:
        raise WrongUsage(f"{where}: {text[:40]!r} is no case of the label table. Name it as there, CQ500-CT-7 say.")
    if line.get("status") not in (None, DONE):
        return name, Scores(dict.fromkeys(REGIONS), {})
    scores = {region: _number(line[region], f"{where} ({name}): {region}") for region in REGIONS}
    limits: dict[str, float | None] = {}
    for region in REGIONS:
        for column in (f"{region}_threshold", f"{region}.threshold"):
            if column in line:
                limits[region] = _number(line[column], f"{where} ({name}): {column}")
    return name, Scores(scores, limits)


def _number(text: str, where: str) -> float | None:
    """The number in a cell; None where it is empty."""
    if not text.strip():
        return None
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not math.isfinite(value):
        raise WrongUsage(f"{where} is {text[:40]!r}, no finite number. Leave the cell empty where there is no score.")
    return value
