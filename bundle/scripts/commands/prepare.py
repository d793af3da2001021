"""`head-ct-anomaly dev prepare`: the healthy scans of a datalist read, registered and masked, for trainings on them.

Training does so by itself, one scan after the other. This command does it in several processes, or on a Ray cluster;
trainings with the same `--prepared_dir` then find every scan there. `datasets.prepared` describes the cache. The same
command resumes after a stop.
"""

from __future__ import annotations

import argparse
import sys
from collections import Counter
from dataclasses import dataclass
from functools import lru_cache, partial
from pathlib import Path
from typing import Any

from tqdm import tqdm

from ..datasets.datalist import PREPARED_BYTES, check_disjoint, listed_scans
from ..errors import described, origin
from ..files.atomic import check_writable
from ..findings import PASSING, InputRefused
from ..processes.local import Lost
from ..words import counted
from ..workflow import parsed_configs, quiet
from .arguments import FAILURES, STOPPED, add_engine, add_output, answers, engine_problem

CONFIGS = ("train.json", "train_scans.json")
"""The config that trains on the scans of a datalist, and the overlay that prepares them."""

DONE, REFUSED, FAILED = "done", "refused", "failed"


@dataclass(frozen=True)
class Outcome:
    """The outcome of a scan, and the reason if it is not done."""

    status: str
    reason: str = ""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    parser.add_argument("datalist", metavar="DATALIST", type=Path, help='JSON {"training": [{"image": path}, ...]}')
    add_output(parser, "folder of prepared scans")
    add_engine(parser)
    parser.set_defaults(device="cpu")


def main(args: argparse.Namespace) -> int:
    """Prepare the scans that are not prepared yet; 0 if no scan failed, `STOPPED` after Ctrl-C.

    Raises:
        WrongUsage: the datalist is none, or no cluster answers.
        OutputFailed: the folder can't be written to.
    """
    check_disjoint(args.datalist)
    sections = {section: listed_scans(args.datalist, section) for section in ("training", "validation")}
    if problem := engine_problem(args):
        print(problem, file=sys.stderr)
        return 2
    items = [str(item["image"]) for listed in sections.values() for item in listed]
    check_writable(args.output, needed_bytes=max(0, len(items) - len(list(args.output.glob("*.pt")))) * PREPARED_BYTES)
    args.output.mkdir(parents=True, exist_ok=True)
    try:
        outcomes = work(items, args)
    except KeyboardInterrupt:
        print("Stopped. The same command goes on from here.", file=sys.stderr)
        return STOPPED
    counts = Counter(outcome.status for outcome in outcomes.values())
    kinds = ", ".join(f"{counts[status]} {status}" for status in (DONE, REFUSED, FAILED) if counts[status])
    print(f"{counted(len(items), 'scan')}: {kinds}\n{args.output}")
    return FAILURES if counts[FAILED] else 0


def work(images: list[str], args: argparse.Namespace) -> dict[str, Outcome]:
    """The outcome of each scan; shows a bar, and a line for each scan that is not done."""
    found = {}
    function = partial(prepare_image, args.output.absolute())
    with tqdm(total=len(images), desc="prepare", unit="scan") as bar:
        for image, answer in answers(function, images, args):
            outcome = Outcome(FAILED, f"{answer.reason}.") if isinstance(answer, Lost) else answer
            if outcome.status != DONE:
                bar.write(f"{image} {outcome.status}: {outcome.reason}", file=sys.stderr)
            found[image] = outcome
            bar.update()
    return found


def prepare_image(folder: Path, image: str) -> Outcome:
    """Prepare the scan at a path, unless it lies in the folder of prepared scans already."""
    from ..datasets.prepared import prepare_scan

    try:
        with quiet():
            refused: InputRefused | None = prepare_scan({"image": image}, registering(), folder)
    except Exception as error:
        return Outcome(FAILED, described(origin(error)))
    if refused is None:
        return Outcome(DONE)
    return Outcome(FAILED if refused.code in PASSING else REFUSED, str(refused))


@lru_cache(maxsize=1)
def registering() -> Any:
    """The transforms of this process that prepare a scan."""
    return parsed_configs(CONFIGS).get_parsed_content("registering")
