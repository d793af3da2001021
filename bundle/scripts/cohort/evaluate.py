"""The evaluation of a cohort's table of scores by the labels of a datalist; what is measured is in `tasks`."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from ..datasets.datalist import Case, check_labels, listed_cases
from ..errors import WrongUsage
from ..files.json_text import json_text, on_one_line
from ..preprocessing.regions import REGIONS
from .folder import FACTS_NAME, CohortFolder
from .table import DETAILS_NAME, DONE, Row, read_table
from .tasks import NEEDED, Head, evaluated, left_out, named, without_auroc


def evaluate_folder(
    folder: CohortFolder, datalist: str | Path, section: str = "test", score: str | None = None
) -> dict[str, Any]:
    """The content of `evaluation.json` of a folder with a table, by the labels of a section of a datalist.

    The scans need not be there. What is left out, and why, is said on the standard error output.

    Raises:
        WrongUsage: the table or the datalist is faulty, they are not of the same cases, or nothing can be measured.
    """
    facts = folder.facts()
    if not facts:
        raise WrongUsage(f"{folder.root} holds no {FACTS_NAME}: it is no cohort run. Run `head-ct-anomaly cohort`.")
    if missing := {"network", "score"} - facts.keys():
        raise WrongUsage(f"{folder.root / FACTS_NAME} says no {min(missing)}. Run `head-ct-anomaly cohort` elsewhere.")
    rows = read_table(folder.root / DETAILS_NAME)
    cases = listed_cases(datalist, section, scans=False)
    check_labels(cases, NEEDED, section, datalist)
    made, notes = evaluate_rows(facts, rows, cases, score, folder.root / DETAILS_NAME)
    print(*notes, sep="\n", end="\n" if notes else "", file=sys.stderr)
    return made


def evaluate_rows(
    facts: Mapping[str, Any], rows: Sequence[Row], cases: Sequence[Case], score: str | None, table: Path
) -> tuple[dict[str, Any], list[str]]:
    """The evaluation of rows of a table by the labels of cases, and sentences about what is left out.

    Args:
        facts: "network" and "score", the name of the default score.
        rows: of the table.
        cases: with their labels.
        score: the score to judge, the default one if None.
        table: the table's path, for messages.

    Raises:
        WrongUsage: a case has no row, no row has such a score, or no task has both kinds of regions.
    """
    score = None if score == facts["score"] else score  # the table's own, which for the skull may be another than named
    by_case = {row.case: row for row in rows}
    if missing := [case for case in cases if case.name not in by_case]:
        raise WrongUsage(
            f"Entry {missing[0].row} of the datalist, {missing[0].name}, has no row in {table}. Score that datalist."
        )
    done = [(case, by_case[case.name]) for case in cases if by_case[case.name].status == DONE]
    known = sorted({name for row in rows for numbers in row.details.values() for name in numbers})
    if score is not None and score not in known:
        raise WrongUsage(f"{table} has no score {score}. There are {', '.join(known) or 'none'}.")
    judged = score is None  # thresholds are those of the default score
    heads = [
        Head(
            case.name,
            case.labels,
            {region: row.score(region, score) for region in REGIONS},
            {region: row.score(region, "threshold") for region in REGIONS} if judged else {},
        )
        for case, row in done
    ]
    made = evaluated(facts["network"], score or facts["score"], heads)
    if all(measures["auroc"] is None for measures in made["tasks"].values()):
        raise WrongUsage(f"{table} can't be evaluated. {' '.join(without_auroc(made))}")
    notes = [*left_out(heads), *without_auroc(made)]
    if unscored := [case.name for case in cases if by_case[case.name].status != DONE]:
        notes.insert(0, f"Refused or failed, and left out: {named(unscored)}.")
    listed = {case.name for case in cases}
    if unlisted := [name for name in by_case if name not in listed]:
        notes.append(f"In the table, but not in the datalist, and left out: {named(unlisted)}.")
    return made, notes


def evaluated_if_labelled(
    facts: Mapping[str, Any], rows: Sequence[Row], cases: Sequence[Case]
) -> dict[str, Any] | None:
    """The evaluation of rows by the labels of cases; None where a label is missing, or nothing can be measured."""
    if not all(name in case.labels for case in cases for name in NEEDED):
        return None
    try:
        return evaluate_rows(facts, rows, cases, None, Path(DETAILS_NAME))[0]
    except WrongUsage:
        return None


def evaluation_text(evaluation: Mapping[str, Any]) -> str:
    """An evaluation as JSON, each list of numbers on one line."""
    return on_one_line(json_text(evaluation))
