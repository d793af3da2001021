"""The tables of `table` as Markdown."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np

from cohort.table import OURS, Columns, Comparison, Item, Row, Thresholds, in_row, precisions, rows


def report(
    scored: Sequence[Mapping[str, Any]], items: Sequence[Item], healthy: Sequence[Item], columns: Columns, rounds: int
) -> str:
    """All tables: AUROC, the difference to the best other one, sensitivity, average precision.

    Args:
        scored: the scans of the cohort with their scores.
        items: their items.
        healthy: items of healthy scans that thresholds are taken from.
        columns: of the tables.
        rounds: of the bootstrap.
    """
    compared = [(row, Comparison(in_row(items, row), list(columns), rounds)) for row in rows()]
    kept = [(row, comparison) for row, comparison in compared if comparison.complete]
    thresholds = Thresholds(healthy)
    parts = [
        ("AUROC, with 95 % interval", _table(columns, (_aurocs(r, c, columns) for r, c in kept))),
        ("Calibrated minus the best of the baselines", _table(["difference", "baseline"], _gaps(kept, columns))),
        (
            "Sensitivity (specificity on healthy scans) in %, at the threshold of 95 % specificity on other anatomies",
            _table(columns, (_found(r, c, columns, thresholds) for r, c in kept)),
        ),
        ("Average precision of voxels, mean", _table(columns, (_precisions(r, c, scored, columns) for r, c in kept))),
    ]
    return "\n\n".join(f"{title}:\n\n{table}" for title, table in parts) + "\n"


def _table(header: Iterable[str], lines: Iterable[list[str]]) -> str:
    """One table; each line begins with the row's name and its number of lesions."""
    names = ["lesions", "n", *header]
    made = [names, ["---"] * len(names), *lines]
    return "\n".join(f"| {' | '.join(line)} |" for line in made)


def _begin(row: Row, comparison: Comparison) -> list[str]:
    return [row.name, str(comparison.lesions)]


def _aurocs(row: Row, comparison: Comparison, columns: Columns) -> list[str]:
    cells = [f"{number(comparison.auroc(name))} {interval(comparison.auroc_interval(name))}" for name in columns]
    return [*_begin(row, comparison), *cells]


def _gaps(kept: Iterable[tuple[Row, Comparison]], columns: Columns) -> Iterable[list[str]]:
    others = [name for name in columns if name not in OURS]
    ours = OURS[-1]
    if ours not in columns or not others:
        return
    for row, comparison in kept:
        best, gap, limits = comparison.difference(ours, others)
        yield [*_begin(row, comparison), f"{gap:+.2f} {interval(limits, '+')}", best]


def _found(row: Row, comparison: Comparison, columns: Columns, thresholds: Thresholds) -> list[str]:
    cells = []
    for name in columns:
        sensitivity, specificity = comparison.found(name, thresholds)
        cells.append(f"{100 * sensitivity:.0f} ({'?' if specificity is None else f'{100 * specificity:.0f}'})")
    return [*_begin(row, comparison), *cells]


def _precisions(row: Row, comparison: Comparison, scored: Sequence[Mapping[str, Any]], columns: Columns) -> list[str]:
    means = [precisions(scored, row, made) for made, _ in columns.values()]
    return [*_begin(row, comparison), *(number(float(np.mean(values))) if values else "?" for values in means)]


def number(value: float) -> str:
    """Two digits, without the zero before the point, as AUROCs are written."""
    return f"{value:.2f}".removeprefix("0") if value >= 0 else f"{value:.2f}"


def interval(limits: tuple[float, float] | None, sign: str = "") -> str:
    """An interval in brackets."""
    if limits is None:
        return "[?]"
    return f"[{limits[0]:{sign}.2f}, {limits[1]:{sign}.2f}]" if sign else f"[{number(limits[0])}, {number(limits[1])}]"
