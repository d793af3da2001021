"""Per-case scores judged by the frozen protocol: both tasks in each analysis, and what missing scores could change.

A case of the test that the table does not score is *missing*. Measures are those of the scored cases. *At worst* each
missing anomalous region had the lowest score of all, and each missing healthy one the highest.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from scripts.cohort.tasks import Head, Item, evaluated, fracture_items, haemorrhage_items
from scripts.preprocessing.regions import REGIONS
from scripts.statistics.auroc import OneKindOnly, auroc

from .protocol import HEALTHY, Protocol
from .reads import Reads
from .score_table import Scores
from .split import CLEAN, DOUBTFUL, groups

FORMAT = "head_ct_position_anomaly cq500 scores 1"
"""Value of `format` in the file of judged scores."""

PRIVATE = ("items", "roc")
"""Measures that have numbers of single cases, and are not kept."""


def judged(protocol: Protocol, reads: Reads, table: Mapping[str, Scores], method: str) -> dict[str, Any]:
    """The content of the file of judged scores, JSON values; nothing in it is of a single case."""
    of, labels = groups(reads), reads.labels()
    test = [name for name, section in protocol.sections(of).items() if section == "test"]
    analyses = {}
    for analysis, healthy in HEALTHY.items():
        names = [name for name in test if of[name] not in (CLEAN, DOUBTFUL) or of[name] in healthy]
        heads = [_head(name, labels[name], table.get(name)) for name in names]
        found = evaluated({}, "as given", heads)
        worst = {"haemorrhage": haemorrhage_items(_at_worst(heads)), "fracture": fracture_items(_at_worst(heads))}
        for task, measures in found["tasks"].items():
            measures["auroc_at_worst"] = _area(worst[task])
            measures["missing"] = len(worst[task]) - len(measures["items"])
        analyses[analysis] = {
            "cases": len(names),
            "scored": sum(any(v is not None for v in head.scores.values()) for head in heads),
            "tasks": {name: _public(measures) for name, measures in found["tasks"].items()},
            "subtypes": {name: _public(measures) for name, measures in found["subtypes"].items()},
        }
    counts = {group: sum(of[name].startswith(group) for name in of) for group in (CLEAN, DOUBTFUL)}
    return {
        "format": FORMAT,
        "protocol": {"name": protocol.content["name"], "version": protocol.version, "sha256": protocol.sha256},
        "method": method,
        "label_table": {"scans": len(reads.names), **counts, "ill": len(of) - sum(counts.values())},
        "not_in_test": sum(name not in test for name in table),
        "analyses": analyses,
    }


def _head(name: str, labels: Mapping[str, bool], found: Scores | None) -> Head:
    """A case with its scores, None in each region without one."""
    scores = found.scores if found else {}
    return Head(name, labels, {region: scores.get(region) for region in REGIONS}, found.thresholds if found else {})


def _at_worst(heads: Sequence[Head]) -> list[Head]:
    """The cases with the worst scores in place of missing ones, by the labels that the tasks go by.

    A location alone is no haemorrhage: the votes on it are others than those on the bleed.
    """
    ill = {"left_hemisphere": "BleedLocation-Left", "right_hemisphere": "BleedLocation-Right", "skull": "Fracture"}
    known = [value for head in heads for value in head.scores.values() if value is not None]
    low, high = (min(known) - 1, max(known) + 1) if known else (0.0, 0.0)
    filled = []
    for head in heads:
        anomalous = {r: head.labels[label] and (r == "skull" or head.bleeds) for r, label in ill.items()}
        worst = {region: low if is_ill else high for region, is_ill in anomalous.items()}
        filled.append(replace(head, scores={r: worst[r] if v is None else v for r, v in head.scores.items()}))
    return filled


def _area(items: Sequence[Item]) -> float | None:
    """The AUROC of items; None where one kind is missing."""
    try:
        return auroc([item.score for item in items], [item.label for item in items])
    except OneKindOnly:
        return None


def _public(measures: Mapping[str, Any]) -> dict[str, Any]:
    """Measures without the numbers of single cases."""
    return {name: value for name, value in measures.items() if name not in PRIVATE}
