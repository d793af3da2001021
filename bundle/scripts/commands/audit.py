"""`head-ct-anomaly audit`: do the thresholds hold on a site's own scans with negative reports, and if not, where.

Scans are judged first, by `cohort` into OUT/cohort, which resumes; a folder that `cohort` has written is audited as it
is. Three files come of it: `audit.html` and `audit.json`, in which no case is named, and `groups.csv`, what is known of
each case's scanner, kernel, slice thickness, age group, sex and month. Nothing is written before everything is known.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from ..anomaly.chosen_calibration import why_not_valid
from ..assets import metadata
from ..cohort.folder import FACTS_NAME, CohortFolder
from ..cohort.scan_folder import cases_in
from ..cohort.table import DETAILS_NAME, read_table
from ..datasets.datalist import SECTIONS, Case, listed_cases
from ..errors import WrongUsage
from ..files.atomic import check_writable, write_output
from ..files.inputs import is_folder
from ..files.json_text import json_text, on_one_line
from ..sites.audit.comparisons import FEWEST_SCANS
from ..sites.audit.content import audit_of
from ..sites.audit.facts import GROUPS_NAME, Facts, checked_facts, facts_of_cases, facts_text, lacks_headers, read_facts
from ..sites.audit.judged import calibration_of, read_site
from ..sites.audit.page import audit_page
from ..sites.healthy import check_healthy
from ..words import counted
from .arguments import (
    FAILURES,
    add_alpha,
    add_calibration,
    add_device,
    add_engine,
    add_output,
    add_stride,
    add_weights,
    add_work,
    option_of,
)
from .scan_options import chosen_by

COHORT, JSON_NAME, PAGE_NAME = "cohort", "audit.json", "audit.html"
"""Folder of the judged scans in OUT, and the files of the audit."""

SECTION = "test"
"""The section of a list whose cases are audited, where none is named."""

PASSED = (
    "section",
    "engine",
    "address",
    "workers",
    "device",
    "stride",
    "alpha",
    "calibration",
    "weights",
    "evidence_weights",
    "work",
)
"""Options that `cohort` gets as they are."""

JUDGING = ("alpha", "stride", "weights", "evidence_weights", "work", "device", "workers", "engine", "address")
"""Options that change nothing of a cohort that is scored."""


@dataclass(frozen=True)
class Asked:
    """An audit as asked for: the folder of the cohort, whether it is to be judged first, the cases as far as listed,
    and the names of the cohort's cases."""

    folder: CohortFolder
    to_judge: bool
    cases: Sequence[Case]
    names: frozenset[str]


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    words = "scans with negative reports: a folder or a list, as of `cohort`; or the folder of a cohort that is scored"
    parser.add_argument("scans", metavar="SCANS", type=Path, help=words)
    add_output(parser, "folder of the audit; scans are judged into OUT/cohort")
    words = "of a cohort that is scored: the list of its scans, whose headers, facts and labels are read"
    parser.add_argument("--datalist", metavar="FILE", type=Path, help=words)
    words = "CSV with a column case and any of scanner, kernel, thickness, age, sex, month"
    parser.add_argument("--groups", metavar="TABLE", type=Path, help=words)
    parser.add_argument("--section", choices=SECTIONS, help="of the list (test)")
    add_engine(parser)
    words = "for scans that are not scored yet, as is the engine; --calibration is for both"
    judging = parser.add_argument_group("judging, as of `cohort`", words)
    add_device(judging)
    add_stride(judging)
    add_alpha(judging)
    add_calibration(judging, "of a cohort that is scored the one of that run")
    add_weights(judging)
    add_work(judging, "folder of registered scans, for several runs (OUT/cohort/registered)")
    parser.set_defaults(engine=None, device=None)  # so that what is asked for can be told; `cohort` has the defaults


def main(args: argparse.Namespace) -> int:
    """Judge the scans, audit them, write and print; 0 when it is done, `FAILURES` if a case failed.

    Raises:
        WrongUsage: scans, list or tables are not what is needed, a label names a lesion, or the scans are too few.
        InputRefused: nothing in the folder of scans can be judged.
        OutputExists, OutputFailed: something can't be written.
    """
    table = read_facts(args.groups, with_empty=True) if args.groups else {}
    asked = asked_for(args)
    if args.groups:
        check_groups(table, asked, args)
    check_writable(args.output)
    status = judge(args, asked) if asked.to_judge else 0
    if status not in (0, FAILURES):
        return status
    calibration, score = calibration_of(asked.folder, args.calibration)
    facts = gathered(args.output / GROUPS_NAME, asked, table)
    site = read_site(asked.folder, calibration, facts)
    content = audit_of(site, score, metadata()["version"])
    files = {
        GROUPS_NAME: facts_text(facts).encode(),
        JSON_NAME: on_one_line(json_text(content)).encode(),
        PAGE_NAME: audit_page(content),
    }
    for name, file in files.items():
        write_output(args.output / name, file)
    print("\n".join([*content["sentences"], "", *(str(args.output / name) for name in (PAGE_NAME, JSON_NAME))]))
    return status


def asked_for(args: argparse.Namespace) -> Asked:
    """The request of the arguments, checked as far as it can be before anything is judged.

    Raises:
        WrongUsage: there are no such scans, too few of them, one has a label of a lesion, facts are wrong, or an option
            would change nothing.
    """
    scored = is_folder(args.scans) and (args.scans / FACTS_NAME).is_file()
    if scored:
        if idle := [option_of(name) for name in JUDGING if getattr(args, name) is not None]:
            raise WrongUsage(
                f"{args.scans} is scored already, so {idle[0]} changes nothing. Leave it out, or run cohort again."
            )
        if args.section and not args.datalist:
            raise WrongUsage(
                f"--section is of a list, and {args.scans} is scored already. Leave it out, or add --datalist FILE."
            )
        if args.output.resolve().is_relative_to(args.scans.resolve()):
            raise WrongUsage(f"{args.output} lies inside {args.scans}, the folder of a cohort. Choose one outside it.")
        cases = listed_cases(args.datalist, args.section or SECTION, scans=False) if args.datalist else []
    elif args.datalist:
        raise WrongUsage(
            f"--datalist is for the folder of a cohort, and {args.scans} has no {FACTS_NAME}. Leave it out."
        )
    else:
        cases = cases_in(args.scans) if is_folder(args.scans) else listed_cases(args.scans, args.section or SECTION)
        if len(cases) < FEWEST_SCANS:
            raise WrongUsage(
                f"{args.scans} holds {counted(len(cases), 'scan')}: too few to say whether the thresholds hold, which "
                f"group differs, or whether anything drifts. Give at least {FEWEST_SCANS}."
            )
    if not scored and (reason := why_not_valid(chosen_by(args))):
        raise WrongUsage(reason)
    check_healthy(cases, "An audit is of scans with negative reports")
    for case in cases:
        checked_facts(case.facts, f"The facts of {case.name} in the list")
    folder = CohortFolder(args.scans if scored else args.output / COHORT)
    names = [row.case for row in read_table(folder.root / DETAILS_NAME)] if scored else [case.name for case in cases]
    return Asked(folder, not scored, cases, frozenset(names))


def check_groups(table: Mapping[str, Facts], asked: Asked, args: argparse.Namespace) -> None:
    """See that a table of groups is of the cohort's cases; rows of others are counted on the standard error output.

    Raises:
        WrongUsage: it names none of them.
    """
    others = [case for case in table if case not in asked.names]
    if not table or len(others) == len(table):
        first = f"its first row is of {others[0]}" if others else "it has no rows"
        there = min(asked.names, default="none")
        raise WrongUsage(
            f"{args.groups} names no case of {args.scans}: {first}, and a case there is {there}. Write the names as "
            "there."
        )
    if others:
        rows = f"{counted(len(others), 'row')} of {args.groups} {'names' if len(others) == 1 else 'name'} no case"
        print(f"{rows} of {args.scans} (the first is {others[0]}): left out.", file=sys.stderr)


def judge(args: argparse.Namespace, asked: Asked) -> int:
    """Judge the scans by the command `cohort`; its exit code."""
    words = [COHORT, str(args.scans.absolute()), "-o", str(asked.folder.root), "--maps", "none"]
    for name in PASSED:
        if (value := getattr(args, name)) is not None:
            words += [option_of(name), str(value.absolute() if isinstance(value, Path) else value)]
    parsed = args.every_command().parse_args(words)
    return int(parsed.main(parsed))


def gathered(kept: Path, asked: Asked, table: Mapping[str, Facts]) -> dict[str, Facts]:
    """The facts of a cohort's cases: what the table says, else the list, else the headers.

    Headers are read once for a folder, and again of cases with an empty cell in the table.

    Args:
        kept: the table that an earlier audit left. What it says where the one that was named has an empty cell may come
            from an earlier form of that one: it does not count, and the headers are read again.
        asked: with the cases; where there is no list, only the tables are known.
        table: the one that was named, with its empty cells.

    Raises:
        WrongUsage: the earlier table is faulty.
    """
    before = read_facts(kept) if kept.is_file() else {}
    said = {case: {name: value for name, value in own.items() if value} for case, own in table.items()}
    empty = {case: own.keys() - said[case].keys() for case, own in table.items()}
    known = {case: {k: v for k, v in own.items() if k not in empty.get(case, ())} for case, own in before.items()}
    afresh = {case for case, own in known.items() if own != before[case]}
    cases = [case for case in asked.cases if case.name in asked.names]
    if new := [case for case in cases if lacks_headers(known.get(case.name, {})) or case.name in afresh]:
        print(f"Reading the headers of {counted(len(new), 'scan')}.", file=sys.stderr)
    found = facts_of_cases(cases, known, afresh) if asked.cases else known
    names = [case for case in dict.fromkeys([*found, *said]) if case in asked.names]
    return {case: {**found.get(case, {}), **said.get(case, {})} for case in names}
