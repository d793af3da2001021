"""Captions of the tables: the networks, scans and items that the numbers come from."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from cohort.features import METHODS
from cohort.register import facts_of
from cohort.table import HEMISPHERES, LARGEST_SHARE, LARGEST_SHIFT_MM, SPECIFICITY, Columns, Item, reached

FEW_ANATOMIES = 10
"""With fewer anatomies than this an interval is called rough."""


def caption(
    cohort: Path,
    calibration: Path | None,
    scored: Sequence[Mapping[str, Any]],
    items: Sequence[Item],
    healthy: Sequence[Item],
    columns: Columns,
    details: Mapping[str, Mapping[str, Any]],
) -> list[str]:
    """Sentences about a table.

    Args:
        cohort: folder of the scans, registered.
        calibration: folder of the healthy scans for the normative; None: those of the cohort itself.
        scored: the cohort's scans with their scores.
        items: their items.
        healthy: items of the healthy scans that thresholds are taken from.
        columns: of the table.
        details: of each method, as `Settings.details` says them, and its `note`.
    """
    return [
        f"Networks: {'; '.join(f'{method} {_network(found)}' for method, found in details.items())}.",
        f"Not measured: {', '.join(method for method in METHODS if method not in details) or 'no method'}.",
        f"Columns: {'; '.join(f'{name}: the map {made}, by {pooling}' for name, (made, pooling) in columns.items())}.",
        *_scans(cohort),
        _items(scored, items),
        _normal(calibration, healthy),
        _intervals(items),
    ]


def _network(found: Mapping[str, Any]) -> str:
    """A method's network in words."""
    words = [f"width {found['width']}"] if found.get("width") else ["no network"]
    if found.get("iterations"):
        words.append(f"{found['iterations']} iterations")
    elif found.get("width") and not found.get("note"):
        words.append("iterations unknown")
    words += [f"patches of {found['patch_size']} voxels"] if found.get("patch_size") else []
    words += [f"stride {found['stride']}", *([found["note"]] if found.get("note") else [])]
    return ", ".join(words)


def _scans(cohort: Path) -> Iterator[str]:
    """Sentences on the number of scans, and on those that the pipeline refused or flagged for review."""
    facts = [facts_of(path) for path in sorted((cohort / "registered").glob("*.zip"))]
    refused = [fact["name"] for fact in facts if fact["refused"]]
    review = [fact["name"] for fact in facts if fact.get("registration", {}).get("verdict") == "review"]
    yield f"Scans: {len(facts)}. Refused by the pipeline, and in no number: {_named(refused)}."
    yield f"Registered for review, and counted: {_named(review)}."


def _items(scored: Iterable[Mapping[str, Any]], items: Iterable[Item]) -> str:
    """The number of healthy items of each region."""
    counts = {"of healthy scans": 0, "beside a lesion": 0, "skulls": 0}
    for item in items:
        if item.kind is None:
            counts["skulls" if item.region == "skull" else "of healthy scans"] += 1
        elif not item.anomalous:
            counts["beside a lesion"] += 1
    left_out = sum(
        scan["truth"].get("side") in ("left", "right") and scan["truth"]["side"] != side and reached(scan, region)
        for scan in scored
        for region, side in HEMISPHERES.items()
    )
    return (
        f"Healthy items: {counts['of healthy scans']} hemispheres of healthy scans, {counts['beside a lesion']} "
        f"hemispheres beside a lesion of the other side ({left_out} more left out, because over "
        f"{100 * LARGEST_SHARE:g} % of it is lesion or swelling, or the midline moved by over {LARGEST_SHIFT_MM:g} "
        f"mm), {counts['skulls']} skulls."
    )


def _normal(calibration: Path | None, healthy: Iterable[Item]) -> str:
    """The origin of the normative and of the thresholds."""
    found = [item for item in healthy if item.kind is None]
    scans, anatomies = {item.scan for item in found}, {item.anatomy for item in found}
    where = "this cohort, always of other anatomies" if calibration is None else f"the cohort {calibration.name}"
    return (
        f"What is normal, and the thresholds of {100 * SPECIFICITY:g} % specificity: from {len(scans)} healthy scans "
        f"of {len(anatomies)} anatomies of {where}."
    )


def _intervals(items: Iterable[Item]) -> str:
    """The reliability of the intervals."""
    names = sorted({item.anatomy for item in items})
    rough = "; of so few anatomies they are rough" if len(names) < FEW_ANATOMIES else ""
    return f"Anatomies: {_named(names)}. Intervals: 95 %, bootstrap of anatomies and of the scans in them{rough}."


def _named(names: Sequence[str]) -> str:
    return f"{len(names)} ({', '.join(names)})" if names else "none"
