"""The card: judged scores on one page of Markdown that may be published, since it holds nothing of a single case."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from scripts.cohort.tables import interval, operating_table, share
from scripts.files.tables import Table

from .score_table import NOT_RECORDED, SCORED_WITH

WHOLE = 491
"""Scans in the label table of CQ500."""

CAUTION = "For research only: not a medical device. The scans of CQ500 are under CC BY-NC-SA 4.0; none is shown here."


def card(found: Mapping[str, Any]) -> str:
    """The page for the content of a file of judged scores; the same content gives the same bytes."""
    parts = [f"# {found['method']} on {found['protocol']['name']}", CAUTION, "\n".join(_facts(found))]
    for name, analysis in found["analyses"].items():
        parts += [f"## Healthy cases: {name}", _counts(analysis), _areas(analysis), operating_table(analysis["tasks"])]
    parts.append(
        "Intervals of AUROC: 95 %, a bootstrap that draws cases; of shares: Clopper and Pearson's, a case as one; of "
        "PPV and NPV: from the ends of both. At worst: missing anomalous regions had the lowest score of all, missing "
        "healthy ones the highest."
    )
    return "\n\n".join(part for part in parts if part) + "\n"


def _facts(found: Mapping[str, Any]) -> list[str]:
    """Lines about protocol, tables and versions."""
    protocol, table = found["protocol"], found["label_table"]
    whole = "" if table["scans"] == WHOLE else f" (CQ500 has {WHOLE}: this is a part of it, or a stand-in)"
    lines = [
        f"* Protocol: version {protocol['version']}, sha256 `{protocol['sha256']}`",
        f"* Label table: {table['scans']} scans{whole}; {table['clean']} clean, {table['doubtful']} doubtful, "
        f"{table['ill']} with a haemorrhage or fracture; sha256 `{found['reads_sha256']}`",
        f"* Scores: sha256 of the table `{found['table_sha256']}`",
    ]
    lines.append(f"* Scored with: {_making(found.get('scored_with', {}))}")
    lines += [f"* Of the method: {found['about']}"] if found.get("about") else []
    return [*lines, f"* Judged by head_ct_position_anomaly {found['bundle_version']}"]


def _making(found: Mapping[str, Any]) -> str:
    """The making of the scores in words: weights, stride, version, alpha and calibration."""
    told = {name: found.get(name, NOT_RECORDED) for name in SCORED_WITH}
    if set(told.values()) == {NOT_RECORDED}:
        return NOT_RECORDED
    weights, calibration = (_hash(told[name]) for name in ("weights_sha256", "calibration_sha256"))
    stride = told["stride"] if told["stride"] == NOT_RECORDED else f"{told['stride']} mm"
    return (
        f"weights, sha256 {weights}; stride {stride}; version {told['bundle_version']}; alpha {told['alpha']}; "
        f"calibration, sha256 {calibration}"
    )


def _hash(value: str | None) -> str:
    """A sha256 as it is written; "none" where there is no file."""
    return "none" if value is None else value if value == NOT_RECORDED else f"`{value}`"


def _counts(analysis: Mapping[str, Any]) -> str:
    """A sentence about the cases."""
    return f"{analysis['scored']} of {analysis['cases']} test cases have a score."


def _areas(analysis: Mapping[str, Any]) -> str:
    """The AUROCs of the tasks, and of the subtypes that have one."""
    rows, subtypes = [], {name: m for name, m in analysis["subtypes"].items() if m["auroc"] is not None}
    for name, m in {**analysis["tasks"], **subtypes}.items():
        row = (name, m["positives"], m["negatives"], share(m["auroc"]), interval(m["bootstrap_95"]))
        found = map(share, m["sensitivity_at_specificity"].values())
        rows.append((*row, *found, m.get("missing", ""), share(m["auroc_at_worst"]) if "auroc_at_worst" in m else ""))
    shares = analysis["tasks"]["haemorrhage"]["sensitivity_at_specificity"]
    head = ("", "n+", "n-", "AUROC", "95 %", *(f"sens. at {s}" for s in shares), "missing", "AUROC at worst")
    return Table(head, tuple(rows)).markdown().rstrip()
