"""Detection of known lesions by the bundle's scores, beside simpler methods.

    python benchmarks/detection.py draw WORK --anatomies ANATOMIES --names head_12 head_13 head_14 --per-kind 6
    python benchmarks/detection.py register WORK
    python benchmarks/detection.py table WORK --calibration OTHER --published FILE --autoencoder FILE

Beside the usual lesions there are harder ones, in the middle, on both sides, in the posterior fossa, of uneven blood
and of 1 to 10 ml, `--harder 2` scans of each kind. The tables have a row for each of these groups; the other rows leave
them out. `--harder 0` draws none.

`WORK` is the folder of a cohort. `OTHER` is the folder of another one, with healthy scans of other anatomies, which was
drawn and registered before: normative and thresholds come from it; or, with `--methods ours`, the work folder of
`head-ct-anomaly calibrate`, whose scans of the same anatomy judge no scan. Without `--calibration` they come from the
healthy scans of the other anatomies of the same cohort. Scans take turns over the anatomies: `--healthy` and
`--per-kind` should be multiples of their number, or an unusual anatomy is among the healthy scans only. Every stage
resumes after a stop, and prints the CPU-seconds that it took. Your own volumes can join a cohort in the form that
`cohort/draw.py` describes.

`FILE`s are weights, or checkpoints of trainings with `published_train.json` and `autoencoder.json`; without them these
columns are left out. The bundle's own weights are measured unless `--weights` names others. The table says each
network's width, stride and, where a checkpoint tells them, iterations; `--note ours="60 000 iterations"` adds what a
file does not tell.
"""

from __future__ import annotations

import argparse
import itertools
import os
import resource
import sys
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path
from typing import Any

os.environ.setdefault("OMP_NUM_THREADS", "1")
ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT / "bundle"), str(ROOT / "benchmarks")]

from cohort.caption import caption
from cohort.draw import Plan, draw, harder_plans, keep_plan, plans
from cohort.features import METHODS, Settings, make_features, registered_files
from cohort.markdown import report
from cohort.register import facts_of, preprocessing, register
from cohort.score import joined, measured_scores, score
from cohort.table import OURS, Columns, items_of
from scripts.anomaly.scores import POOLINGS
from scripts.simulation.person.varieties import HEALTHY, PLAIN

HARDER_SEED = 50_000
"""Distance of the seed of the first harder lesion from that of the first scan."""

COLUMNS: Columns = {
    OURS[0]: ("ours raw", "maximum"),
    OURS[1]: ("ours anomaly", "top_1_percent_mean"),
    OURS[2]: ("ours position", "top_1_percent_mean"),
    OURS[3]: ("ours asymmetry", "top_1_percent_mean"),
    OURS[4]: ("ours density", "top_1_percent_mean"),
    OURS[5]: ("ours density_one_sided", "top_1_percent_mean"),
    "published network": ("published raw", "maximum"),
    "published autoencoder": ("autoencoder filtered", "maximum"),
    "HU z-score": ("HU z-score", "top_1_percent_mean"),
    "HU smoothed, top 1 %": ("HU smoothed", "top_1_percent_mean"),
}
"""Columns of the tables: whose map, and how a region's score is pooled from it."""


def in_processes(count: int, function: Callable[..., Any], tasks: Iterable[tuple[Any, ...]]) -> Iterator[Any]:
    """Results of a function for each task, in the tasks' order, in `count` processes."""
    tasks = list(tasks)
    if count == 1:
        yield from (function(*task) for task in tasks)
        return
    with ProcessPoolExecutor(count, mp_context=get_context("spawn")) as pool:
        yield from pool.map(function, *zip(*tasks, strict=True))


def draw_one(folder: Path, plan: Plan, anatomies: Path) -> str:
    """Draw a scan; a line about it."""
    return f"{plan.name}: {draw(folder, plan, anatomies)}"


def register_some(scans: list[Path], target: Path) -> list[str]:
    """Register some scans, with their common parts prepared once; a line about each."""
    transforms = preprocessing()
    return [f"{scan.name}: {register(scan, target / f'{scan.name}.zip', transforms)}" for scan in scans]


def score_some(cohort: Path, files: list[Path], method: str, settings: Settings) -> int:
    """Compute the features of some scans; how many were missing."""
    return len(list(make_features(cohort, files, method, settings)))


def stage_draw(args: argparse.Namespace) -> None:
    """Draw the cohort."""
    if args.anatomies is None:
        raise SystemExit("drawing needs label maps: name their folder with --anatomies")
    chosen = list(plans(args.names, args.healthy, args.per_kind, args.seed, args.variety))
    if args.harder:
        chosen += harder_plans(args.names, args.harder, args.seed + HARDER_SEED, args.variety)
    try:
        keep_plan(args.work, chosen)
    except ValueError as error:
        raise SystemExit(str(error)) from None
    tasks = [(args.work / "scans", plan, args.anatomies) for plan in chosen]
    for line in in_processes(args.processes, draw_one, tasks):
        print(line, flush=True)


def stage_register(args: argparse.Namespace) -> None:
    """Register the cohort."""
    scans = sorted(path.parent for path in (args.work / "scans").glob("*/truth.json"))
    target = args.work / "registered"
    missing = [scan for scan in scans if not (target / f"{scan.name}.zip").is_file()]
    parts = [missing[first :: args.processes] for first in range(args.processes)]
    for lines in in_processes(args.processes, register_some, [(part, target) for part in parts if part]):
        print("\n".join(lines), flush=True)
    refused = [path.stem for path in sorted(target.glob("*.zip")) if facts_of(path)["refused"]]
    print(f"{len(scans)} scans, {len(refused)} refused: {', '.join(refused) or 'none'}")


def prepare(cohort: Path, method: str, settings: Settings, processes: int, healthy_only: bool) -> None:
    """Compute the features of a method that a cohort lacks."""
    before, files = cpu_seconds(), registered_files(cohort, healthy_only)
    parts = [files[first::processes] for first in range(processes)]
    made = sum(in_processes(processes, score_some, [(cohort, part, method, settings) for part in parts if part]))
    spent = cpu_seconds() - before
    print(f"{cohort.name}, {method}: features of {made} scans, {spent:.1f} CPU-seconds", file=sys.stderr, flush=True)


def stage_table(args: argparse.Namespace) -> None:
    """Compute missing scores, method by method, print the tables, and write them to --output."""
    calibration, before = args.calibration or args.work, cpu_seconds()
    settings = Settings(
        args.weights, args.evidence_weights, args.stride, args.published, args.published_stride, args.autoencoder
    )
    methods = [method for method in settings.methods() if method in args.methods]
    if not (calibration / "registered").is_dir() and methods != ["ours"]:
        raise SystemExit(
            f"{calibration} is no cohort: a work folder of `calibrate` knows our scores alone. Add --methods ours."
        )
    if not methods:
        raise SystemExit(f"There is no network of {', '.join(args.methods)}: name its weights.")
    details = {method: settings.details(method) | notes(args.note, method) for method in methods}
    cohorts = [folder for folder in dict.fromkeys((calibration, args.work)) if (folder / "registered").is_dir()]
    for method, cohort in itertools.product(methods, cohorts):
        prepare(cohort, method, settings, args.processes, healthy_only=cohort != args.work)
    scored = joined(score(args.work, calibration, method, settings) for method in methods)
    if (calibration / "registered").is_dir():
        healthy = joined(score(calibration, calibration, method, settings, healthy_only=True) for method in methods)
    else:
        healthy = list(measured_scores(calibration))
    print(f"scored: {cpu_seconds() - before:.0f} CPU-seconds", file=sys.stderr, flush=True)
    there = {made for scan in (*scored, *healthy) for made in scan["scores"]}
    columns = {name: pooled(name, column, args.pooling) for name, column in COLUMNS.items() if column[0] in there}
    items, normal = items_of(scored, columns), items_of(healthy, columns)
    about = caption(args.work, args.calibration, scored, items, normal, columns, details)
    text = report(scored, items, normal, columns, args.rounds, about)
    print(text)
    if args.output:
        args.output.write_text(text, encoding="utf-8")


def notes(chosen: list[str], method: str) -> dict[str, str]:
    """The note about a method's network, if one was given as "METHOD=TEXT".

    Raises:
        SystemExit: a note is about no method.
    """
    pairs = [text.partition("=") for text in chosen]
    if wrong := [text for text, (name, _, note) in zip(chosen, pairs, strict=True) if name not in METHODS or not note]:
        raise SystemExit(f"--note must be one of {METHODS}, =, and a text; got {wrong[0]!r}")
    found = [note for name, _, note in pairs if name == method]
    return {"note": "; ".join(found)} if found else {}


def pooled(name: str, column: tuple[str, str], chosen: list[str]) -> tuple[str, str]:
    """A column with the pooling that was asked for, "COLUMN=POOLING".

    Raises:
        SystemExit: there is no such pooling.
    """
    for text in chosen:
        column_name, _, pooling = text.partition("=")
        if pooling not in POOLINGS or column_name not in COLUMNS:
            raise SystemExit(f"--pooling must be one of {list(COLUMNS)}, =, one of {POOLINGS}; got {text!r}")
        if column_name == name:
            return column[0], pooling
    return column


def cpu_seconds() -> float:
    """CPU-seconds of this process and of those that it has waited for."""
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(usage.ru_utime + usage.ru_stime for usage in used)


def parsed(words: list[str] | None = None) -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(description="detection of known lesions, beside baselines")
    parser.add_argument("stage", choices=tuple(STAGES))
    parser.add_argument("work", type=Path, metavar="WORK", help="folder of the cohort")
    parser.add_argument("--processes", type=int, default=1)
    draw_ = parser.add_argument_group("draw")
    draw_.add_argument("--anatomies", type=Path, help="folder of label maps")
    draw_.add_argument("--names", nargs="+", default=[], help="the label maps to draw from")
    draw_.add_argument("--healthy", type=int, default=18, help="healthy scans in all (default: %(default)s)")
    draw_.add_argument("--per-kind", type=int, default=3, help="scans of each kind of lesion (default: %(default)s)")
    draw_.add_argument(
        "--harder", type=int, default=2, help="scans of each kind of harder lesions, beside the others (default: 2)"
    )
    draw_.add_argument("--seed", type=int, default=1000, help="of the first scan; the next count up")
    draw_.add_argument(
        "--variety", choices=HEALTHY, default=PLAIN, help="population of the heads (default: %(default)s)"
    )
    table_ = parser.add_argument_group("table")
    table_.add_argument("--calibration", type=Path, help="cohort whose healthy scans say what is normal")
    table_.add_argument("--methods", nargs="+", choices=METHODS, default=METHODS)
    table_.add_argument("--weights", type=Path, help="of the bundle's network; its own by default")
    table_.add_argument("--evidence-weights", type=Path, help="of the density network; its own by default")
    table_.add_argument("--stride", type=int, default=2, choices=(1, 2, 4), help="(default: %(default)s)")
    table_.add_argument("--published", type=Path, help="weights of the published network")
    table_.add_argument("--published-stride", type=int, default=8, help="(default: %(default)s)")
    table_.add_argument("--autoencoder", type=Path, help="weights of the published autoencoder")
    table_.add_argument("--note", nargs="+", default=[], metavar="METHOD=TEXT", help="about a method's network")
    table_.add_argument("--pooling", nargs="+", default=[], metavar="COLUMN=POOLING", help=f"of {', '.join(POOLINGS)}")
    table_.add_argument("--rounds", type=int, default=1000, help="of the bootstrap (default: %(default)s)")
    table_.add_argument("--output", type=Path, help="Markdown file to write")
    return parser.parse_args(words)


STAGES = {"draw": stage_draw, "register": stage_register, "table": stage_table}


def main() -> None:
    """Run one stage."""
    args = parsed()
    STAGES[args.stage](args)
    print(f"{args.stage}: {cpu_seconds():.0f} CPU-seconds", file=sys.stderr)


if __name__ == "__main__":
    main()
