"""`head-ct-anomaly standin`: a simulated data set in the exact form of CQ500, for those who do not have CQ500.

Heads are drawn from label maps and scanned; each patient's study holds several series, some of them faulty, and three
simulated readers mark what they see. The same command resumes after a stop.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path

from scripts.commands.arguments import add_names, add_output, add_seed
from scripts.files.atomic import check_writable
from scripts.processes.memory import keep_large_blocks
from scripts.simulation.anatomy.label_map import Anatomy, anatomy_paths, load_anatomy
from scripts.training.anatomies import check_names

from ..cq500.standin.files import is_complete, keep_plan, write_case, write_tables
from ..cq500.standin.heads import draw_patient
from ..cq500.standin.patients import FEWEST_CASES, CasePlan, plans, true_labels
from ..cq500.standin.recipes import series_of
from ..cq500.standin.studies import Study

PIXELS = (64, 512)
"""Fewest and most pixels a side of an image."""

SLICES_A_CASE = 250
"""Slices of a case's series, about, for the space that they need."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    parser.add_argument("anatomies", metavar="ANATOMIES", type=Path, help="a folder of label maps of heads (.nii.gz)")
    add_output(parser, "folder of the data set")
    parser.add_argument("--cases", metavar="N", type=case_count, default=80, help="how many patients (80)")
    add_seed(parser, "everything random follows from it (0)")
    add_names(parser, "label maps to draw from (all)")
    parser.add_argument("--pixels", metavar="N", type=pixel_count, default=256, help="a side of an image (256)")


def case_count(text: str) -> int:
    """A number of cases, checked.

    Raises:
        argparse.ArgumentTypeError: it is no whole number from 6 on.
    """
    if not text.isdecimal() or int(text) < FEWEST_CASES:
        raise argparse.ArgumentTypeError(f"{text!r} is no number of cases: use a whole number from {FEWEST_CASES} on")
    return int(text)


def pixel_count(text: str) -> int:
    """A number of pixels, checked.

    Raises:
        argparse.ArgumentTypeError: it is no whole number in the range.
    """
    low, high = PIXELS
    if not text.isdecimal() or not low <= int(text) <= high:
        raise argparse.ArgumentTypeError(f"{text!r} is no size of an image: use a whole number from {low} to {high}")
    return int(text)


def main(args: argparse.Namespace) -> int:
    """Draw the cases that are not there yet, then write the tables; 0 when all is there.

    Raises:
        WrongUsage: there is no such label map.
        OutputExists: the folder holds something else.
        OutputFailed: it can't be written to.
    """
    paths = anatomies_of(args.anatomies, args.names)
    drawn = plans(list(paths), args.cases, args.seed)
    missing = [plan for plan in drawn if not is_complete(args.output, plan)]
    check_writable(args.output, needed_bytes=len(missing) * SLICES_A_CASE * (2 * args.pixels**2 + 2000))
    keep_plan(args.output, drawn, {"pixels": args.pixels})
    keep_large_blocks()
    for done, plan in enumerate(by_anatomy(missing), start=1):
        lesions = draw_case(args.output, plan, paths[plan.anatomy], args.pixels)
        print(f"{done}/{len(missing)} {plan.name} ({plan.recipe}): {lesions}", file=sys.stderr, flush=True)
    write_tables(args.output, drawn)
    print(args.output)
    return 0


def anatomies_of(folder: Path, names: Sequence[str]) -> dict[str, Path]:
    """Path by name of the label maps to draw from: all of a folder, or those that are named.

    Raises:
        WrongUsage: there is none, or not one of the names.
    """
    if not names:
        return {path.name.split(".")[0]: path for path in anatomy_paths(folder)}
    found = check_names(str(folder), names, "Correct --names.")
    return {name: Path(found[name]) for name in names}


def by_anatomy(cases: Sequence[CasePlan]) -> list[CasePlan]:
    """The cases, those of one anatomy after each other, so that each is read once."""
    return sorted(cases, key=lambda plan: plan.anatomy)


def draw_case(root: Path, plan: CasePlan, anatomy: Path, pixels: int) -> str:
    """Draw and write one case; its lesions in words."""
    head, planted = draw_patient(_anatomy(anatomy), plan.seed, plan.lesions)
    labels = true_labels(planted)
    truth = {
        **{"case": plan.name, "anatomy": plan.anatomy, "seed": plan.seed, "recipe": plan.recipe},
        **{"lesions": planted, "labels": sorted(labels), "to_reference": head.to_reference.tolist()},
        "head": head.description,
    }
    write_case(root, plan, series_of(Study(head, plan.seed, pixels), plan.recipe), truth)
    return ", ".join(f"{lesion['lesion']} {lesion['side']}" for lesion in planted) or "healthy"


@lru_cache(maxsize=1)
def _anatomy(path: Path) -> Anatomy:
    """An anatomy, kept for the cases that follow."""
    return load_anatomy(path)
