"""`head-ct-anomaly evaluate`: AUROCs and other measures of a cohort run's scores, and the comparison of two runs.

It reads `score_details.csv` and `cohort.json` of a folder that `cohort`, or `evaluate.json`, has made, and the labels
of a datalist, and writes `evaluation.json`; nothing is computed again.
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import Any

from ..cohort.evaluate import evaluate_folder, evaluation_text
from ..cohort.folder import CASES, EVALUATION_NAME, CohortFolder
from ..cohort.index import write_index
from ..cohort.tables import compared, comparison_table, table
from ..datasets.datalist import SECTIONS
from ..errors import WrongUsage
from ..files.atomic import check_writable, write_output


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    parser.add_argument("folder", metavar="OUT", type=Path, help="folder of a cohort run")
    parser.add_argument("datalist", metavar="DATALIST", type=Path, nargs="?", help="with the labels of its cases")
    parser.add_argument("--section", choices=SECTIONS, default="test", help="of the datalist (test)")
    parser.add_argument("--score", metavar="NAME", help="score to judge, raw_maximum say (the run's default score)")
    words = f"file of the evaluation (OUT/{EVALUATION_NAME})"
    parser.add_argument("-o", "--output", metavar="FILE", type=Path, help=words)
    parser.add_argument("--compare", metavar="OTHER", type=Path, help="folder of another run: DeLong's test")


def main(args: argparse.Namespace) -> int:
    """Evaluate, write and print; with --compare, print how two runs differ; 0 when it is done.

    Raises:
        WrongUsage: the folder, the table or the datalist is not there, or does not hold what is needed.
        OutputFailed: the evaluation can't be written.
    """
    if args.datalist is None and (not args.compare or args.score or args.output):
        print("Name the DATALIST with the labels of the cases.", file=sys.stderr)
        return 2
    path = args.output or args.folder / EVALUATION_NAME
    check_writable(path.parent, path)
    first = evaluation(args, args.folder)
    if args.datalist is not None:
        write_output(path, evaluation_text(first).encode())
        print(f"{table(first)}\n\n{path}")
        if path == args.folder / EVALUATION_NAME and (args.folder / CASES).is_dir():
            write_index(CohortFolder(args.folder), first)
    if args.compare:
        second = evaluation(args, args.compare)
        try:
            found = compared(first, second)
        except ValueError as error:
            raise WrongUsage(f"{args.folder} and {args.compare} can't be compared: {error}.") from error
        print(
            f"\n{first['score']} of {args.folder} and {second['score']} of {args.compare}\n\n{comparison_table(found)}"
        )
    return 0


def evaluation(args: argparse.Namespace, folder: Path) -> dict[str, Any]:
    """The evaluation of a folder: made of its table where a datalist is named, read otherwise.

    Raises:
        WrongUsage: it can't be made or read.
    """
    if args.datalist is not None:
        return evaluate_folder(CohortFolder(folder), args.datalist, args.section, args.score)
    path = folder / EVALUATION_NAME
    try:
        content: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        _ = content["tasks"], content["subtypes"], content["score"]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise WrongUsage(
            f"There is no evaluation in {folder} ({type(error).__name__}). Run `head-ct-anomaly evaluate {folder} "
            "DATALIST` first, or name the DATALIST here."
        ) from error
    return content
