"""Evaluations in words: the table of one, and the comparison of two by DeLong's test; both in Markdown.

Two evaluations are compared on the items that both hold. The hemispheres of one head are not independent: DeLong's test
takes heads for that (with Obuchowski's variance, see `roc`), and the bootstrap beside it draws heads, with all their
items.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..files.tables import Cells, Table
from ..statistics.auroc import auroc, clustered_bootstrap
from ..statistics.roc import Difference, delong_test
from .operating import PREVALENCES
from .tasks import FEWEST, IN_USE, LABELS, Measures

PLACES = ("tasks", "subtypes")
"""Entries of an evaluation that hold measures."""


@dataclass(frozen=True)
class Comparison:
    """Comparison of two evaluations in a task: DeLong's test, the bootstrap's interval, and the two evaluations."""

    task: str
    test: Difference
    bootstrap_95: tuple[float, float] | tuple[None, None]
    items: int
    left_out: int


def table(evaluation: Mapping[str, Any]) -> str:
    """The measures of each task and subtype, a row each; then the operating points of the tasks."""
    network = evaluation["network"]
    size = f", patches of {network['patch_size']} mm" if network["patch_size"] else ""
    about = (
        f"{network['kind']} network, width {network['width']}{size}, {network['parameters']} parameters, "
        f"stride {network['stride']}; score {evaluation['score']}"
    )
    shares = next(iter(evaluation["tasks"].values()))["sensitivity_at_specificity"]
    header = ("", "n+", "n-", "AUROC", "95 % bootstrap", "95 % Hanley-McNeil", *(f"sens. at {s}" for s in shares))
    rows = tuple(_row(name, found) for place in PLACES for name, found in evaluation[place].items())
    parts = [about, Table(header, rows).markdown().rstrip(), operating_table(evaluation["tasks"])]
    return "\n\n".join(part for part in parts if part)


def operating_table(tasks: Mapping[str, Measures]) -> str:
    """Sensitivity, specificity and predictive values of each task at its thresholds; "" where there are none."""
    rows = []
    for task, measures in tasks.items():
        for name, point in measures.get("operating_points", {}).items():
            if point:
                where = "threshold in use" if name == IN_USE else f"specificity {name}"
                rates = (with_interval(point, rate) for rate in ("sensitivity", "specificity"))
                values = point["predictive_values"].values()
                cells = (f"{with_interval(one, 'ppv')}, {with_interval(one, 'npv')}" for one in values)
                rows.append((task, where, *rates, *cells))
    header = ("", "at", "sensitivity", "specificity", *(f"PPV, NPV at {100 * p:.0f} %" for p in PREVALENCES))
    return Table(header, tuple(rows)).markdown().rstrip() if rows else ""


def with_interval(point: Mapping[str, Any], name: str) -> str:
    """A number with its interval: .81 [.74, .88]."""
    return f"{share(point[name])} {interval(point[f'{name}_95'])}"


def _row(name: str, measures: Measures) -> Cells:
    intervals = interval(measures["bootstrap_95"]), interval(measures["hanley_mcneil_95"])
    sensitivities = map(share, measures["sensitivity_at_specificity"].values())
    return name, measures["positives"], measures["negatives"], share(measures["auroc"]), *intervals, *sensitivities


def share(value: float | None) -> str:
    """A number from 0 to 1 with two digits, without the zero: .81."""
    if value is None:
        return "-"
    return f"{value:.2f}".replace("0.", ".", 1) if value < 0.995 else "1.00"


def interval(limits: Sequence[float | None]) -> str:
    """An interval, [.74, .88]."""
    return "-" if None in limits else f"[{', '.join(map(share, limits))}]"


def compared(first: Mapping[str, Any], second: Mapping[str, Any]) -> list[Comparison]:
    """The tasks and subtypes compared of which both evaluations hold enough common items.

    Raises:
        ValueError: an item is anomalous in one and healthy in the other, or there is nothing to compare.
    """
    found = []
    for place in PLACES:
        for task, measures in first[place].items():
            if other := second[place].get(task):
                found.append(_compared(task, measures["items"], other["items"]))
    enough = [comparison for comparison in found if comparison]
    if not enough:
        raise ValueError(
            f"the two evaluations have no task in common with {FEWEST} cases that have a healthy region and {FEWEST} "
            "that have an anomalous one"
        )
    return enough


def _compared(task: str, first: Sequence[Mapping[str, Any]], second: Sequence[Mapping[str, Any]]) -> Comparison | None:
    """The comparison of one task; None where too few heads are common."""
    here, there = ({(item["case"], item["region"]): item for item in items} for items in (first, second))
    common = [key for key in here if key in there]
    if differing := [case for case, region in common if here[case, region]["label"] != there[case, region]["label"]]:
        raise ValueError(f"{differing[0]} is labelled differently in the two evaluations")
    labels = np.array([here[key]["label"] for key in common], dtype=bool)
    heads = [case for case, _ in common]
    if any(len({head for head, label in zip(heads, labels, strict=True) if label == kind}) < FEWEST for kind in (0, 1)):
        return None
    scores = [np.array([items[key]["score"] for key in common]) for items in (here, there)]
    test = delong_test(scores[0], scores[1], labels, heads)
    limits = _interval_of_difference(scores, labels, heads)
    return Comparison(task, test, limits, len(common), len(here) + len(there) - 2 * len(common))


def _interval_of_difference(
    scores: Sequence[NDArray[np.float64]], labels: NDArray[np.bool_], cases: Sequence[str]
) -> tuple[float, float] | tuple[None, None]:
    """The 95 % interval of the difference of two AUROCs by drawing cases; None where they are too few."""

    def difference(drawn: Any) -> float:
        return auroc(scores[0][drawn], labels[drawn]) - auroc(scores[1][drawn], labels[drawn])

    try:
        return clustered_bootstrap(difference, cases, units=cases)
    except ValueError:
        return None, None


def comparison_table(comparisons: Sequence[Comparison]) -> str:
    """The comparison of each task and subtype, a row each."""
    header = ("", "items", "AUROC, first", "second", "difference", "95 % bootstrap", "DeLong z", "p")
    rows = []
    for found in comparisons:
        limits = [f"{limit:+.2f}" for limit in found.bootstrap_95 if limit is not None]
        areas = share(found.test.first), share(found.test.second), f"{found.test.difference:+.2f}"
        drawn = f"[{', '.join(limits)}]" if limits else "-"
        rows.append((found.task, found.items, *areas, drawn, f"{found.test.z:.2f}", f"{found.test.p:.3f}"))
    left = sum(found.left_out for found in comparisons if found.task in LABELS)
    notes = (f"Regions that only one of the two has, {left} in all, were left out.",) if left else ()
    return Table(header, tuple(rows), notes).markdown().rstrip()
