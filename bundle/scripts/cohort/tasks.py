"""Tasks: measures of how well a cohort's scores detect bleeding hemispheres and broken skulls.

A *head* is a case with labels (true or false by name, the majority of its readers) and one score a region, None where a
region has none. A *task* asks for one kind of anomaly; its *items* are regions of heads (Bieder et al., MIDL 2022):

* haemorrhage: both hemispheres of each head, anomalous where it bleeds; the clean side of a bleeding head is healthy.
  Heads that have a fracture and no haemorrhage are left out, and those of which no side is labelled.
* fracture: the skulls of heads with a fracture, and of healthy heads, which have neither fracture nor haemorrhage.

Heads with another lesion, where a label says so, are left out of both: they count neither as anomalous nor as healthy.

A *subtype* keeps of a task's anomalous items those of heads with its label, and all healthy ones. Statistics are those
of `statistics` and `roc`; the bootstrap draws cases, with all their items.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

import numpy as np

from ..statistics.auroc import OneKindOnly, auroc, clustered_bootstrap, sensitivity_at, threshold_at_specificity
from ..statistics.roc import hanley_mcneil_interval, roc_curve
from ..statistics.standing import separated_interval
from .operating import operating_point

HAEMORRHAGE, FRACTURE = "haemorrhage", "fracture"
"""The tasks."""

LABELS = {HAEMORRHAGE: "ICH", FRACTURE: "Fracture"}
"""The label of each task."""

SIDES = {"left_hemisphere": "BleedLocation-Left", "right_hemisphere": "BleedLocation-Right"}
"""The label that says that a hemisphere bleeds."""

NEEDED = (*LABELS.values(), *SIDES.values())
"""Labels that every head must have."""

SUBTYPES = {
    HAEMORRHAGE: ("IPH", "IVH", "SDH", "EDH", "SAH", "ChronicBleed"),
    FRACTURE: ("CalvarialFracture", "OtherFracture"),
}
"""Labels of subtypes, by task."""

OTHER_LESION = "OtherLesion"
"""A label that heads may have: a lesion that is neither a haemorrhage nor a fracture."""

SPECIFICITIES = (0.80, 0.90, 0.95)
"""Specificities at which the sensitivity is reported."""

IN_USE = "threshold"
"""Name of the operating point of the thresholds in use; the others are named by their specificity."""

FEWEST = 2
"""Cases with items of each kind without which nothing tells how much these vary."""

NAMED = 5
"""Most cases that a message names."""

Measures = dict[str, Any]
"""Measures as `measured` gives them; JSON values."""


@dataclass(frozen=True)
class Head:
    """A case with its labels, its scores by region, and the thresholds of these where there are some."""

    case: str
    labels: Mapping[str, bool]
    scores: Mapping[str, float | None]
    thresholds: Mapping[str, float | None] = field(default_factory=dict)

    @property
    def bleeds(self) -> bool:
        """True if it has a haemorrhage."""
        return self.labels[LABELS[HAEMORRHAGE]]

    @property
    def is_broken(self) -> bool:
        """True if it has a fracture."""
        return self.labels[LABELS[FRACTURE]]

    @property
    def has_other(self) -> bool:
        """True if it has a lesion that no task asks for."""
        return self.labels.get(OTHER_LESION, False)

    @property
    def has_side(self) -> bool:
        """True if a side is labelled."""
        return any(self.labels[name] for name in SIDES.values())


@dataclass(frozen=True)
class Item:
    """A region of a head, its score, whether it is anomalous, and the threshold of the score."""

    case: str
    region: str
    score: float
    label: bool
    threshold: float | None = None


def haemorrhage_items(heads: Iterable[Head]) -> list[Item]:
    """The hemispheres to judge, of those that have a score."""
    items = []
    for head in heads:
        if head.has_other or (head.is_broken and not head.bleeds) or (head.bleeds and not head.has_side):
            continue
        for region, side in SIDES.items():
            score = head.scores.get(region)
            if score is not None:
                label, limit = head.bleeds and head.labels[side], head.thresholds.get(region)
                items.append(Item(head.case, region, score, label, limit))
    return items


def fracture_items(heads: Iterable[Head]) -> list[Item]:
    """The skulls to judge, of those that have a score."""
    kept = [head for head in heads if (head.is_broken or not head.bleeds) and not head.has_other]
    scores = [(head, head.scores.get("skull")) for head in kept]
    return [
        Item(head.case, "skull", score, head.is_broken, head.thresholds.get("skull"))
        for head, score in scores
        if score is not None
    ]


def of_subtype(items: Iterable[Item], heads: Iterable[Head], label: str) -> list[Item]:
    """The healthy items, and the anomalous ones of heads with a label."""
    having = {head.case for head in heads if head.labels[label]}
    return [item for item in items if not item.label or item.case in having]


def evaluated(network: Mapping[str, Any], score: str, heads: Sequence[Head]) -> dict[str, Any]:
    """The content of `evaluation.json`: what the network is, which score was judged, and what is measured.

    A subtype is there when every head says whether it has it.
    """
    items = {HAEMORRHAGE: haemorrhage_items(heads), FRACTURE: fracture_items(heads)}
    subtypes = {
        label: measured(of_subtype(items[task], heads, label))
        for task, labels in SUBTYPES.items()
        for label in labels
        if heads and all(label in head.labels for head in heads)
    }
    tasks = {task: measured(found) for task, found in items.items()}
    return {"network": dict(network), "score": score, "tasks": tasks, "subtypes": subtypes}


def measured(items: Sequence[Item]) -> Measures:
    """AUROC with its intervals, sensitivities, operating points and ROC curve of some items.

    What one kind is missing for is null.
    """
    scores, labels = [item.score for item in items], [item.label for item in items]
    positives = sum(labels)
    found: Measures = {
        "auroc": None,
        "bootstrap_95": [None, None],
        "hanley_mcneil_95": [None, None],
        "positives": positives,
        "negatives": len(items) - positives,
        "sensitivity_at_specificity": {f"{share:.2f}": None for share in SPECIFICITIES},
        "operating_points": dict.fromkeys((IN_USE, *(f"{share:.2f}" for share in SPECIFICITIES))),
        "roc": {"threshold": [], "sensitivity": [], "specificity": []},
        "items": [asdict(item) for item in items],
    }
    try:
        area, curve = auroc(scores, labels), roc_curve(scores, labels)
    except OneKindOnly:
        return found
    healthy = [item.score for item in items if not item.label]
    limits = {share: threshold_at_specificity(healthy, share) for share in SPECIFICITIES}
    return found | {
        "auroc": area,
        "bootstrap_95": bootstrap_interval(items),
        "hanley_mcneil_95": list(
            separated_interval(*hanley_mcneil_interval(area, positives, len(healthy)), min(positives, len(healthy)))
        ),
        "sensitivity_at_specificity": {
            f"{share:.2f}": sensitivity_at(limit, scores, labels) for share, limit in limits.items()
        },
        "operating_points": {
            IN_USE: in_use(items),
            **{f"{s:.2f}": operating_point(items, [v > limit for v in scores]) for s, limit in limits.items()},
        },
        "roc": {name: values.tolist() for name, values in vars(curve).items()},
    }


def in_use(items: Sequence[Item]) -> dict[str, Any] | None:
    """The operating point of the thresholds that the scores were compared with; None where there are none."""
    known = [item for item in items if item.threshold is not None]
    return operating_point(known, [item.score > float(item.threshold or 0) for item in known])


def bootstrap_interval(items: Sequence[Item]) -> list[float | None]:
    """The 95 % interval [low, high] of the AUROC by drawing cases; [None, None] where they are too few."""
    cases = [item.case for item in items]
    scores, labels = np.array([item.score for item in items]), np.array([item.label for item in items])

    def area(drawn: Any) -> float:
        return auroc(scores[drawn], labels[drawn])

    try:
        low, high = clustered_bootstrap(area, cases, units=cases)
    except ValueError:
        return [None, None]
    kinds = [{case for case, label in zip(cases, labels, strict=True) if label == kind} for kind in (True, False)]
    fewer = min(map(len, kinds))
    limits = separated_interval(low, high, fewer)
    return [None, None] if fewer < FEWEST and limits == (low, high) else list(limits)


def left_out(heads: Sequence[Head]) -> list[str]:
    """The scored heads that are not judged, in a sentence for each reason."""
    found = []
    if sideless := [head.case for head in heads if head.bleeds and not head.has_side]:
        found.append(f"No side of the haemorrhage is labelled in {named(sideless)}: left out of that task.")
    if broken := [head.case for head in heads if head.is_broken and not head.bleeds]:
        found.append(f"A fracture and no haemorrhage: {named(broken)}: left out of haemorrhage.")
    if others := [head.case for head in heads if head.has_other]:
        found.append(f"Another lesion than a haemorrhage or a fracture: {named(others)}: left out of both tasks.")
    unclear = [head.case for head in heads if head.has_side and not head.bleeds]
    if unclear:
        found.append(f"A side is labelled, but no haemorrhage, in {named(unclear)}: taken for no haemorrhage.")
    for region in (*SIDES, "skull"):
        if empty := [head.case for head in heads if head.scores.get(region) is None]:
            found.append(f"No score of the {region.replace('_', ' ')} of {named(empty)}: left out.")
    return found


def without_auroc(evaluation: Mapping[str, Any]) -> list[str]:
    """A sentence for each task that has no AUROC, since one kind of items is missing."""
    found = []
    for task, label in LABELS.items():
        measures = evaluation["tasks"][task]
        if measures["auroc"] is None:
            kind = "anomalous" if not measures["positives"] else "healthy"
            found.append(
                f"There is no AUROC of {task}: no {kind} region has a score. List cases with "
                f'{json.dumps(label)}: {"true" if kind == "anomalous" else "false"} and score them.'
            )
    return found


def named(cases: Sequence[str]) -> str:
    """The number of cases, and the names of the first few."""
    shown = ", ".join(cases[:NAMED]) + (", …" if len(cases) > NAMED else "")
    return f"{len(cases)} case{'s' if len(cases) != 1 else ''} ({shown})"
