"""`head-ct-anomaly cq500`: from the folders of CQ500 and its label table to a datalist, with a reason for every case.

It writes `datalist.json` and `datalist_cases.csv`. It prints, in Markdown, the paper's Table 2 (composition of the data
set), Table 3 (agreement of the readers), and the reasons for dropping cases. If too few healthy cases are left, it
writes no datalist, but still the table of cases.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from scripts.commands.arguments import add_seed
from scripts.errors import WrongUsage

from ..cq500.agreement import agreement, agreement_table
from ..cq500.cases import Case, candidate_names, case_folders, judge, with_sections
from ..cq500.composition import composition_table, reasons_table
from ..cq500.files import cases_path, cases_text, check_free, datalist, load_reads, write
from ..cq500.protocol import load_protocol
from ..cq500.reads import Reads
from ..cq500.split import HEALTHY_TEST, POOLS, SPLITS, TooFewHealthy, check_enough, groups, split


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    parser.add_argument("root", metavar="ROOT", type=Path, help="folder with CQ500CT0 CQ500CT0 and so on")
    parser.add_argument("--reads", metavar="FILE", type=Path, required=True, help="the label table, reads.csv")
    words = "file of the datalist, which ends in .json"
    parser.add_argument("-o", "--output", metavar="FILE", type=json_path, required=True, help=words)
    parser.add_argument(
        "--pool",
        choices=tuple(POOLS),
        default="strict",
        help="healthy scans: no reader marked anything (strict), or no haemorrhage and no fracture by vote (published)",
    )
    add_seed(parser, "who is in which section follows from it (0)")
    parser.add_argument(
        "--healthy-test", metavar="N", type=counting, default=HEALTHY_TEST, help="healthy scans of the test (21)"
    )
    words = (
        "the split of the frozen protocol, which `cq500 score` judges by, in place of --pool, --seed, --healthy-test"
    )
    parser.add_argument("--frozen", action="store_true", help=words)
    parser.add_argument("--headers-only", action="store_true", help="do not read the pixels of the chosen series")
    parser.add_argument("--overwrite", action="store_true", help="replace an earlier datalist")


def json_path(text: str) -> Path:
    """Path of a JSON file to write, checked.

    Raises:
        argparse.ArgumentTypeError: the name does not end in .json.
    """
    if not text.endswith(".json"):
        raise argparse.ArgumentTypeError(f"{text!r} must end in .json")
    return Path(text)


def counting(text: str) -> int:
    """A number of scans, checked.

    Raises:
        argparse.ArgumentTypeError: it is no whole number from 1 on.
    """
    if not text.isdecimal() or not int(text):
        raise argparse.ArgumentTypeError(f"{text!r} is no number of scans: use a whole number from 1 on")
    return int(text)


def main(args: argparse.Namespace) -> int:
    """Write the datalist and its table of cases, and print a summary; 0 when that is done.

    Raises:
        WrongUsage: the data set or the label table is not there or not one, or there are too few healthy scans; then
            the table of cases is written, unless an earlier datalist is there, and the reasons are printed.
        OutputExists, OutputFailed: the files can't be written.
    """
    if args.frozen:
        if (args.pool, args.seed, args.healthy_test) != ("strict", 0, HEALTHY_TEST):
            print("--frozen has a split of its own: leave --pool, --seed and --healthy-test out.", file=sys.stderr)
            return 2
        args.pool, args.healthy_test = "published", 1  # contaminated normals are in its test, too
    check_free(args.output, args.overwrite)
    reads = load_reads(args.reads)
    folders, found = case_folders(args.root), groups(reads)
    lacking = shortage([found[name] for name in candidate_names(folders, found, args.pool)], args)
    tell, labels_only = quietly if lacking else report, bool(lacking)
    cases = judge(folders, reads, found, args.pool, args.headers_only, tell, labels_only=labels_only)
    kept = {case.name: case.group for case in cases if not case.code}
    if lacking := lacking or shortage(kept.values(), args):
        raise WrongUsage(f"{args.root}: {lacking} {told(cases, args)}")
    if args.frozen:
        protocol = load_protocol()
        sections = protocol.sections(kept)
        cases = with_sections([without_section(case, sections) for case in cases], sections)
        words = f"{protocol.content['name']}: protocol {protocol.version}, sha256 {protocol.sha256}"
    else:
        cases = with_sections(cases, split(kept, args.pool, args.healthy_test, args.seed))
        words = f"CQ500: healthy pool {args.pool}, {args.healthy_test} healthy test scans, seed {args.seed}"
    content = datalist(cases, reads.labels(), args.output.parent, words)
    write(args.output, content, cases_text(cases, args.root))
    print(summary(cases, reads))
    print(f"{args.output} and {cases_path(args.output)}", file=sys.stderr)
    return 0


def without_section(case: Case, sections: Mapping[str, str]) -> Case:
    """A case; one that was kept, but has no section, is dropped."""
    if case.code or case.name in sections:
        return case
    return replace(case, code="not_in_pool", reason="not_in_pool: doubtful, and not in the test by the protocol")


def shortage(found: Iterable[str], args: argparse.Namespace) -> str:
    """A sentence on groups that have too few healthy cases; empty if none has."""
    try:
        check_enough(sum(group in POOLS[args.pool] for group in found), args.healthy_test, args.pool)
    except TooFewHealthy as error:
        return str(error)
    return ""


def told(cases: Sequence[Case], args: argparse.Namespace) -> str:
    """Print why cases were dropped, write their table, and say where it is; what an earlier call wrote stays."""
    count = sum(not case.code for case in cases)
    print(f"## {count} of {len(cases)} cases kept: too few for a datalist\n\n{dropped(cases)}")
    if os.path.lexists(args.output):
        return f"The earlier {args.output} stays as it is."
    write(args.output, None, cases_text(cases, args.root))
    return f"What became of each case stands in {cases_path(args.output)}."


def quietly(case: Case) -> None:
    """Say nothing of a case."""


def report(case: Case) -> None:
    """Report a case's outcome on stderr."""
    where = f" {case.series.name}:" if case.series is not None else ""
    print(f"{case.name} {'dropped' if case.code else 'kept'}:{where} {case.reason}", file=sys.stderr, flush=True)


def summary(cases: Sequence[Case], reads: Reads) -> str:
    """Numbers of cases found and kept, in Markdown."""
    sections = {case.name: case.section for case in cases if not case.code}
    numbers = ", ".join(f"{sum(found == part for found in sections.values())} for {part}" for part in SPLITS)
    parts = {
        f"{len(sections)} of {len(cases)} cases kept: {numbers}": "",
        "Table 2: composition": composition_table(reads.labels(), sections).markdown(),
        "Table 3: agreement of the readers": agreement_table(agreement(reads)).markdown(),
    }
    return "\n\n".join([*(f"## {title}\n\n{text}".strip() for title, text in parts.items()), dropped(cases)])


def dropped(cases: Sequence[Case]) -> str:
    """Numbers of dropped cases by reason, in Markdown."""
    return f"## Cases dropped\n\n{reasons_table(case.code for case in cases if case.code).markdown().rstrip()}"
