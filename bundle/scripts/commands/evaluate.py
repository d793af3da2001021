"""`head-ct-anomaly evaluate`: AUROCs and other measures of a cohort run's scores, and the comparison of two runs.

It reads `score_details.csv` and `cohort.json` of a folder that `cohort`, or `evaluate.json`, has made, and the labels
of a datalist, and writes `evaluation.json` and, of the run's default score, `predictions.csv`. No case is scored again,
and the scans need not be there. Where the datalist names masks of lesions, the heatmaps are read, too, and measured by
voxel and by lesion.
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import Any

from ..cohort.evaluate import evaluate_folder, evaluation_text
from ..cohort.folder import CASES, EVALUATION_NAME, PREDICTIONS_NAME, CohortFolder
from ..cohort.index import write_index
from ..cohort.predictions import predictions_text
from ..cohort.table import DETAILS_NAME, DONE, read_table
from ..cohort.tables import compared, comparison_table, table
from ..datasets.datalist import SECTIONS, listed_cases
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
    predictions = predictions_path(path, args.folder)
    if args.datalist is not None:
        for target in (path, predictions):
            check_writable(target.parent, target)
    first = evaluation(args, args.folder)
    if args.datalist is not None:
        shown = [table(first), *measured_maps(args, first)]
        files = {path: evaluation_text(first)}
        if args.score in (None, CohortFolder(args.folder).facts()["score"]):  # what the thresholds are of
            files = {predictions: predictions_of(args, predictions.parent), **files}
        for target, text in files.items():
            write_output(target, text.encode())
        print("\n\n".join([*shown, "\n".join(map(str, files))]))
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


def predictions_path(path: Path, folder: Path) -> Path:
    """The path of the predictions beside an evaluation; `predictions.csv` beside that of a cohort's folder itself."""
    usual = path == folder / EVALUATION_NAME
    return path.with_name(PREDICTIONS_NAME if usual else f"{path.stem}.{PREDICTIONS_NAME}")


def measured_maps(args: argparse.Namespace, made: dict[str, Any]) -> list[str]:
    """The tables of the measures by voxel and lesion, which are added to an evaluation; none where no mask is named.

    What is left out, and why, is said on the standard error output.
    """
    cases = listed_cases(args.datalist, args.section, scans=False)
    if not any(case.mask for case in cases):
        return []
    from ..cohort.localisation import localisation_table, localised

    done = {row.case for row in read_table(args.folder / DETAILS_NAME) if row.status == DONE}
    folders = {case.name: args.folder / CASES / case.name for case in cases if case.name in done}
    made["localisation"], notes = localised(cases, folders)
    print(*notes, sep="\n", end="\n" if notes else "", file=sys.stderr)
    text = localisation_table(made["localisation"])
    return [text] if text else []


def predictions_of(args: argparse.Namespace, beside: Path) -> str:
    """The text of the predictions, with paths as seen from the folder that it is written to."""
    cases = listed_cases(args.datalist, args.section, scans=False)
    return predictions_text(args.folder, beside, read_table(args.folder / DETAILS_NAME), cases)


def evaluation(args: argparse.Namespace, folder: Path) -> dict[str, Any]:
    """The evaluation of a folder: made of its table where a datalist is named, read otherwise.

    Raises:
        WrongUsage: it can't be made or read, or is of other scores than the table.
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
    check_scores(content, folder)
    return content


def check_scores(evaluation: dict[str, Any], folder: Path) -> None:
    """See that an evaluation that was read has the scores of the table beside it, if there is one.

    Raises:
        WrongUsage: a case has another score there, or none any more: it was scored again since.
    """
    path = folder / DETAILS_NAME
    if not path.is_file():
        return
    rows = {row.case: row for row in read_table(path)}
    own = evaluation["score"] == CohortFolder(folder).facts().get("score")
    name = None if own else evaluation["score"]  # as it was judged: the skull's own score may have another name
    for item in (item for measures in evaluation["tasks"].values() for item in measures["items"]):
        row = rows.get(item["case"])
        if row is not None and row.score(item["region"], name) != item["score"]:
            raise WrongUsage(
                f"{folder / EVALUATION_NAME} has other scores than {path} ({item['case']}). Run `head-ct-anomaly "
                f"evaluate {folder} DATALIST` again, or name the DATALIST here."
            )
