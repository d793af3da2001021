"""Sites whose scans are judged already: folders of cohorts, of scores that are drawn."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from scipy.special import ndtr

from scripts.anomaly.files import THRESHOLDS_NAME, read_thresholds
from scripts.assets import place, sha256
from scripts.cohort import runner
from scripts.cohort.folder import CASES, CohortFolder
from scripts.cohort.runner import Plan
from scripts.cohort.table import FAILED, REFUSED, Found, Row
from scripts.datasets.datalist import Case
from scripts.files.json_text import json_text, on_one_line
from scripts.files.tables import as_csv
from scripts.findings import refusal
from scripts.results.folder import write_results
from scripts.results.record import RESULT_NAME
from scripts.sites.audit.facts import read_facts
from scripts.sites.audit.judged import Site, calibration_of, read_site
from scripts.skull.files import NAME, read_calibration
from scripts.statistics.auroc import threshold_at_specificity

SCORE = "calibrated_top_1_percent_mean"
REGIONS = ("left_hemisphere", "right_hemisphere", "skull")
MODELS = Path(place("models"))
HEALTHY = read_thresholds(MODELS / THRESHOLDS_NAME)
SKULLS = read_calibration(MODELS / NAME).healthy

FACTS: dict[str, Any] = {
    "network": {"mode": "dense", "stride": 2},
    "score": SCORE,
    "settings": {"map": "calibrated", "calibration_sha256": sha256(MODELS / THRESHOLDS_NAME)},
}

SCANNERS = ("ACME ONE #00aa", "ACME ONE #11bb", "OTHER TWO #22cc")

Higher = Callable[[Mapping[str, str]], float]
"""By how much the logarithm of a scan's scores is raised, by its facts."""


def facts_of(number: int, random: np.random.Generator) -> dict[str, str]:
    """The facts of a scan: each scanner has its share of everything."""
    return {
        "scanner": SCANNERS[number % 3],
        "kernel": ("H30", "H40")[int(random.integers(2))],
        "thickness": ("up to 1.5 mm", "over 3 mm")[int(random.integers(2))],
        "age": ("40 to 59", "60 to 79", "80 and over")[int(random.integers(3))],
        "sex": "FM"[int(random.integers(2))],
        "month": f"2026-{1 + number * 7 % 12:02d}",
    }


def drawn(random: np.random.Generator, higher: float = 0.0, slices: str = "thick") -> dict[str, float]:
    """Scores by region as healthy scans of the calibration have them, a scan's hemispheres alike."""
    healthy = {**{region: HEALTHY.scores_of(region, SCORE) for region in REGIONS}, "skull": SKULLS[slices]}
    deviates = 0.8 * random.normal() + 0.6 * random.normal(size=len(REGIONS))
    ranks = dict(zip(REGIONS, ndtr(deviates), strict=True))
    return {region: float(np.quantile(healthy[region], ranks[region]) * np.exp(higher)) for region in REGIONS}


def details_of(values: Mapping[str, float], slices: str) -> dict[str, dict[str, float]]:
    """The details of scores, with the threshold of each; the skull has the map's score beside that of its shape."""
    limits = {region: HEALTHY.threshold(region, SCORE) or 0.0 for region in REGIONS}
    limits["skull"] = round(threshold_at_specificity(SKULLS[slices]), 6)
    details = {region: {SCORE: value, "threshold": limits[region]} for region, value in values.items()}
    details["skull"][SCORE] = 1e9
    return details


def write_site(
    folder: Path,
    count: int,
    higher: Higher = lambda _: 0.0,
    seed: int = 0,
    refused: int = 0,
    without: Sequence[tuple[str, ...]] = (),
) -> Path:
    """A cohort of scored scans, some refused, and one with each flags of `without` whose brain has no score, in
    `folder/judged`, and their groups in `folder/groups.csv`."""
    random = np.random.default_rng(seed)
    rows, facts = [], {}
    for number in range(count):
        case = f"case-{number}"
        facts[case] = facts_of(number, random)
        slices = "thick" if facts[case]["thickness"] == "over 3 mm" else "thin"
        values = drawn(random, higher(facts[case]), slices)
        details = details_of(values, slices)
        found = Found("review" if number % 20 == 7 else "pass", ("thick_slices",) if number % 2 else ())
        rows.append(Row(case, "done", "", values, details, 1.0, found))
    rows += [Row(f"refused-{n}", REFUSED, "There is no CT image. Give a head CT.") for n in range(refused)]
    rows += [Row("failed-0", FAILED, "RuntimeError")] if refused else []
    skull = {"skull": float(SKULLS["thick"][0])}
    rows += [
        Row(f"without-{n}", "done", "", skull, details_of(skull, "thick"), 1.0, Found("pass", flags))
        for n, flags in enumerate(without)
    ]
    cohort = CohortFolder(folder / "judged")
    cohort.settle(FACTS, {})
    cohort.write_table(rows)
    names = ("scanner", "kernel", "thickness", "age", "sex", "month")
    lines = [(case, *(own[name] for name in names)) for case, own in facts.items()]
    (folder / "groups.csv").write_text(as_csv(("case", *names), lines))
    return folder


USUAL = {"brain_hu": (31.0, 2.0), "noise_hu": (4.0, 1.0), "noise_grain": (0.6, 0.08), "fluid_share": (0.12, 0.03)}
"""Mean and standard deviation of each measure of images in a site's scans, in thick slices."""

NOISE_OF_THIN = 2.5
"""So many times noisier are thin slices."""


def looks_of(thin: bool, random: np.random.Generator) -> dict[str, float]:
    """The measures of a scan's image."""
    looks = {name: max(float(random.normal(*own)), 0.01) for name, own in USUAL.items()}
    return looks | {"noise_hu": looks["noise_hu"] * (NOISE_OF_THIN if thin else 1.0)}


def write_measured(folder: Path, brighter: str) -> None:
    """The `result.json` of each case that `write_site` scored, as large as a real one; of one scanner 8 HU brighter."""
    random = np.random.default_rng(0)
    compared = {region: {"scores": np.round(random.random(400), 4).tolist()} for region in REGIONS}
    outputs = {f"cases/{number}.nii.gz": f"{number:064x}" for number in range(80)}
    for case, facts in read_facts(folder / "groups.csv").items():
        looks = looks_of(facts["thickness"] == "up to 1.5 mm", random)
        looks["brain_hu"] += 8.0 * (facts["scanner"] == brighter)
        content = {"quality": {"verdict": "pass", **looks}, "compared_with": compared, "outputs": outputs}
        place = folder / "judged" / CASES / case
        place.mkdir(parents=True)
        (place / RESULT_NAME).write_text(on_one_line(json_text(content)))


def site_of(folder: Path) -> Site:
    """The site of a folder that `write_site` wrote."""
    cohort = CohortFolder(folder / "judged")
    calibration, _ = calibration_of(cohort, None)
    return read_site(cohort, calibration, read_facts(folder / "groups.csv"))


def judged(names: Iterable[str], values: Mapping[str, Any]) -> None:
    """Stands for the pipeline: scores of a healthy scan; the tenth of each ten is refused."""
    number = int(Path(values["output_dir"]).name.rpartition("-")[2])
    if number % 10 == 9:
        raise refusal("not_ct", "There is no CT image.")
    scores = drawn(np.random.default_rng(number))
    result = {
        "scores": scores,
        "score_details": details_of(scores, "thick"),
        "timings_s": {},
        "quality": {"verdict": "pass"},
    }
    write_results(values["output_dir"], {"heatmap.nii.gz": b""}, result)


def judged_case(plan: Plan, case: Case) -> Row:
    """`run_case` with the pipeline replaced, also in a process that knows nothing of the test."""
    runner.run_configs = judged
    return runner.run_case(plan, case)
