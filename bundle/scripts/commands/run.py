"""`head-ct-anomaly run`: scans in, a folder of results for each out, through `configs/inference.json`.

One scan goes into OUT itself. Several, or a pattern, go into OUT/NAME each, NAME being that of the scan's folder or
file. A scan that is refused, or that fails, stops no other.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ..anomaly.scores import MAPS
from ..errors import OutputExists, OutputFailed, debug_text, described, origin
from ..files.inputs import named, paths_of
from ..findings import InputRefused
from ..processes.progress import stage_bar
from ..results.folder import check_target
from ..results.judging import judge
from ..results.record import MAP_LEVELS, RESULT_NAME, read_result
from ..results.terminal import DONE, FAILED, REFUSED, closing_table, more, summary
from .arguments import (
    FAILURES,
    add_alpha,
    add_calibration,
    add_device,
    add_no_report,
    add_output,
    add_series_uid,
    add_stride,
    add_weights,
    check_device,
)
from .scan_options import OVERLAYS, check_networks, overrides, usage_problem, why_no_dicom

REFUSED_STATUS = 3
"""Exit code: a scan was refused."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    parser.add_argument(
        "inputs", metavar="INPUT", nargs="+", help="a folder (series or study), a DICOM file, a NIfTI, a zip, a pattern"
    )
    add_output(parser, "folder of the results; of several inputs, OUT/NAME each")
    add_device(parser)
    add_stride(parser)
    add_series_uid(parser)
    parser.add_argument("--overwrite", action="store_true", help="replace earlier results in OUT")
    parser.add_argument("--config", choices=OVERLAYS, action="append", default=[], help="an overlay of inference.json")
    add_weights(parser)
    parser.add_argument("--map", choices=MAPS, help="what the heatmap shows (calibrated, if it can)")
    add_alpha(parser)
    add_calibration(parser)
    parser.add_argument(
        "--maps", choices=MAP_LEVELS, help="volumes to write: all of them, the heatmap alone, or none (all)"
    )
    add_no_report(parser)
    parser.add_argument("--dicom", action="store_true", help="write DICOM objects too, into OUT/dicom")
    parser.add_argument(
        "--accept-review", action="store_true", help="record that you accept the pose, where it is for review"
    )
    parser.add_argument(
        "--force", action="store_true", help="for research: a heatmap of a head whose pose can't be confirmed, too"
    )
    said = parser.add_mutually_exclusive_group()
    said.add_argument("-q", "--quiet", action="store_true", help="print nothing but errors")
    said.add_argument("-v", "--verbose", action="store_true", help="print pose, series, grid and seconds, too")
    said.add_argument("--json", action="store_true", help="print result.json, of several inputs a list, and no words")


def main(args: argparse.Namespace) -> int:
    """Run the workflow on each scan; 0 when all results are written, 3 if a scan was refused, 5 if one failed.

    Raises:
        InputRefused: the only input can't be judged.
        WrongUsage: there is no such device, the weights are not of the network, or two inputs have one name.
        OutputExists, OutputFailed: the results can't be written.
    """
    paths = paths_of(args.inputs)
    problems = (why_no_dicom(path) for path in paths if args.dicom)
    if problem := next(filter(None, problems), "") or usage_problem(args):
        print(problem, file=sys.stderr)
        return 2
    check_device(args.device)
    check_networks(args, args.config)
    if len(paths) == 1 and paths == [Path(args.inputs[0])]:
        one(args, paths[0])
        return 0
    return several(args, named(paths))


def one(args: argparse.Namespace, path: Path) -> None:
    """Judge the only scan into OUT and print what was found.

    Raises:
        InputRefused, OutputExists, OutputFailed: as of `main`.
    """
    judged(args, path, args.output)
    if args.json:
        print((args.output / RESULT_NAME).read_text(encoding="utf-8"), end="")
    elif not args.quiet:
        print("\n".join([f"results in {args.output}", *words_of(args, args.output)]))


def judged(args: argparse.Namespace, path: Path, output: Path, name: str = "") -> None:
    """Judge a scan into a folder, with a bar of the stages on a terminal.

    Raises:
        InputRefused, OutputExists, OutputFailed: as of `main`.
    """
    values = overrides(argparse.Namespace(**{**vars(args), "input": path, "output": output}))
    with stage_bar(name, shown=not (args.quiet or args.json)):
        judge(path, output, values, overlays=args.config, overwrite=args.overwrite, warn=args.debug)


def words_of(args: argparse.Namespace, folder: Path) -> list[str]:
    """Lines about the results in a folder."""
    record = read_result(folder)
    return [*summary(record, folder), *(more(record) if args.verbose else [])]


def several(args: argparse.Namespace, scans: Mapping[str, Path]) -> int:
    """Judge each scan into OUT/NAME, say what became of it, and end with a table; the exit code.

    Raises:
        OutputExists: OUT holds the results of one scan, or a scan has results there and shall not replace them.
        OutputFailed: the results can't be written, so that no scan's can.
    """
    if (args.output / RESULT_NAME).exists():
        raise OutputExists(f"{args.output} holds the results of one scan. Choose another folder for those of several.")
    for name in scans:
        check_target((args.output / name).resolve(), args.overwrite)
    outcomes: list[tuple[str, str, Mapping[str, Any] | None, str]] = []
    for number, (name, path) in enumerate(scans.items(), 1):
        status, reason, record, words = attempted(args, path, args.output / name, f"{number}/{len(scans)} {name}")
        outcomes.append((name, status, record, reason))
        if reason:
            print(f"{name} {status}: {reason}", file=sys.stderr, flush=True)
        elif args.verbose:
            print("\n".join([f"{name}: results in {args.output / name}", *words]), flush=True)
        elif not (args.quiet or args.json):
            print(f"{name}: results in {args.output / name}", flush=True)
    if args.json:
        print(json.dumps([as_json(*outcome) for outcome in outcomes], indent=2))  # in ASCII, which any terminal takes
    elif not args.quiet:
        print("\n".join(closing_table([outcome[:3] for outcome in outcomes])))
    statuses = {status for _, status, _, _ in outcomes}
    return FAILURES if FAILED in statuses else REFUSED_STATUS if REFUSED in statuses else 0


def attempted(
    args: argparse.Namespace, path: Path, output: Path, name: str
) -> tuple[str, str, Mapping[str, Any] | None, list[str]]:
    """The outcome of a scan, the reason if it has no results, else its record, and with --verbose lines about them.

    Raises:
        OutputFailed: the results can't be written, as with a full disk.
    """
    try:
        judged(args, path, output, name)
        return DONE, "", read_result(output), words_of(args, output) if args.verbose else []
    except InputRefused as refused:
        return REFUSED, str(refused), None, []
    except OutputFailed:
        raise
    except Exception as error:
        if args.debug:
            print(debug_text(error), end="", file=sys.stderr)
        reason = str(error) if isinstance(error, OutputExists) else f"{described(origin(error))}."
        return FAILED, reason, None, []


def as_json(name: str, status: str, record: Mapping[str, Any] | None, reason: str) -> dict[str, Any]:
    """The outcome of a scan, for programs."""
    return {"name": name, "status": status, "reason": reason, "result": record}
