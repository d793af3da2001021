"""The tables of `table` as Markdown."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np

from cohort.table import LARGE_BLEEDS, OURS, WHOLE, Columns, Comparison, Item, Row, Thresholds, in_row, precisions, rows
from scripts.cohort import tables
from scripts.cohort.tables import share
from scripts.files.tables import Table

NOTHING = "-"
"""A cell without a number."""

SENSITIVITY = "Sensitivity (specificity on healthy scans) in %, at the threshold of 95 % specificity on other anatomies"
PRECISION = "Average precision of voxels, mean over the lesions, all maps on every second voxel"


def report(
    scored: Sequence[Mapping[str, Any]],
    items: Sequence[Item],
    healthy: Sequence[Item],
    columns: Columns,
    rounds: int,
    about: Sequence[str] = (),
) -> str:
    """The table of AUROC with the lines under it, then sensitivity, the differences row by row, average precision.

    Args:
        scored: the scans of the cohort with their scores.
        items: their items.
        healthy: items of healthy scans that thresholds are taken from.
        columns: of the tables.
        rounds: of the bootstrap.
        about: sentences about where the numbers come from.
    """
    compared = [(row, Comparison(in_row(items, row), list(columns), rounds)) for row in rows()]
    thresholds, others = Thresholds(healthy), [name for name in columns if name not in OURS]
    gaps = [_gap(row, comparison, columns, others) for row, comparison in compared]
    by_name = {row.name: place for place, (row, _) in enumerate(compared)}
    sensitivities = [_found(row, comparison, columns, thresholds) for row, comparison in compared]
    under = [
        _difference(gaps[by_name[WHOLE]]),
        _large_bleeds(sensitivities[by_name[LARGE_BLEEDS]], columns),
        f"Rows without lesions, or without healthy items beside them, hold {NOTHING}.",
        *about,
    ]
    main = _table(columns, [_aurocs(row, comparison, columns) for row, comparison in compared])
    parts = [
        f"AUROC of regions, with 95 % interval:\n\n{main}",
        "\n".join(f"- {line}" for line in under if line),
        f"{SENSITIVITY}:\n\n{_table(columns, sensitivities)}",
        f"Calibrated minus the best of the baselines:\n\n{_table(['difference', 'baseline'], gaps)}",
        f"{PRECISION}:\n\n{_table(columns, [_precisions(row, scored, columns) for row, _ in compared])}",
    ]
    return "\n\n".join(parts) + "\n"


def _table(header: Iterable[str], lines: Iterable[Iterable[str]]) -> str:
    """One table; each line begins with the row's name and its number of lesions."""
    return Table(("lesions", "n", *header), tuple(map(tuple, lines))).markdown().rstrip()


def _begin(row: Row, comparison: Comparison) -> list[str]:
    return [row.name, str(comparison.lesions)]


def _aurocs(row: Row, comparison: Comparison, columns: Columns) -> list[str]:
    if not comparison.complete:
        return [*_begin(row, comparison), *[NOTHING] * len(columns)]
    cells = [f"{share(comparison.auroc(name))} {interval(comparison.auroc_interval(name))}" for name in columns]
    return [*_begin(row, comparison), *cells]


def _gap(row: Row, comparison: Comparison, columns: Columns, others: Sequence[str]) -> list[str]:
    ours = OURS[1]
    if ours not in columns or not others or not comparison.complete:
        return [*_begin(row, comparison), NOTHING, NOTHING]
    best, gap, limits = comparison.difference(ours, others)
    return [*_begin(row, comparison), f"{gap:+.2f} {interval(limits, '+')}", best]


def _difference(gap: Sequence[str]) -> str | None:
    """The line about all lesions."""
    name, _, difference, baseline = gap
    if difference == NOTHING:
        return None
    return (
        f"{OURS[1]} minus the best of the baselines ({baseline}, chosen on the same scans), {name}: {difference}, by "
        "a bootstrap that draws both together."
    )


def _large_bleeds(found: Sequence[str], columns: Columns) -> str | None:
    """The line about large bleeds."""
    name, count, *cells = found
    if cells[0] == NOTHING:
        return None
    words = "; ".join(f"{column} {cell}" for column, cell in zip(columns, cells, strict=True))
    return f"Sensitivity (specificity) in % for the {count} {name}: {words}."


def _found(row: Row, comparison: Comparison, columns: Columns, thresholds: Thresholds) -> list[str]:
    if not comparison.complete:
        return [*_begin(row, comparison), *[NOTHING] * len(columns)]
    cells = []
    for name in columns:
        sensitivity, specificity = comparison.found(name, thresholds)
        cells.append(f"{100 * sensitivity:.0f} ({'?' if specificity is None else f'{100 * specificity:.0f}'})")
    return [*_begin(row, comparison), *cells]


def _precisions(row: Row, scored: Sequence[Mapping[str, Any]], columns: Columns) -> list[str]:
    """Means over the lesions that have voxels in the region, which are the same for each column, and their number."""
    values = [precisions(scored, row, made) for made, _ in columns.values()]
    count = "/".join(str(size) for size in sorted({len(found) for found in values}))
    return [row.name, count, *(share(float(np.mean(found))) if found else NOTHING for found in values)]


def interval(limits: tuple[float, float] | None, sign: str = "") -> str:
    """An interval in brackets."""
    if limits is None:
        return "[?]"
    return f"[{limits[0]:{sign}.2f}, {limits[1]:{sign}.2f}]" if sign else tables.interval(limits)
