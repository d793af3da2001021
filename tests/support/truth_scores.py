"""Scores that follow from the truth beside a simulated scan: 2 in the region of its lesion, 1 elsewhere."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from scripts.cohort import runner
from scripts.cohort.runner import Plan
from scripts.cohort.table import Row
from scripts.datasets.datalist import Case
from scripts.preprocessing.regions import REGIONS
from scripts.results.folder import write_results


def score_by_truth(names: Iterable[str], values: Mapping[str, Any]) -> None:
    """Stands for the pipeline."""
    truth = json.loads((Path(values["dataset_dir"]).parent / "truth.json").read_text(encoding="utf-8"))
    place = "skull" if "fracture" in (truth["lesion"] or "") else f"{truth.get('side')}_hemisphere"
    scores = {region: 2.0 if region == place else 1.0 for region in REGIONS}
    details = {region: {"calibrated_top_1_percent_mean": score} for region, score in scores.items()}
    result = {"scores": scores, "score_details": details, "timings_s": {}}
    write_results(values["output_dir"], {"heatmap.nii.gz": b""}, result)


def case_by_truth(plan: Plan, case: Case) -> Row:
    """`run_case` with the pipeline replaced, also in a process that knows nothing of the test."""
    runner.run_configs = score_by_truth
    return runner.run_case(plan, case)
