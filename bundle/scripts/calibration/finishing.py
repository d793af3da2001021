"""From what each healthy scan gave to the files of a calibration: the last step of `calibrate`, and of its shards."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from ..anomaly.files import NORMATIVE_NAME, THRESHOLDS_NAME
from ..anomaly.scores import LISTS, Thresholds, score_name
from ..assets import config_values, metadata, place
from ..errors import WrongUsage
from ..skull.files import read_calibration
from .files import load_scan, load_skull, write_calibration
from .folds import FEWEST_SCANS, RECOMMENDED_SCANS, HealthyScan, Sums, folds_of, held_out
from .runner import Job
from .skulls import HealthySkull, calibrate_skulls, counts_of, limits_in_words


def calibrated(output: Path, jobs: Sequence[Job], failed: int, facts: dict[str, Any]) -> list[str]:
    """Write the calibration of scans that were measured; lines that say what it holds.

    Args:
        output: folder of the files.
        jobs: the scans that did not fail, in the order of the whole list.
        failed: how many did.
        facts: what they were made with, for `thresholds.json`: settings, `smoothing_mm` and the rest.

    Raises:
        WrongUsage: they are too few, or of one person only.
    """
    scans, groups, counts = kept(jobs)
    skulls = kept_skulls(jobs)
    enough(len(scans), "Of the scans that could be measured there are")
    counts |= {"failed": failed} if failed else {}
    return finish(output, scans, groups, {**counts, **facts}, skulls)


def enough(count: int, words: str) -> None:
    """See that there are enough scans.

    Raises:
        WrongUsage: there are not.
    """
    if count < FEWEST_SCANS:
        raise WrongUsage(f"{words} {count}. Give at least {FEWEST_SCANS} healthy scans, better {RECOMMENDED_SCANS}.")


def differing(groups: Sequence[str]) -> None:
    """See that scans come from more than one person.

    Raises:
        WrongUsage: they don't.
    """
    if len(set(groups)) < 2:
        raise WrongUsage(f"All scans come from {groups[0]}. Take scans of different people.")


def kept(jobs: Sequence[Job]) -> tuple[list[HealthyScan], list[str], dict[str, Any]]:
    """The scans that were not refused, their groups, and how many of each kind there were."""
    scans, groups, verdicts = [], [], []
    jobs = [job for job in jobs if not job.skull_only]
    for job in jobs:
        scan, notes = load_scan(job.path)
        if scan is None:
            print(f"left out: {job.source.name}: {notes['refused']}", file=sys.stderr)
            continue
        scans.append(scan)
        groups.append(str(notes["group"]))
        verdicts.append(notes["verdict"])
    counts = {"scans": len(scans), "refused": len(jobs) - len(scans), "reviewed": verdicts.count("review")}
    return scans, groups, counts


def kept_skulls(jobs: Sequence[Job]) -> tuple[list[HealthySkull], list[str]]:
    """The skulls that could be judged, and their groups."""
    found = [(load_skull(job.path), job.source.group) for job in jobs]
    skulls = [(skull, group) for skull, group in found if skull is not None]
    return [skull for skull, _ in skulls], [group for _, group in skulls]


def finish(
    output: Path,
    scans: Sequence[HealthyScan],
    groups: Sequence[str],
    facts: dict[str, Any],
    skulls: tuple[Sequence[HealthySkull], Sequence[str]],
) -> list[str]:
    """Write the files; lines that say what they hold."""
    differing(groups)
    settings = {**facts.pop("settings"), "smoothing_mm": facts.pop("smoothing_mm")}
    judged = held_out(scans, groups, settings["smoothing_mm"])
    settings |= {"scales": judged.scales, "typical": judged.typical}
    skull = calibrate_skulls(*skulls, read_calibration(place("models/skull_normative.npz")).usual_mm)
    facts |= {"skulls": counts_of(skull, skulls[1])}
    more = {"folds": len(folds_of(groups)), "groups": len(set(groups)), "mirror_images": True, "settings": settings}
    thresholds = Thresholds.of(judged.details, {**facts, **more, "bundle_version": metadata()["version"]})
    normal = Sums(scans).finish()
    write_calibration(output, normal, thresholds, skull)
    known = int(normal.normative.known.sum())
    lines = [f"{output / NORMATIVE_NAME}: {known} places known, from {len(scans)} scans"]
    pooling = config_values("inference.json")["score"]
    for kind in ("calibrated", "error", *judged.scales):
        name = score_name(kind, pooling)
        limits = {region: thresholds.threshold(region, name) for region in ("left_hemisphere", "skull")}
        shown = ", ".join(f"{LISTS[r]} {'too few scans' if t is None else f'{t:.2f}'}" for r, t in limits.items())
        lines.append(f"95 % of the healthy {name} do not exceed: {shown}")
    return [*lines, *limits_in_words(skull), f"{output / THRESHOLDS_NAME}"]
