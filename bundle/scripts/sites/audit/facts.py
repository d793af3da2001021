"""The facts by which a site's scans are grouped: scanner, kernel, slice thickness, age group, sex, and the month.

They come from the headers of scans, from `"facts": {...}` of a list's cases, or from a table (CSV) with a column `case`
and one for any of the facts. What a table or a list says goes before what headers say. Ages and thicknesses are put
into classes, dates are cut to their month: nothing finer is kept. An unknown fact is missing, or empty.
"""

from __future__ import annotations

import csv
import math
import re
from collections.abc import Container, Iterable, Mapping
from pathlib import Path
from typing import Any

from ...datasets.datalist import Case
from ...errors import WrongUsage
from ...files.tables import as_csv, from_csv
from ...files.zipped import unpacked
from ...findings import InputRefused
from ...reading.acquisition import acquisition_of
from ...words import printable, shortened

FACTORS = ("scanner", "kernel", "thickness", "age", "sex")
"""Facts whose values make groups."""

MONTH = "month"

COLUMNS = ("case", *FACTORS, MONTH)

GROUPS_NAME = "groups.csv"

CLASSES: dict[str, tuple[tuple[float, str], ...]] = {
    "thickness": ((1.5, "up to 1.5 mm"), (3.0, "1.5 to 3 mm"), (math.inf, "over 3 mm")),
    "age": ((17.99, "under 18"), (39.99, "18 to 39"), (59.99, "40 to 59"), (79.99, "60 to 79"), (999, "80 and over")),
}
"""Classes of numbers, each with its largest one: slice thickness in mm, age in years."""

UNITS = {"thickness": "mm", "age": "years"}

MONTHS = re.compile(r"(\d{4})-?(0[1-9]|1[0-2])(-?\d\d)?")
"""Forms of a month, or of a date of which the month is kept."""

IN_HEADERS = {"scanner", MONTH}
"""Facts that the headers of any series tell: where one is not known, they were not read, or could not be."""

LONGEST = 60
"""Characters of the longest value."""

FORMULA = "=+-@"
"""Characters by which a spreadsheet takes a cell for a formula; no value of a header begins with them."""

Facts = dict[str, str]
"""Values by name, without the unknown ones."""


def checked_facts(values: Mapping[str, Any], where: str) -> Facts:
    """The facts in values by name; `where` is what a message says of their place.

    Raises:
        WrongUsage: a name is none of the facts, or a value is none of its.
    """
    if unknown := values.keys() - {*FACTORS, MONTH}:
        raise WrongUsage(f"{where}: {str(min(unknown))[:40]!r} is no fact. Use {', '.join((*FACTORS, MONTH))}.")
    found = {name: _value(name, value, where) for name, value in values.items() if value not in (None, "")}
    return {name: value for name, value in found.items() if value}


def _value(name: str, value: Any, where: str) -> str:
    """A fact in the form in which it is compared."""
    text = shortened(printable(str(value)).strip(), LONGEST)
    if name in CLASSES:
        return _class(name, text, where)
    if name == "sex":
        if text.upper() not in ("F", "M", "O"):
            raise WrongUsage(f"{where}: sex is {text!r}. Use F, M or O, or leave it empty.")
        return text.upper().replace("O", "")
    if name == MONTH:
        if not (found := MONTHS.fullmatch(text)):
            raise WrongUsage(f"{where}: month is {text!r}. Write it as 2026-03.")
        return f"{found[1]}-{found[2]}"
    return text


def _class(name: str, text: str, where: str) -> str:
    """The class of a number, or the text itself if it names one."""
    if text in (words for _, words in CLASSES[name]):
        return text
    try:
        number = float(text)
    except ValueError:
        number = math.nan
    if not (math.isfinite(number) and number >= 0):
        raise WrongUsage(f"{where}: {name} is {text!r}. Give a number of {UNITS[name]}.")
    found = next((words for largest, words in CLASSES[name] if number <= largest), None)
    if found is None:
        raise WrongUsage(f"{where}: {name} is {text!r}. Give a number of {UNITS[name]}.")
    return found


def facts_in_headers(case: Case) -> Facts:
    """The facts that the headers of a case's scan tell; none of a scan that can't be read."""
    try:
        with unpacked(case.image) as place:
            found = acquisition_of(place, case.series_uid)
    except InputRefused:
        return {}
    values = {"thickness": found.thickness_mm, "age": found.age_years, "month": found.month}
    texts = {"scanner": found.scanner, "kernel": found.kernel, "sex": found.sex}
    values |= {name: text.lstrip(FORMULA) for name, text in texts.items()}
    known = {name: value for name, value in values.items() if not isinstance(value, float) or 0 <= value <= 200}
    return checked_facts(known, "header")


def lacks_headers(known: Mapping[str, str]) -> bool:
    """True if what is known of a case may lack what its headers tell."""
    return not known.keys() >= IN_HEADERS


def facts_of_cases(cases: Iterable[Case], known: Mapping[str, Facts], afresh: Container[str] = ()) -> dict[str, Facts]:
    """The facts of each case: what a table knows of it, else what the list says, else what its headers say.

    The headers of a case of which the scanner and the month are `known` are not read again, unless it is in `afresh`.

    Raises:
        WrongUsage: the list says something that is no fact.
    """
    found = {}
    for case in cases:
        own = known.get(case.name, {})
        headers = facts_in_headers(case) if lacks_headers(own) or case.name in afresh else {}
        found[case.name] = {**headers, **own, **checked_facts(case.facts, f"The facts of {case.name} in the list")}
    return found


def read_facts(path: Path, with_empty: bool = False) -> dict[str, Facts]:
    """The facts by case in a table, `with_empty` also those of an empty cell, as ""; other columns are left out.

    Raises:
        WrongUsage: it can't be read, has no column `case` or none of a fact, names a case twice, or a value is none.
    """
    try:
        columns, rows = from_csv(path.read_text(encoding="utf-8-sig"))
    except (OSError, ValueError, csv.Error) as error:
        raise WrongUsage(f"{path} can't be read ({type(error).__name__}). Give a CSV with a column case.") from error
    used = [name for name in columns if name in (*FACTORS, MONTH)]
    if "case" not in columns or not used:
        raise WrongUsage(f"{path} needs the column case and at least one of {', '.join((*FACTORS, MONTH))}.")
    found: dict[str, Facts] = {}
    for number, row in enumerate(rows, start=2):
        if row["case"] in found:
            raise WrongUsage(f"Row {number} of {path}: {row['case']} stands there twice. Remove one.")
        facts = checked_facts({name: row[name] for name in used}, f"Row {number} of {path}")
        found[row["case"]] = {name: facts.get(name, "") for name in used} if with_empty else facts
    return found


def facts_text(facts: Mapping[str, Facts]) -> str:
    """The table of facts as CSV, a row a case."""
    return as_csv(COLUMNS, [(case, *(own.get(name) for name in COLUMNS[1:])) for case, own in facts.items()])
