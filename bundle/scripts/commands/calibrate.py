"""`head-ct-anomaly calibrate`: from healthy scans to normatives and `thresholds.json`; no training.

Each scan goes through the transforms and the networks of `configs/inference.json`. What they say is cached in a work
folder, so the same command resumes an interrupted calibration. Scans that were refused or failed are listed and left
out; failed ones are tried again.
"""

from __future__ import annotations

import argparse
import os
import sys
import time
import zipfile
import zlib
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any

from ..anomaly.files import EVIDENCE_INPUTS, WINDOWS
from ..assets import bundle_root, manifest_sha256, metadata, place, sha256
from ..calibration.files import load_scan
from ..calibration.finishing import calibrated, differing, enough
from ..calibration.folds import MAP_SMOOTHING_MM, RECOMMENDED_SCANS
from ..calibration.runner import Job, Recipe, measure_scan
from ..calibration.sources import simulated_sources, sources_in
from ..cohort.calibration_shards import SCANS, write_shard
from ..cohort.shards import shard_named
from ..files.atomic import check_writable
from ..files.fingerprints import Source, key, simulator_sha256
from ..integrity import renew
from ..processes.local import Lost
from ..simulation.person.varieties import HEALTHY, PLAIN
from ..words import counted
from ..workflow import parsed_configs
from .arguments import (
    FAILURES,
    STOPPED,
    add_device,
    add_engine,
    add_names,
    add_output,
    add_seed,
    add_stride,
    add_weights,
    add_work,
    answers,
    engine_problem,
    from_zero,
    whole_from_zero,
)
from .scan_options import named_weights, no_weights

REGISTERING = ("reference_masks.nii.gz", "regions.nii.gz", "locator.pt")
"""Files of the models, beside weights and reference, that decide what is kept of a scan."""

KEPT_BYTES = 3_000_000
"""Largest size of a cached scan on the disk, in bytes."""

DAMAGED = (EOFError, KeyError, OSError, ValueError, zipfile.BadZipFile, zlib.error)
"""Exceptions raised by reading an incomplete file."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    parser.add_argument("folder", metavar="FOLDER", type=Path, nargs="?", help="healthy scans, one an entry")
    add_output(
        parser, "folder of the calibration, for `run --calibration OUT`; bundle/models replaces the one that ships"
    )
    add_weights(parser)
    parser.set_defaults(weights=Path(place("models/model.pt")), evidence_weights=Path(place("models/evidence.pt")))
    add_device(parser)
    add_stride(parser, "(4, where `run` has 2: it is quicker, and scores hardly depend on it)", default=4)
    parser.add_argument(
        "--smoothing",
        metavar="MM",
        type=from_zero,
        default=MAP_SMOOTHING_MM,
        help=f"smooth anomaly maps by so much ({MAP_SMOOTHING_MM:g}; 0 for none)",
    )
    add_work(parser, "folder of what each scan gave, to resume from (calibration)")
    words = "measure one part of the scans, 3/200 say; auto/200 in an array of tasks (docs/retrain.md)"
    parser.add_argument("--shard", metavar="N/COUNT", help=words)
    parser.add_argument("--simulate", metavar="ANATOMIES", type=Path, help="draw the scans from these label maps")
    add_names(parser, "label maps to draw from (all)")
    parser.add_argument("--count", type=int, default=60, help="how many scans to draw (60)")
    add_seed(parser, "seed of the first scan; the next ones count up (0)")
    parser.add_argument("--variety", choices=HEALTHY, default=PLAIN, help="the population that is drawn (plain)")
    words = "label maps whose scans calibrate the skull alone: the networks learned from them (all)"
    add_names(parser, words, "--skull-names")
    parser.add_argument("--skull-count", type=whole_from_zero, default=0, help="how many of these to draw (0)")
    add_engine(parser)


def main(args: argparse.Namespace) -> int:
    """Make the files; 0 when they are written, `FAILURES` when a scan failed, `STOPPED` when Ctrl-C came first.

    Raises:
        WrongUsage: there are no scans, too few of them, of one person only, no weights of this network, or no cluster.
        OutputFailed: the files can't be written.
    """
    if problem := wrong_usage(args):
        print(problem, file=sys.stderr)
        return 2
    sources, shard = sources_of(args), shard_named(args.shard, os.environ) if args.shard else None
    enough(len(sources), "Scans to calibrate on:")
    differing([source.group for source in sources])
    args.work = args.work or Path("calibration")
    if shard:
        args.output = args.output / shard.folder_name
        args.work = args.output / SCANS
    check_beginning(args)
    if len(sources) < RECOMMENDED_SCANS:
        print(f"{len(sources)} scans make rough percentiles: {RECOMMENDED_SCANS} or more are better.", file=sys.stderr)
    settings = pipeline_settings(args)
    jobs = jobs_of(args, sources, settings | surroundings(args))
    own = [job for job in jobs if shard is None or shard.holds(job.source.name)]
    todo = [job for job in own if not is_kept(job.path)]
    check_writable(args.work, needed_bytes=len(todo) * KEPT_BYTES)
    try:
        failed = measure(todo, len(own), args)
    except KeyboardInterrupt:
        print("Stopped. The same command goes on from here.", file=sys.stderr)
        return STOPPED
    facts = {"source": provenance(args), **settings, "smoothing_mm": args.smoothing}
    if shard:
        print(write_shard(args.output, shard, jobs, failed, {"facts": facts, "surroundings": surroundings(args)}))
    else:
        print("\n".join(calibrated(args.output, [job for job in jobs if job not in failed], len(failed), facts)))
        renew(bundle_root(), args.output)
    if failed:
        print(
            f"{counted(len(failed), 'scan')} failed and had no part in it. The same command tries again.",
            file=sys.stderr,
        )
    return FAILURES if failed else 0


def wrong_usage(args: argparse.Namespace) -> str:
    """A sentence on the first wrong argument; empty if all are right.

    Raises:
        WrongUsage: there are no weights, or Ray is not there.
    """
    if (args.folder is None) == (args.simulate is None):
        return "Give either a FOLDER of healthy scans or --simulate ANATOMIES."
    if args.skull_count and args.simulate is None:
        return "--skull-count draws scans. Add --simulate ANATOMIES."
    if args.shard and args.work:
        return "A shard keeps what its scans gave in its own folder: leave --work out."
    if problem := engine_problem(args):
        return problem
    return no_weights(args)


def check_beginning(args: argparse.Namespace) -> None:
    """See that the weights fit, and that both folders can be written to.

    Raises:
        WrongUsage, OutputFailed: it is not so.
    """
    check_writable(args.work)
    check_writable(args.output)
    own = {"--weights": "model.pt", "--evidence-weights": "evidence.pt"}
    for option, network, path in named_weights(args):
        if path != Path(place(f"models/{own[option]}")):
            from ..networks.weights import sizes_of
            from ..training.checkpoints import check_weights

            parser = parsed_configs(["inference.json"])
            parser.update(sizes_of(path))
            check_weights(path, parser.get_parsed_content(network), option)


def is_kept(path: Path) -> bool:
    """True if a scan has been measured, or refused by this bundle; an incomplete file is removed."""
    try:
        _, notes = load_scan(path)
    except DAMAGED:
        path.unlink(missing_ok=True)
        return False
    return "refused" not in notes or notes.get("bundle") == manifest_sha256()


def sources_of(args: argparse.Namespace) -> list[Source]:
    """The scans that were asked for."""
    if args.simulate is None:
        return sources_in(args.folder)
    return simulated_sources(args.simulate, args.names, args.count, args.seed, args.variety)


def jobs_of(args: argparse.Namespace, sources: Sequence[Source], made_with: dict[str, Any]) -> list[Job]:
    """A job for each scan, and for each that only the skull is calibrated on."""
    skulls: list[Source] = []
    if args.skull_count:
        first = args.seed + args.count
        skulls = simulated_sources(args.simulate, args.skull_names, args.skull_count, first, args.variety)
    whole = [Job(s, (args.work / f"{key(s, made_with)}.npz").absolute()) for s in sources]
    made_with = {**made_with, "skull_only": True}  # such a file lacks what the maps are calibrated on
    return [*whole, *(Job(s, (args.work / f"{key(s, made_with)}.npz").absolute(), True) for s in skulls)]


def provenance(args: argparse.Namespace) -> dict[str, Any]:
    """The origin of the scans, without a name of a user's file."""
    if args.simulate is None:
        return {"scans": "a folder"}
    names = sorted({source.group for source in sources_of(args)})
    drawn = {"anatomies": names, "seed": args.seed, "variety": args.variety}
    return {"scans": "simulated", **drawn, "simulator_sha256": simulator_sha256()}


def pipeline_settings(args: argparse.Namespace) -> dict[str, Any]:
    """The settings that a calibration is valid for, and its description."""
    from ..baseline.modes import mode_of
    from ..networks.weights import sizes_of, tensors_sha256

    parser = parsed_configs(["inference.json"])
    parser.update({"stride": args.stride, **sizes_of(args.weights)})
    mode = mode_of(*(parser.get_parsed_content(name) for name in ("network_def", "inferer")))
    plain = ("stride", "precision", "width", "patch_size", *WINDOWS, *EVIDENCE_INPUTS)
    return {
        "weights_sha256": sha256(args.weights),
        "tensors_sha256": tensors_sha256(args.weights),
        "evidence_weights_sha256": sha256(args.evidence_weights),
        "reference_sha256": sha256(place("models/reference.nii.gz")),
        "settings": {"mode": mode, **{name: parser[name] for name in plain}},
    }


def surroundings(args: argparse.Namespace) -> dict[str, Any]:
    """Other inputs that a scan's part depends on: the files for registration and masks, the version, and, of scans on
    disk, which series shows the skull."""
    series = {"skull_series": "as in run"} if args.simulate is None else {}
    models = {name: sha256(place(f"models/{name}")) for name in REGISTERING}
    return {"bundle_version": metadata()["version"], "models": models, **series}


def measure(jobs: Sequence[Job], total: int, args: argparse.Namespace) -> list[Job]:
    """Work through the scans that are still to do, with a line for each; those that failed."""
    done, began, failed = total - len(jobs), time.monotonic(), []
    if done:
        print(f"{counted(done, 'scan')} of {total} done before: see {args.work}")
    function = partial(
        measure_scan, Recipe(args.weights.absolute(), args.stride, args.device, args.evidence_weights.absolute())
    )
    for number, (job, answer) in enumerate(answers(function, jobs, args), start=1):
        text = f"failed. {answer.reason}." if isinstance(answer, Lost) else answer.text
        left = (time.monotonic() - began) / number * (len(jobs) - number)
        print(f"[{done + number}/{total}] {job.source.name}: {text} (about {left / 60:.0f} min left)", flush=True)
        if isinstance(answer, Lost) or answer.failed:
            failed.append(job)
    return failed
