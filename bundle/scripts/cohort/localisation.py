"""Measures how well the heatmaps of a cohort show where lesions are: by voxels (see `voxels`) and by lesions (FROC).

Cases count whose lesions are known: those with a mask, and those whose labels are all false. One case is read at a
time.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from ..datasets.datalist import Case
from ..files.tables import Table
from ..preprocessing.regions import REGIONS
from ..results.record import read_result
from .lesions import FIELDS, CaseField, case_field, case_maps, thresholds_in_use
from .metrics import FALSE_A_SCAN, froc_by_size, told_apart
from .tables import share
from .tasks import NAMED, named
from .voxels import VoxelCounts, mean


class Gathered:
    """The cases of a cohort in a field."""

    def __init__(self) -> None:
        self.counts, self.scans, self.with_lesion = VoxelCounts(), 0, 0
        self.precisions: list[float | None] = []
        self.dice: list[float | None] = []
        self.false: list[Any] = []
        self.true: list[Any] = []
        self.volumes_ml: list[Any] = []
        self.with_peaks = True

    def add(self, found: CaseField) -> None:
        """Add a case."""
        counts = VoxelCounts.of(found.levels, found.lesion, found.threshold)
        self.counts.add(counts)
        self.scans += 1
        if len(found.volumes_ml):
            self.with_lesion += 1
            self.precisions.append(counts.average_precision())
            self.dice.append(counts.dice_in_use())
        self.volumes_ml.append(found.volumes_ml)
        if found.peaks is None:
            self.with_peaks = False
            return
        false, true = told_apart(found.peaks, found.of_lesion, len(found.volumes_ml))
        self.false.append(false)
        self.true.append(true)

    def measures(self) -> dict[str, Any]:
        """The measures, JSON values; null where there is nothing to measure."""
        counts, best = self.counts, self.counts.best_dice()
        froc = None
        if self.with_peaks and self.scans:
            joined = [np.concatenate(parts) for parts in (self.false, self.true, self.volumes_ml)]
            froc = froc_by_size(joined[0], joined[1], joined[2], self.scans)
        return {
            "scans": self.scans,
            "with_lesion": self.with_lesion,
            "lesion_share": float(counts.inside.sum() / max(1.0, counts.inside.sum() + counts.outside.sum())),
            "average_precision": counts.average_precision(),
            "average_precision_a_scan": mean(self.precisions),
            "auroc": counts.auroc(),
            "aupro_30": counts.aupro(),
            "dice_best": None if best is None else {"dice": best[0], "threshold": best[1]},
            "dice_in_use": counts.dice_in_use(),
            "dice_in_use_a_scan": mean(self.dice),
            "froc": froc,
        }


def localised(cases: Sequence[Case], folders: Mapping[str, Path]) -> tuple[dict[str, Any], list[str]]:
    """The measures of each field, and sentences about the cases that are left out.

    `folders` are those of the results of the cases that are done, by name.
    """
    fields = {name: Gathered() for name in FIELDS}
    unknown: list[str] = []
    unread: dict[str, str] = {}
    for case in cases:
        if case.name not in folders:
            continue
        if case.mask is None and (not case.labels or any(case.labels.values())):
            unknown.append(case.name)
            continue
        try:
            record = read_result(folders[case.name])
            maps = case_maps(folders[case.name], case.mask)
        except (OSError, ValueError) as error:  # ResultIncomplete is one
            unread[case.name] = str(error).rstrip(".")
            continue
        limits = thresholds_in_use(record)
        scored = np.array([REGIONS[name] for name, value in record["scores"].items() if value is not None], np.uint8)
        for name, labels in FIELDS.items():
            if np.isin(labels, scored).any():
                fields[name].add(case_field(maps, labels, limits[name], scored))
    notes = [f"No lesion mask of {named(unknown)}: left out of the measures by voxel and lesion."] if unknown else []
    if unread:
        reasons = [f"{name}: {why}." for name, why in list(unread.items())[:NAMED]]
        words = (
            f"Maps or mask of {named(list(unread))} can't be measured: left out of the measures by voxel and lesion."
        )
        notes.append(" ".join([words, *reasons]))
    return {name: found.measures() for name, found in fields.items()}, notes


def localisation_table(found: Mapping[str, Any]) -> str:
    """The measures of each field with a lesion in it, and the FROC by size, in Markdown; "" without a lesion."""
    header = ("", "scans", "with lesion", "voxel AP", "AP a scan", "AUROC", "AUPRO", "best Dice", "Dice in use")
    rows, lines = [], []
    for name, m in found.items():
        if not m["with_lesion"]:
            continue
        best = m["dice_best"] and m["dice_best"]["dice"]
        areas = (m["average_precision"], m["average_precision_a_scan"], m["auroc"], m["aupro_30"], best)
        rows.append((name, m["scans"], m["with_lesion"], *map(share, areas), share(m["dice_in_use"])))
        for size, curve in (m["froc"] or {}).items():
            if size != "false_a_scan" and curve["lesions"]:
                lines.append(
                    (f"{name}, {size}", curve["lesions"], *map(share, curve["sensitivity"]), share(curve["mean"]))
                )
    if not rows:
        return ""
    parts = [Table(header, tuple(rows)).markdown().rstrip()]
    if lines:
        head = ("lesions found", "lesions", *(f"at {rate:g} false a scan" for rate in FALSE_A_SCAN), "mean")
        parts.append(Table(head, tuple(lines)).markdown().rstrip())
    return "\n\n".join(parts)
