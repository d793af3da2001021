"""`head-ct-anomaly cohort`: every scan of a folder, or case of a datalist, scored, in local processes or on Ray.

The same command resumes a run that was stopped or killed; `cohort.folder` describes the files. Both engines call the
same function for each case, so they give the same files.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections import Counter
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any

from tqdm import tqdm

from ..anomaly.files import THRESHOLDS_NAME
from ..anomaly.scores import MAPS, POOLINGS, score_name
from ..assets import metadata, place, sha256
from ..cohort.evaluate import evaluated_if_labelled
from ..cohort.folder import INDEX_NAME, REGISTERED, CohortFolder, shortened
from ..cohort.index import write_index
from ..cohort.runner import Plan, run_case, without_maps
from ..cohort.scan_folder import cases_in, check_some
from ..cohort.shards import shard_named
from ..cohort.table import DONE, FAILED, REFUSED, TABLE_NAME, Row, counts_in_words
from ..datasets.datalist import SECTIONS, Case, listed_cases
from ..errors import WrongUsage
from ..files.inputs import is_folder
from ..processes.local import Lost
from ..results.record import MAP_LEVELS
from ..workflow import parsed_configs
from .arguments import (
    FAILURES,
    STOPPED,
    add_alpha,
    add_calibration,
    add_device,
    add_engine,
    add_output,
    add_weights,
    add_work,
    answers,
    engine_problem,
    positive,
)
from .scan_options import overrides, usage_problem, why_no_dicom, why_not_calibrated

MODES = {"dense": [], "published": ["published.json"], "autoencoder": ["autoencoder_inference.json"]}
"""Modes, and the overlay of inference.json for each."""

OWN, SHARED = "own", "shared"
"""Places of the networks: in each worker, or in this process for all of them."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    parser.add_argument(
        "datalist",
        metavar="SCANS",
        type=Path,
        help='a folder of scans (folders, NIfTI, zip), or JSON {"test": [{"case", "image"}, ...]}',
    )
    add_output(parser, "folder of the cohort")
    parser.add_argument("--section", choices=SECTIONS, default="test", help="of the datalist (test)")
    words = "score one part of the list, 3/200 say; auto/200 in an array of tasks (docs/cohort.md)"
    parser.add_argument("--shard", metavar="N/COUNT", help=words)
    add_engine(parser)
    network = parser.add_argument_group("network")
    network.add_argument("--mode", choices=MODES, default="dense", help="our network (dense), or a published one")
    add_weights(network)
    network.add_argument("--width", type=positive, help="of the weights' network (they tell it)")
    network.add_argument(
        "--patch-size", metavar="MM", type=positive, help="likewise (published weights of before do not tell it)"
    )
    add_device(network)
    words = "own: in each process; shared: in one, for all processes (default with several on a GPU)"
    network.add_argument("--networks", choices=(OWN, SHARED), help=words)
    score = parser.add_argument_group("scores and files")
    words = "mm between predictions (2; with --mode published 4, and any other)"
    score.add_argument("--stride", metavar="MM", type=positive, help=words)
    score.add_argument("--map", choices=MAPS, help="what the heatmap shows")
    score.add_argument("--pooling", choices=POOLINGS, help="how a region's score is pooled")
    add_alpha(score)
    add_calibration(score)
    add_work(score, "folder of registered scans, for several runs (OUT/registered)")
    score.add_argument("--maps", choices=MAP_LEVELS, help="volumes to write of each case (all)")
    score.add_argument("--report", action="store_true", help="make report.html and report.pdf of each case, too")
    score.add_argument("--dicom", action="store_true", help="write DICOM objects of each case, too")
    score.add_argument("--scores-only", action="store_true", help="write result.json alone, no maps and pictures")


def main(args: argparse.Namespace) -> int:
    """Score the cases without a score, write the tables and the page; 0 if no case failed, `STOPPED` after Ctrl-C.

    Raises:
        WrongUsage: the scans, the weights, the device or the cluster are not there, or are not what is needed.
        InputRefused: nothing in the folder of scans, which is scored as a whole, can be judged.
        OutputExists: the folder holds a run of other settings, or another one works in it.
        OutputFailed: it can't be written.
    """
    cases, place = chosen_cases(args), None
    if args.shard:
        shard = shard_named(args.shard, os.environ)
        place, args.output = shard.place(cases), args.output / shard.folder_name
        cases = [case for case in cases if shard.holds(case.name)]
    args.config = MODES[args.mode]
    if problem := wrong_usage(args, cases):
        print(problem, file=sys.stderr)
        return 2
    plan, facts = planned(args)
    folder = CohortFolder(args.output)
    folder.check()
    if args.datalist.is_dir() and place is None:  # a shard may have refused scans alone, which `merge` needs to know
        check_some(cases, args.datalist)
    with folder.locked():
        folder.settle(facts, {case.name: case.fingerprint() for case in cases}, place)
        try:
            work(plan, cases, args)
        except KeyboardInterrupt:
            print("Stopped. The same command goes on from here.", file=sys.stderr)
            return STOPPED
        rows = folder.rows([case.name for case in cases])
        folder.write_table(rows)
        write_index(folder, evaluated_if_labelled(facts, rows, cases))
    print("\n".join(summary(rows, args.output)))
    return FAILURES if any(row.status == FAILED for row in rows) else 0


def chosen_cases(args: argparse.Namespace) -> list[Case]:
    """The cases of the folder of scans, or of the datalist.

    Raises:
        WrongUsage: there are none, or what is there is faulty; or the results would lie among the scans.
    """
    if not is_folder(args.datalist):
        return listed_cases(args.datalist, args.section)
    cases = cases_in(args.datalist)
    if args.output.resolve().is_relative_to(args.datalist.resolve()):
        raise WrongUsage(f"{args.output} lies inside {args.datalist}, the folder of scans. Choose one outside it.")
    return cases


def wrong_usage(args: argparse.Namespace, cases: Sequence[Case]) -> str:
    """A sentence on the first wrong argument; empty if all are right.

    Raises:
        WrongUsage: the device, or Ray, is not there.
    """
    if args.mode == "autoencoder" and (args.stride or args.map or args.patch_size or args.calibration or args.alpha):
        words = "--stride, --map, --patch-size, --calibration and --alpha"
        return f"An autoencoder has one map, of every voxel: leave {words} out."
    if args.scores_only and (args.maps or args.dicom or args.report):
        return "With --scores-only nothing but result.json is written: leave --maps, --report and --dicom out."
    if args.networks == SHARED and (args.mode != "dense" or args.engine != "local"):
        return "Only our own networks can be shared, by processes of this machine: leave --mode, --engine or it out."
    reasons = ((case.name, why_no_dicom(case.image)) for case in cases if args.dicom)
    if no_dicom := next((f"{name}: {reason}" for name, reason in reasons if reason), ""):
        return no_dicom
    return engine_problem(args) or usage_problem(args)


def planned(args: argparse.Namespace) -> tuple[Plan, dict[str, Any]]:
    """The settings by which each case is scored, and the contents of `cohort.json` about them.

    Raises:
        WrongUsage: the weights are not of the network, or the stride is none of it.
    """
    from ..baseline.modes import mode_of
    from ..cohort.handlers import network_facts
    from ..training.checkpoints import check_weights

    names = ("inference.json", *args.config)
    parser = parsed_configs(names)
    values = settings(args)
    parser.update(values)
    try:
        network, inferer = (parser.get_parsed_content(name) for name in ("network_def", "inferer"))
    except (RuntimeError, ValueError) as error:
        cause = error.__cause__ or error
        raise WrongUsage(f"There is no such network: {cause}. Check --stride, --width and --patch-size.") from error
    weights = parser.get_parsed_content("weights")
    if args.weights:
        check_weights(args.weights, network)
    if args.evidence_weights:
        check_weights(args.evidence_weights, parser.get_parsed_content("evidence_network_def"), "--evidence-weights")
    described = {name: parser[name] for name in ("width", "patch_size", "stride")}
    facts = {
        "network": network_facts(network, weights, mode=mode_of(network, inferer), **described),
        **judged(args, parser),
    }
    if args.scores_only:
        values |= without_maps(parser)
    cache = (args.work or args.output / REGISTERED).absolute()
    return Plan(names, values, args.output.absolute(), cache), facts


def settings(args: argparse.Namespace) -> dict[str, Any]:
    """Values of config ids that the arguments set, the same for every case."""
    words = {"input": args.output, "overwrite": False, "series_uid": None}
    words |= {"accept_review": False, "force": False}
    values = overrides(argparse.Namespace(**{**vars(args), **words}))
    more = {"width": args.width, "patch_size": args.patch_size, "score": args.pooling}
    told = [*values.items(), *more.items()]  # what is named counts before what weights tell of themselves
    own = ("bundle_root", "dataset_dir", "output_dir", "overwrite")
    return {name: value for name, value in told if value is not None and name not in own}


def judged(args: argparse.Namespace, parser: Any) -> dict[str, Any]:
    """The name of the default score, and the settings that scores depend on besides the network."""
    shown, calibration = parser["map"], None
    if shown == "calibrated":
        if why_not_calibrated(args):
            shown = "error"
        else:
            calibration = sha256(Path(args.calibration or place("models")) / THRESHOLDS_NAME)
    return {
        "score": score_name(shown, parser["score"]),
        "settings": {
            "map": shown,
            "alpha": parser["alpha"],
            "precision": parser["precision"],
            "calibration_sha256": calibration,
            "bundle_version": metadata()["version"],
        },
    }


def work(plan: Plan, cases: Sequence[Case], args: argparse.Namespace) -> None:
    """Score the cases that are not finished, by networks of this process or of the workers."""
    todo = [case for case in cases if not CohortFolder(plan.root).finished(case.name)]
    if not todo or not shares_networks(args):
        work_through(plan, cases, todo, args)
        return
    from ..cohort.inferers import shared_networks

    with shared_networks(plan, args.device) as (shared, server):
        work_through(shared, cases, todo, args)
    words = f"{server.usage.requests} requests, and waited {100 * server.usage.waiting:.0f} % of the time for more."
    print(f"The shared networks answered {words}", file=sys.stderr)


def shares_networks(args: argparse.Namespace) -> bool:
    """True if the networks run in this process for all workers."""
    if args.networks or args.mode != "dense" or args.engine != "local" or (args.workers or 1) == 1:
        return bool(args.networks == SHARED)
    return bool(args.device.startswith("cuda") or (args.device == "auto" and gpu_is_there()))


def gpu_is_there() -> bool:
    """True if PyTorch finds a GPU."""
    import torch

    return torch.cuda.is_available()


def work_through(plan: Plan, cases: Sequence[Case], todo: Sequence[Case], args: argparse.Namespace) -> None:
    """Score the cases `todo`, some of `cases`, with a bar, and a line for each that has no scores."""
    folder = CohortFolder(plan.root)
    before = (folder.row(case.name) for case in cases)  # one at a time: together they take gigabytes
    counts = Counter(row.status for row in before if row and row.status != FAILED)
    with tqdm(total=len(cases), initial=len(cases) - len(todo), desc="cohort", unit="case") as bar:
        for case, answer in answers(partial(run_case, plan), todo, args):
            row = answer if isinstance(answer, Row) else shortened(Row(case.name, FAILED, f"{answer.reason}."))
            if isinstance(answer, Lost):
                folder.keep_reason(row)
            if row.status != DONE:
                bar.write(f"{row.case} {row.status}: {row.reason}", file=sys.stderr)
            counts[row.status] += 1
            bar.set_postfix({name: counts[name] for name in (REFUSED, FAILED)}, refresh=False)
            bar.update()


def summary(rows: Sequence[Row], folder: Path) -> list[str]:
    """Lines about the cases' outcomes, and about cases without one; `folder` is that of the cohort."""
    counts = Counter(row.status for row in rows)
    lines = [counts_in_words(counts), f"{folder / TABLE_NAME}", f"{folder / INDEX_NAME}"]
    if counts[FAILED]:
        lines.append("The same command tries the failed ones again.")
    return lines
