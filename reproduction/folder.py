"""The folder of a reproduction: the results of its runs, read as tidy rows and as volumes.

    manifest.json             what was asked for, for the rules in Snakefile
    steps/                    a log of each step
    memory/, memory.csv       memory of trainings: each, and all
    registered/, prepared/    scans in reference space, for all runs
    runs/NAME/run.json        what was asked for of one run
    runs/NAME/train/          checkpoints and learning_curve.csv
    runs/NAME/weights.pt
    runs/NAME/cohort/         scores.csv, evaluation.json and a result.json for each case
    runs/NAME/examples/CASE/  whole sets of results of the scans that are drawn
    paper/                    tables and figures

Missing and incomplete files are ignored: a reproduction can be read while it runs.
"""

from __future__ import annotations

import csv
import json
import statistics
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from scripts.assets import sha256
from scripts.errors import WrongUsage
from scripts.files.atomic import replace_file
from scripts.files.json_text import json_text
from scripts.results.record import ResultIncomplete, verify

from . import rows as paper_rows
from .rows import HERE, Auroc, Duration, Memory, RocPoint

MANIFEST_NAME, RUN_NAME = "manifest.json", "run.json"

FORMAT = "head_ct_position_anomaly reproduction 1"
"""Value of `format` in the folder's `manifest.json`."""

UNREADABLE = (OSError, ValueError, KeyError, TypeError, IndexError)
"""Exceptions raised by reading a file that does not exist, or has another form."""


class Reproduction:
    """The folder `root`, which need not exist yet."""

    def __init__(self, root: str | Path) -> None:
        self.root = Path(root).absolute()

    @property
    def memory_table(self) -> Path:
        """Memory of trainings."""
        return self.root / "memory.csv"

    @property
    def paper(self) -> Path:
        """Folder of tables and figures."""
        return self.root / "paper"

    def run(self, name: str) -> Path:
        """The folder of a run."""
        return self.root / "runs" / name

    def cohort(self, name: str) -> Path:
        """The scores of a run."""
        return self.run(name) / "cohort"

    def example(self, name: str, case: str) -> Path:
        """The results of a scan that is drawn."""
        return self.run(name) / "examples" / case

    def begin(self, settings: Mapping[str, Any]) -> None:
        """Write the settings, in `manifest.json` and, of each run, in its `run.json`.

        Raises:
            WrongUsage: the folder holds something else, or a run of the same name that was made otherwise.
        """
        if (self.root / MANIFEST_NAME).exists():
            self.settings()
        listed = {"datalist": settings["datalist"], "datalist_sha256": sha256(Path(settings["datalist"]))}
        wanted = {run["name"]: {**run, **listed} for run in settings["runs"]}
        for name, row in wanted.items():
            self.check_same(name, row)
        for name, row in wanted.items():
            self.run(name).mkdir(parents=True, exist_ok=True)
            replace_file(self.run(name) / RUN_NAME, json_text(row).encode())
        self.write(settings)

    def write(self, settings: Mapping[str, Any]) -> None:
        """Write `manifest.json`, which the rules of the sweep read."""
        replace_file(self.root / MANIFEST_NAME, json_text({"format": FORMAT, **settings}).encode())

    def check_same(self, name: str, wanted: Mapping[str, Any]) -> None:
        """See that a run, where it was begun, was begun with the same settings, and a datalist of the same content.

        Raises:
            WrongUsage: it was not.
        """
        known = read_json(self.run(name) / RUN_NAME)
        same_path, same_content = (known.get(key) == wanted[key] for key in ("datalist", "datalist_sha256"))
        if known and same_path and not same_content:
            raise WrongUsage(
                f"{wanted['datalist']} is not what it was when run {name} in {self.root} was begun: who is trained on "
                f"and who is tested may differ. Name another folder, or remove {self.run(name)}."
            )
        if differing := [key for key in wanted if known and known.get(key) != wanted[key]]:
            key = differing[0]
            raise WrongUsage(
                f"Run {name} in {self.root} was begun with {key} {known.get(key)}, not {wanted[key]}. Give the run "
                f"another name, or remove {self.run(name)}."
            )

    def settings(self) -> dict[str, Any]:
        """Settings of the reproduction.

        Raises:
            WrongUsage: the folder is not that of a reproduction.
        """
        path = self.root / MANIFEST_NAME
        try:
            content: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
            if content["format"] == FORMAT and {"datalist", "reads", "examples", "runs"} <= content.keys():
                return content
        except UNREADABLE:
            pass
        raise WrongUsage(
            f"{self.root} is no folder of a reproduction: {MANIFEST_NAME} is missing, or another one. "
            "Name one that `head-ct-anomaly reproduce` made."
        )

    def names(self) -> list[str]:
        """The runs, in the manifest's order."""
        return [row["name"] for row in self.settings()["runs"]]

    def evaluations(self) -> dict[str, dict[str, Any]]:
        """The evaluation of each run that has one."""
        found = {name: read_json(self.cohort(name) / "evaluation.json") for name in self.names()}
        return {name: evaluation for name, evaluation in found.items() if evaluation}

    def aurocs(self) -> list[Auroc]:
        """The paper's and ours."""
        ours = [row for name, evaluation in self.evaluations().items() for row in paper_rows.aurocs(name, evaluation)]
        return [*paper_rows.published_aurocs(), *ours]

    def roc_points(self) -> list[RocPoint]:
        """The paper's and ours."""
        found = [row for name, made in self.evaluations().items() for row in paper_rows.roc_points(name, made)]
        return [*paper_rows.published_roc_points(), *found]

    def memories(self) -> list[Memory]:
        """The paper's and ours."""
        return [*paper_rows.published_memories(), *paper_rows.memories(read_csv(self.memory_table))]

    def durations(self) -> list[Duration]:
        """The paper's and ours."""
        ours = [self.duration(name, evaluation) for name, evaluation in self.evaluations().items()]
        return [*paper_rows.published_durations(), *ours]

    def duration(self, name: str, evaluation: Mapping[str, Any]) -> Duration:
        """Duration of a run's training, and of its network for a scan."""
        curve = read_csv(self.run(name) / "train" / "learning_curve.csv")
        hours = float(curve[-1]["wall_s"]) / 3600 if curve else None
        iterations = int(float(curve[-1]["iterations"])) if curve else None
        results = (read_json(path) for path in self.cohort(name).glob("cases/*/result.json"))
        seconds = [result["timings_s"]["network"] for result in results if "network" in result.get("timings_s", {})]
        series, width = paper_rows.series_of(evaluation["network"]), evaluation["network"]["width"]
        median = statistics.median(seconds) if seconds else None
        return Duration(HERE, name, series, width, iterations, hours, median)

    def example_result(self, name: str, case: str) -> dict[str, Any]:
        """The `result.json` of an example that is whole; empty if there is none."""
        try:
            return verify(self.example(name, case))
        except (ResultIncomplete, OSError):
            return {}


def read_json(path: Path) -> dict[str, Any]:
    """The content of a JSON file; empty if it can't be read."""
    try:
        content = json.loads(path.read_text(encoding="utf-8-sig"))  # some editors write a byte order mark
    except UNREADABLE:
        return {}
    return content if isinstance(content, dict) else {}


def read_csv(path: Path) -> list[dict[str, str]]:
    """The rows of a table with a header; none if it can't be read."""
    try:
        with path.open(newline="", encoding="utf-8") as file:
            return list(csv.DictReader(file))
    except UNREADABLE:
        return []
