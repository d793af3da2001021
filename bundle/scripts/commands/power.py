"""`head-ct-anomaly power`: what is found of lesions that are planted into a site's own healthy scans.

Lesions of the simulator are planted into each scan, one at a time, and judged at the threshold in use. No label of a
patient is needed. The same command resumes a run that was stopped; a scan is kept when all its lesions are judged.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from ..anomaly.chosen_calibration import why_no_alpha
from ..anomaly.files import THRESHOLDS_NAME
from ..assets import metadata, place, sha256
from ..cohort.folder import BY_SYSTEMS, differing
from ..cohort.scan_folder import cases_in, check_some
from ..datasets.datalist import SECTIONS, Case, listed_cases
from ..errors import OutputExists, WrongUsage
from ..files.atomic import check_writable, write_output
from ..files.fingerprints import Source, key, simulator_sha256
from ..files.inputs import is_folder
from ..files.json_text import json_text
from ..files.locks import alone, locked
from ..processes.local import Lost
from ..sites.healthy import check_healthy
from ..sites.power.plan import KINDS, MORE_KINDS
from ..sites.power.runner import Job, Recipe, kept, plant_and_judge, rows_of
from ..statistics.alpha import ALPHA
from ..words import counted
from .arguments import (
    FAILURES,
    STOPPED,
    add_alpha,
    add_calibration,
    add_device,
    add_engine,
    add_output,
    add_seed,
    add_stride,
    add_weights,
    answers,
    engine_problem,
    names_among,
    positive,
)
from .scan_options import check_networks, chosen_by, no_weights, why_not_calibrated

NAME, TABLE_NAME, PICTURE_NAME, SCANS = "power.json", "power.csv", "power.png", "scans"
"""The result, a row for each lesion, the picture, and the folder of what each scan gave."""

FORMAT = "head_ct_position_anomaly power 1"
"""Value of `format` in `power.json`."""

KEPT_BYTES = 50_000
"""Largest size of what is kept of a scan, in bytes."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    words = 'a folder of healthy scans (folders, NIfTI, zip), or JSON {"test": [{"case", "image"}, ...]}'
    parser.add_argument("datalist", metavar="LIST", type=Path, help=words)
    add_output(parser, "folder of the result")
    parser.add_argument("--section", choices=SECTIONS, default="test", help="of the datalist (test)")
    parser.add_argument("--lesions", metavar="N", type=positive, default=60, help="planted into each scan (60)")
    known = (*KINDS, *MORE_KINDS)
    words = f"kinds of lesions ({', '.join(KINDS)}; also {', '.join(MORE_KINDS)})"
    parser.add_argument("--kinds", metavar="NAME,NAME", type=names_among(known), default=list(KINDS), help=words)
    add_seed(parser, "seed of the lesions (0)")
    add_stride(parser, "(4, where `run` has 2: it is quicker, and scores hardly depend on it)", default=4)
    add_calibration(parser)
    add_weights(parser)
    add_alpha(parser)
    add_device(parser)
    add_engine(parser)


def main(args: argparse.Namespace) -> int:
    """Plant, judge and write the result; 0 if no scan failed, `FAILURES` if one did, `STOPPED` after Ctrl-C.

    Raises:
        WrongUsage: the scans, the calibration or the cluster are not there, or a scan is known to show a lesion.
        InputRefused: no scan can be judged.
        OutputExists: the folder holds something else, a run of other settings, or another one works in it.
        OutputFailed: it can't be written.
    """
    problem = engine_problem(args) or no_weights(args) or why_no_threshold(args)
    if problem := problem or why_no_alpha(args.alpha, chosen_by(args)):
        print(problem, file=sys.stderr)
        return 2
    check_networks(args)
    cases = healthy_cases(args)
    check_folder(args.output)
    check_writable(args.output, needed_bytes=len(cases) * KEPT_BYTES)
    check_some(cases, args.datalist)
    settings = settings_of(args)
    check_settings(args.output, settings)
    with alone(locked(args.output.absolute()), args.output):
        return work(args, cases, settings)


def why_no_threshold(args: argparse.Namespace) -> str:
    """A sentence on why the calibration has no valid threshold for the weights; empty if it has."""
    reason = why_not_calibrated(args)
    return f"Without a valid threshold nothing is found or missed. {reason}" if reason else ""


def healthy_cases(args: argparse.Namespace) -> list[Case]:
    """The scans of the folder or the datalist.

    Raises:
        WrongUsage: there are none, what is there is faulty, or labels say that one shows a lesion.
    """
    folder = is_folder(args.datalist)
    cases = cases_in(args.datalist) if folder else listed_cases(args.datalist, args.section)
    if folder and args.output.resolve().is_relative_to(args.datalist.resolve()):
        raise WrongUsage(f"{args.output} lies inside {args.datalist}, the folder of scans. Choose one outside it.")
    check_healthy(cases, "Lesions are planted into healthy scans alone")
    return cases


def check_folder(folder: Path) -> None:
    """See that the output folder holds nothing but a run of this command, or does not exist.

    Raises:
        OutputExists: it holds something else, or is a file.
    """
    if folder.is_file():
        raise OutputExists(f"{folder} is a file. Choose another name for the output folder.")
    own = {NAME, TABLE_NAME, PICTURE_NAME, SCANS, *BY_SYSTEMS}
    found = {path.name for path in folder.iterdir()} if folder.is_dir() else set()
    if others := sorted(name for name in found - own if not name.startswith(".")):
        raise OutputExists(f"{folder} holds {others[0]}, which is no part of a power run. Choose another folder.")


def settings_of(args: argparse.Namespace) -> dict[str, Any]:
    """All settings that the result depends on beside the scans."""
    return {
        "lesions": args.lesions,
        "kinds": args.kinds,
        "seed": args.seed,
        "stride": args.stride,
        "alpha": args.alpha or ALPHA,
        "calibration_sha256": sha256((args.calibration or Path(place("models"))) / THRESHOLDS_NAME),
        "bundle_version": metadata()["version"],
        "simulator_sha256": simulator_sha256(),
    }


def check_settings(folder: Path, settings: Mapping[str, Any]) -> None:
    """See that a result in the folder, if there is one, was made with the same settings.

    Raises:
        OutputExists: it was not, or can't be read.
    """
    path = folder / NAME
    if not path.exists():
        return
    try:
        before = json.loads(path.read_text(encoding="utf-8"))["settings"]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise OutputExists(f"{path} is no result of this command. Choose another folder.") from error
    if changed := differing(before, settings):
        raise OutputExists(f"{folder} holds a run of other settings: {changed}. Choose another folder.")


def work(args: argparse.Namespace, cases: Sequence[Case], settings: Mapping[str, Any]) -> int:
    """Plant into the scans that are not done, and write the result; the exit code."""
    jobs = [job_of(args.output.absolute() / SCANS, case, settings) for case in cases]
    alpha = args.alpha or ALPHA
    recipe = Recipe(args.lesions, tuple(args.kinds), args.seed, args.stride, args.device, chosen_by(args), alpha)
    open_jobs = [job for job in jobs if kept(job) is None]
    done, failed = len(jobs) - len(open_jobs), 0
    if done:
        print(f"{counted(done, 'scan')} of {len(jobs)} done before: see {args.output / SCANS}")
    try:
        for number, (job, answer) in enumerate(answers(partial(plant_and_judge, recipe), open_jobs, args), start=1):
            text = f"failed. {answer.reason}." if isinstance(answer, Lost) else answer
            failed += text.startswith("failed")
            print(f"[{done + number}/{len(jobs)}] {job.case.name}: {text}", flush=True)
    except KeyboardInterrupt:
        print("Stopped. The same command goes on from here.", file=sys.stderr)
        return STOPPED
    contents = {job.case.name: content for job in jobs if (content := kept(job)) is not None}
    print("\n".join(written(args.output, contents, settings, failed)))
    if failed:
        print(f"{counted(failed, 'scan')} failed and had no part in it. The same command tries again.", file=sys.stderr)
    return FAILURES if failed else 0


def job_of(folder: Path, case: Case, settings: Mapping[str, Any]) -> Job:
    """The job of a scan; its key depends on its files, its place in the list and the settings."""
    depends = {"series_uid": case.series_uid, "row": case.row, **settings}
    return Job(case, folder / f"{case.name}.json", key(Source(case.name, case.name, case.image), depends))


def written(
    folder: Path, contents: Mapping[str, Mapping[str, Any]], settings: Mapping[str, Any], failed: int
) -> list[str]:
    """Write table, picture and result, and give the lines to print.

    Raises:
        OutputFailed: they can't be written.
    """
    from ..sites.power.chart import chart
    from ..sites.power.report import lesions_csv, sentences, shares, table

    rows, refused = rows_of(contents), {name: c["refused"] for name, c in contents.items() if "refused" in c}
    before = {name: content["before"] for name, content in contents.items() if "before" in content}
    above = sum(bool(side["above"]) for sides in before.values() for side in sides.values())
    found = shares(rows)
    said = sentences(rows, found, len(before), above)
    said += [f"{name} was refused. {reason}" for name, reason in refused.items()]
    content = {
        "format": FORMAT,
        "settings": dict(settings),
        "scans": {"judged": len(before), "refused": refused, "failed": failed, "hemispheres_above_before": above},
        "shares": [share.as_dict() for share in found],
        "said": said,
    }
    title = f"Found of lesions planted into {counted(len(before), 'healthy scan')}, in percent, by volume in ml"
    write_output(folder / TABLE_NAME, lesions_csv(rows).encode())
    write_output(folder / PICTURE_NAME, chart(found, title))
    write_output(folder / NAME, json_text(content).encode())
    return [table(found).markdown(), *said, *(str(folder / name) for name in (NAME, TABLE_NAME, PICTURE_NAME))]
