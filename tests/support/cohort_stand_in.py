"""A cohort whose cases take no time: the pipeline is replaced, everything around it is real.

A case's scan is a text file with what shall happen: {"log": path} is where each begin is noted, "seconds" how long it
takes, "until" a file that it waits for, "refuse" and "error" are what is raised, and "deaths" is how often its process
kills itself before it is done.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from engine_jobs import note, take_time

from scripts.cohort import runner as case_runner
from scripts.cohort.folder import REGISTERED
from scripts.cohort.runner import Plan
from scripts.cohort.table import Row
from scripts.cohort.tasks import NEEDED, SUBTYPES
from scripts.commands import cohort
from scripts.commands.main import main
from scripts.datasets.datalist import Case
from scripts.findings import refusal
from scripts.results.folder import write_results

LABELS = (*NEEDED, *SUBTYPES["haemorrhage"], *SUBTYPES["fracture"])

SCORE = "calibrated_top_1_percent_mean"


def write_cohort(folder: Path, count: int, changes: Mapping[int, Mapping[str, Any]] | None = None) -> Path:
    """A datalist of so many cases, every third one healthy, one bleeding, one broken; its path."""
    folder.mkdir(parents=True, exist_ok=True)
    items = []
    for number in range(count):
        scan = {"value": number, "log": str(folder / "log"), **(changes or {}).get(number, {})}
        (folder / f"scan_{number}.txt").write_text(json.dumps(scan))
        true = ((), ("ICH", "SDH", "BleedLocation-Left"), ("Fracture", "CalvarialFracture"))[number % 3]
        labels = {name: name in true for name in LABELS}
        items.append({"case": f"case-{number}", "image": f"scan_{number}.txt", "series_uid": None, "labels": labels})
    (folder / "datalist.json").write_text(json.dumps({"description": "stand-in", "test": items}))
    return folder / "datalist.json"


def begun(folder: Path) -> list[int]:
    """The cases in the order in which they were begun."""
    log = folder / "log"
    return [int(line.split()[0]) for line in log.read_text().splitlines()] if log.exists() else []


def processes(folder: Path) -> list[int]:
    """The processes that began them."""
    return [int(line.split()[1]) for line in (folder / "log").read_text().splitlines()]


def pretend(names: Iterable[str], values: Mapping[str, Any]) -> None:
    """Stands for the pipeline: scores that follow from the case's number."""
    scan = json.loads(Path(values["dataset_dir"]).read_text())
    note(scan)
    take_time(scan)
    if "refuse" in scan:
        raise refusal("not_ct", scan["refuse"])
    if "error" in scan:
        raise RuntimeError(scan["error"])
    number = scan["value"]
    details = {
        region: {"raw_maximum": (number + 1) / 3 + place, "voxels": 10 + place, SCORE: number / 7}
        for place, region in enumerate(("left_hemisphere", "right_hemisphere", "skull"))
    }
    scores = {region: numbers[SCORE] for region, numbers in details.items()}
    result = {"scores": scores, "score_details": details, "timings_s": {"network": time.perf_counter() % 1}}
    write_results(values["output_dir"], {"heatmap.nii.gz": str(number).encode()}, result)


def stand_in_case(plan: Plan, case: Case) -> Row:
    """`run_case` with the pipeline replaced, also in a process that knows nothing of the test."""
    case_runner.run_configs = pretend
    return case_runner.run_case(plan, case)


def planned(args: argparse.Namespace) -> tuple[Plan, dict[str, Any]]:
    """In place of `cohort.planned`, which loads MONAI and makes the network; no case here has need of them."""
    facts = {"network": {"kind": "none"}, "score": SCORE, "settings": {"map": "calibrated"}}
    return Plan(("inference.json",), {}, args.output.absolute(), args.output.absolute() / REGISTERED), facts


if __name__ == "__main__":
    import cohort_stand_in

    cohort.planned = cohort_stand_in.planned
    cohort.run_case = cohort_stand_in.stand_in_case
    sys.exit(main(sys.argv[1:]))
