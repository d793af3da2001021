"""Evaluations, rows and folders of reproductions, made up for tests of tables and figures."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from reproduction.folder import Reproduction
from reproduction.rows import HERE, Memory

DEVICE = "CPU, 1 of 2 threads"


def measures(auroc: float | None, positives: int = 4, negatives: int = 6) -> dict[str, Any]:
    """What an evaluation says of a task: a curve of three points."""
    known = auroc is not None
    return {
        "auroc": auroc,
        "bootstrap_95": [auroc - 0.1, min(1.0, auroc + 0.1)] if auroc is not None else [None, None],
        "hanley_mcneil_95": [None, None],
        "positives": positives,
        "negatives": negatives,
        "sensitivity_at_specificity": {},
        "roc": {
            "threshold": [None, 1.5, 0.5] if known else [],
            "sensitivity": [0.0, 0.75, 1.0] if known else [],
            "specificity": [1.0, 0.5, 0.0] if known else [],
        },
        "items": [],
    }


def evaluation(
    kind: str = "position",
    width: int = 4,
    patch_size: int | None = 31,
    haemorrhage: float | None = 0.7,
    fracture: float | None = 0.6,
    mode: str = "published",
) -> dict[str, Any]:
    """The content of an `evaluation.json`."""
    network = {"kind": kind, "width": width, "patch_size": patch_size, "parameters": 7311 * width**2, "mode": mode}
    tasks = {"haemorrhage": measures(haemorrhage), "fracture": measures(fracture, 3, 5)}
    return {"network": network, "score": "raw_maximum", "tasks": tasks, "subtypes": {}}


def memory(series: str, width: int, batch: int, megabytes: float | None, status: str = "measured") -> Memory:
    """A row of ours."""
    things = {"position": "patches", "dense": "crops", "autoencoder": "volumes"}[series]
    measure = "process memory" if megabytes is not None else ""
    return Memory(HERE, series, width, batch, things, DEVICE, measure, status, megabytes)


def run(name: str, network: str = "position", width: int = 4, **more: Any) -> dict[str, Any]:
    """A run of a manifest."""
    sizes = {"width": width, "patch_size": None if network == "autoencoder" else 31}
    settings = {"epochs": 2, "iterations_per_epoch": 3, "stride": 4, "score": "maximum", "seed": 1, "train": {}}
    return {"name": name, "network": network, **sizes, **settings, **more}


def plan(runs: Sequence[dict[str, Any]], listed: Path, **more: Any) -> dict[str, Any]:
    """What is asked for of a reproduction, as far as its folder looks at it."""
    examples = {"haemorrhage": 2, "fracture": 1}
    return {"datalist": str(listed), "reads": None, "examples": examples, "runs": list(runs), **more}


def datalist(folder: Path, test: list[dict[str, Any]] | None = None) -> Path:
    """A datalist of two healthy scans and of test cases, all of which are empty folders."""
    test = test or [case("CQ500-CT-3")]
    for name in ("one", "two", *(item["image"] for item in test)):
        (folder / name).mkdir(parents=True, exist_ok=True)
    path = folder / "datalist.json"
    training, validation = {"case": "CQ500-CT-1", "image": "one"}, {"case": "CQ500-CT-2", "image": "two"}
    content = {"training": [training], "validation": [validation], "test": test}
    path.write_text(json.dumps(content))
    return path


def case(name: str, **labels: bool) -> dict[str, Any]:
    """A test case; labels that are not named are false."""
    known = ("ICH", "Fracture", "BleedLocation-Left", "BleedLocation-Right")
    votes = {**dict.fromkeys(known, False), **{label.replace("_", "-"): value for label, value in labels.items()}}
    return {"case": name, "image": f"scans/{name}", "series_uid": None, "labels": votes}


def reproduction(root: Path, runs: dict[str, dict[str, Any]], **manifest: Any) -> Reproduction:
    """The folder of a reproduction in which each run has an evaluation."""
    folder = Reproduction(root / "out")
    listed = [
        run(name, "dense" if n["mode"] == "dense" else n["kind"], n["width"], patch_size=n["patch_size"])
        for name, n in ((name, made["network"]) for name, made in runs.items())
    ]
    folder.begin(plan(listed or [run("none")], datalist(root), **manifest))
    for name, made in runs.items():
        folder.cohort(name).mkdir(parents=True, exist_ok=True)
        (folder.cohort(name) / "evaluation.json").write_text(json.dumps(made))
    return folder
