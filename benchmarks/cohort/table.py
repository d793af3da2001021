"""Stage 3, last: from scores to one table.

An *item* is one region of a scan with one score a column: a hemisphere, or the skull. Hemispheres, left and right
pooled, are anomalous on the lesion's side, and both are with a lesion in the middle or on both sides. The other side of
a head with a lesion counts as healthy (Bieder et al., MIDL 2022), unless the lesion *reaches* it: more than
`LARGEST_SHARE` of it is lesion or swelling, or the midline has moved into it by more than `LARGEST_SHIFT_MM`; then it
does not count. Skulls are anomalous where they are broken; beside them only healthy scans' skulls count. A *row* holds
the lesions of one kind, size or group, and all healthy scans; harder lesions (`cohort.draw.GROUPS`) only count in the
rows of their groups, so that all other rows compare with those of cohorts without them. Rows over both regions compare
hemispheres with hemispheres and skulls with skulls: their AUROC is the mean of both, weighted by the anomalous items.

Intervals are those of the bootstrap by anatomy (`scripts.statistics.auroc`). The threshold of a score is the one that
95 % of the healthy scans of *other* anatomies don't exceed.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cohort.draw import GROUPS, SIZES, size_of
from scripts.simulation.anatomy.braincase import BOTH, MIDDLE
from scripts.simulation.lesions.planting import BRIGHT, DARK_OR_ISODENSE, FRACTURES, KINDS
from scripts.statistics.auroc import OneKindOnly, auroc, clustered_bootstrap, threshold_at_specificity
from scripts.statistics.standing import separated_interval

SPECIFICITY = 0.95
"""Share of healthy scores that a threshold lets pass."""

LARGE_BLEED_ML = 10.0
"""Bleeds over this volume have a row of their own."""

WHOLE, LARGE_BLEEDS = "all lesions, brain and skull", f"bright bleeds over {LARGE_BLEED_ML:g} ml"
"""Rows that the lines under the table are about."""

LARGEST_SHARE = 0.001
"""Of a healthy side at most this is lesion or swelling: 0.6 ml, a tenth of what a mean of the highest percent takes."""

LARGEST_SHIFT_MM = 5.0
"""Midline shift, away from the lesion, up to which the other side counts as healthy; more is the surgeon's."""

HEMISPHERES = {"left_hemisphere": "left", "right_hemisphere": "right"}

OURS = (
    "ours raw, maximum",
    "ours, all parts",
    "position alone",
    "asymmetry alone",
    "density alone",
    "one-sided density alone",
)
"""Columns of the bundle's own method; the second one is compared with the best of all others."""


@dataclass(frozen=True)
class Item:
    """One region of one scan; `scores` by column."""

    scan: str
    anatomy: str
    region: str
    anomalous: bool
    kind: str | None
    size: str | None
    volume_ml: float | None
    scores: Mapping[str, float]
    group: str | None = None


@dataclass(frozen=True)
class Row:
    """A name, which lesions it holds, and the group of harder ones that it is of."""

    name: str
    holds: Callable[[Item], bool]
    group: str | None = None

    def has(self, item: Item) -> bool:
        """True if the row holds the lesion."""
        return item.group == self.group and self.holds(item)


Columns = Mapping[str, tuple[str, str]]
"""Name of a column -> name of a map's scores, and how they are pooled."""


def rows() -> list[Row]:
    """Groups first, then kinds, then their sizes, then the harder ones."""
    found = [
        Row(WHOLE, lambda item: True),
        Row("all lesions of the brain", lambda item: item.kind not in FRACTURES),
        Row("bright bleeds", lambda item: item.kind in BRIGHT),
        Row(LARGE_BLEEDS, lambda item: item.kind in BRIGHT and (item.volume_ml or 0) > LARGE_BLEED_ML),
        Row("iso- or hypodense", lambda item: item.kind in DARK_OR_ISODENSE),
        Row("all fractures", lambda item: item.kind in FRACTURES),
    ]
    for kind in KINDS:
        words = kind.replace("_", " ")
        found.append(Row(words, lambda item, kind=kind: item.kind == kind))
        if kind not in FRACTURES:
            found += [Row(f"{words}, {size}", lambda i, k=kind, s=size: i.kind == k and i.size == s) for size in SIZES]
    return found + [Row(f"harder: {group}", lambda item: True, group) for group in GROUPS]


def items_of(scored: Iterable[Mapping[str, Any]], columns: Columns) -> list[Item]:
    """Items of the scans of a cohort.

    Args:
        scored: for each scan its name, its truth, and `scores` by map, as `score` gives them.
        columns: what to read. A region that lacks the score of a column (the field of view cuts it) is left out.
    """
    items = []
    for scan in scored:
        truth = scan["truth"]
        kind, volume = truth["lesion"], truth.get("volume_ml")
        for region, anomalous in _regions(kind, truth.get("side")):
            if not anomalous and reached(scan, region):
                continue
            values = {name: _value(scan["scores"], made, region, pooling) for name, (made, pooling) in columns.items()}
            if all(value is not None for value in values.values()):
                where = "skull" if region == "skull" else "hemisphere"
                size = size_of(kind, volume)
                items.append(
                    Item(
                        scan["name"],
                        truth["anatomy"],
                        where,
                        anomalous,
                        kind,
                        size,
                        volume,
                        values,  # type: ignore[arg-type]
                        truth.get("group"),
                    )
                )
    return items


def reached(scan: Mapping[str, Any], region: str) -> bool:
    """True if a lesion reaches a hemisphere that is not its own, by itself or by midline shift."""
    share = scan.get("lesion_shares", {}).get(region, 0.0)
    if scan["truth"]["lesion"] is None or scan["truth"]["lesion"] in FRACTURES:
        return False
    return share > LARGEST_SHARE or (scan["truth"].get("midline_shift_mm") or 0.0) > LARGEST_SHIFT_MM


def _regions(kind: str | None, side: str | None) -> Iterator[tuple[str, bool]]:
    """The regions of a scan that count, and whether they are anomalous."""
    if kind not in FRACTURES:
        yield from ((region, kind is not None and side in (word, BOTH, MIDDLE)) for region, word in HEMISPHERES.items())
    if kind is None or kind in FRACTURES:
        yield "skull", kind is not None


def _value(scores: Mapping[str, Any], made: str, region: str, pooling: str) -> float | None:
    value = scores.get(made, {}).get("regions", {}).get(region, {}).get(pooling)
    return None if value is None else float(value)


def in_row(items: Iterable[Item], row: Row) -> list[Item]:
    """Items of a row: its lesions, and healthy scans' items of the regions in which it has lesions."""
    items = list(items)
    lesions = [item for item in items if item.kind is not None and row.has(item)]
    where = {item.region for item in lesions}
    return lesions + [item for item in items if item.kind is None and item.region in where]


def pooled_auroc(scores: NDArray[np.float64], anomalous: NDArray[np.bool_], skull: NDArray[np.bool_]) -> float:
    """AUROC of items (n,), hemispheres and skulls apart, weighted by their anomalous items.

    Raises:
        OneKindOnly: a region with anomalous items has no healthy one, or there is no anomalous item.
    """
    total, weight = 0.0, 0
    for part in (skull, ~skull):
        count = int(anomalous[part].sum())
        if count:
            total += count * auroc(scores[part], anomalous[part])
            weight += count
    if not weight:
        raise OneKindOnly("no item is anomalous")
    return total / weight


class Comparison:
    """The items of one row as arrays, and the measures of them."""

    def __init__(self, items: Sequence[Item], columns: Sequence[str], rounds: int, seed: int = 0) -> None:
        self.items, self.rounds, self.seed = list(items), rounds, seed
        self.anomalous = np.array([item.anomalous for item in items], bool)
        self.skull = np.array([item.region == "skull" for item in items], bool)
        self.scores = {name: np.array([item.scores[name] for item in items]) for name in columns}
        self.lesions = len({item.scan for item in items if item.anomalous})

    @property
    def complete(self) -> bool:
        """True if there are anomalous items, and healthy ones of each region that they are in."""
        parts = [self.anomalous[self.skull], self.anomalous[~self.skull]]
        return bool(self.lesions) and not any(part.size and part.all() for part in parts)

    def auroc(self, name: str, chosen: NDArray[np.intp] | slice = slice(None)) -> float:
        """AUROC of a column, of some of the items."""
        return pooled_auroc(self.scores[name][chosen], self.anomalous[chosen], self.skull[chosen])

    def interval(self, statistic: Callable[[NDArray[np.intp]], float]) -> tuple[float, float] | None:
        """The statistic's 95 % interval; None where there are too few items."""
        clusters, units = ([getattr(item, name) for item in self.items] for name in ("anatomy", "scan"))
        try:
            return clustered_bootstrap(statistic, clusters, self.seed, self.rounds, units)
        except ValueError:
            return None

    def auroc_interval(self, name: str) -> tuple[float, float] | None:
        """The 95 % interval of the AUROC of a column."""
        found = self.interval(lambda chosen: self.auroc(name, chosen))
        scans = [{item.scan for item in self.items if item.anomalous == kind} for kind in (True, False)]
        return found and separated_interval(*found, min(map(len, scans)))

    def difference(self, ours: str, others: Sequence[str]) -> tuple[str, float, tuple[float, float] | None]:
        """The best of the others, by how much ours exceeds its AUROC, and the 95 % interval of that."""
        best = max(others, key=self.auroc)
        gap = self.auroc(ours) - self.auroc(best)
        return best, gap, self.interval(lambda chosen: self.auroc(ours, chosen) - self.auroc(best, chosen))

    def found(self, name: str, thresholds: Thresholds) -> tuple[float, float | None]:
        """Sensitivity, and the specificity on healthy scans, at the thresholds of other anatomies.

        Raises:
            OneKindOnly: no item is anomalous.
        """
        above = np.array([item.scores[name] > thresholds.of(item, name) for item in self.items])
        healthy = np.array([item.kind is None for item in self.items])
        if not self.anomalous.any():
            raise OneKindOnly("no item is anomalous")
        specificity = float((~above[healthy]).mean()) if healthy.any() else None
        return float(above[self.anomalous].mean()), specificity


class Thresholds:
    """Thresholds of every column and region, from healthy scans of other anatomies than the item's."""

    def __init__(self, items: Iterable[Item]) -> None:
        self.healthy = [item for item in items if item.kind is None]
        self.known: dict[tuple[str, str, str], float] = {}

    def of(self, item: Item, name: str) -> float:
        """The threshold for an item.

        Raises:
            ValueError: there is no healthy scan of another anatomy.
        """
        key = (item.anatomy, item.region, name)
        if key not in self.known:
            others = [h for h in self.healthy if h.anatomy != item.anatomy and h.region == item.region]
            self.known[key] = threshold_at_specificity([h.scores[name] for h in others], SPECIFICITY)
        return self.known[key]


def precisions(scored: Iterable[Mapping[str, Any]], row: Row, made: str) -> list[float]:
    """Voxel-level average precision of a map for each lesion of a row."""
    values = []
    for scan in scored:
        truth = scan["truth"]
        kind, volume = truth["lesion"], truth.get("volume_ml")
        item = Item(
            scan["name"], truth["anatomy"], "", True, kind, size_of(kind, volume), volume, {}, truth.get("group")
        )
        value = scan["scores"].get(made, {}).get("average_precision")
        if kind is not None and row.has(item) and value is not None:
            values.append(float(value))
    return values
