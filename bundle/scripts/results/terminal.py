"""Results in a few lines for a terminal: scores against thresholds, what was found, flags and the picture."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from ..findings import FLAG
from ..statistics.alpha import ALPHA
from ..words import counted
from .flags import flags_in_words

OVERVIEW, PAGE = "overview.png", "report.html"

Record = Mapping[str, Any]
"""The content of `result.json`."""


def summary(record: Record, folder: Path) -> list[str]:
    """The lines about results in a folder: scores, detections, flags, picture."""
    lines = [*score_lines(record), record["summary"]]
    flags = flags_in_words(record.get("findings") or [])
    lines += ["flags", *(f"  {text}" for text in flags)] if flags else ["flags: none"]
    if OVERVIEW in (record.get("outputs") or {}):
        lines.append(f"picture: {folder / OVERVIEW}")
    if PAGE in (record.get("outputs") or {}):
        lines.append(f"report: {folder / PAGE}")
    return lines


def more(record: Record) -> list[str]:
    """Lines about how the results were made: pose, series, grid, device and seconds."""
    quality, served, grid = record["quality"], record["input"], record.get("grid")
    numbers = ", ".join(f"{name} {quality[name]:.2f}" for name in ("level", "peak") if quality.get(name) is not None)
    lines = [f"pose: {quality['verdict']}{f' ({numbers})' if numbers else ''}"]
    for what, series in served.items():
        if series and series.get("slices"):
            place = f"series {series['series']}, " if series.get("series") is not None else ""  # a NIfTI has no number
            lines.append(f"{what}: {place}{series['slices']} slices, {series['spacing_mm']} mm apart")
    if grid:
        shape, spacing = (" x ".join(str(n) for n in grid[name]) for name in ("shape", "spacing_mm"))
        lines.append(f"grid: {grid['kind']}, {shape} voxels of {spacing} mm")
    seconds = ", ".join(f"{name} {value:.1f}" for name, value in record["timings_s"].items())
    device = quality.get("inference", {}).get("device")
    return [*lines, f"seconds: {seconds}{f', on {device}' if device else ''}"]


def score_lines(record: Record) -> list[str]:
    """The score of each region, with the threshold of healthy scans where it is known, and its alpha if one was set."""
    unit = record.get("settings", {}).get("unit", "")
    notes = [unit] if len(unit) in (1, 2) else []
    alpha = record.get("settings", {}).get("alpha", ALPHA)
    notes += [f"alpha {alpha:g}"] if alpha != ALPHA else []
    lines = [f"scores ({', '.join(notes)})" if notes else "scores"]
    for region, score in record["scores"].items():
        threshold = threshold_of(record, region)
        shown = "none" if score is None else f"{score:.1f}"
        text = f"  {region.replace('_', ' '):<18}{shown:>6}"
        if score is not None and threshold is not None:
            text += f"   {'ABOVE' if score > threshold else 'below'} the threshold of {threshold:.1f}"
        lines.append(text)
    return lines


def threshold_of(record: Record, region: str) -> float | None:
    """The threshold of a region's score among healthy scans; None where there is none."""
    value: float | None = record.get("score_details", {}).get(region, {}).get("threshold")
    return value


def in_words(detection: Record) -> str:
    """A detection in a phrase: kind, name, side, volume or length, peak."""
    kind, region = str(detection.get("kind", "")), str(detection.get("region", ""))
    words = [kind if region in kind else f"{region} {kind}".strip()]
    words += [str(detection[name]) for name in ("name", "side") if detection.get(name)]
    if (volume := detection.get("volume_ml")) is not None:
        words.append(f"{volume:.0f} ml" if volume >= 1 else f"{volume:.1f} ml")
    if (length := detection.get("length_mm")) is not None:
        words.append(f"{length:.0f} mm")
    if (peak := detection.get("peak")) is not None:
        words.append(f"peak {peak:.1f}")
    return ", ".join(words)


def flag_codes(record: Record) -> list[str]:
    """The codes of the flags."""
    return [found["code"] for found in record.get("findings") or [] if found["severity"] == FLAG]


DONE, REFUSED, FAILED = "done", "refused", "failed"
"""Outcomes of a scan."""

SCORES = ("left_hemisphere", "right_hemisphere", "skull")

HEAD = ("scan", "", "left", "right", "skull", "detections", "flags")


def closing_table(outcomes: Sequence[tuple[str, str, Record | None]]) -> list[str]:
    """Lines of a table of scans, each (name, outcome, record or None); a star marks scores above threshold."""
    rows = [HEAD, *(_row(*one) for one in outcomes)]
    widths = [max(len(row[column]) for row in rows) for column in range(len(HEAD))]
    lines = ["  ".join(f"{cell:<{width}}" for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows]
    counts = {kind: sum(one[1] == kind for one in outcomes) for kind in (DONE, REFUSED, FAILED)}
    said = ", ".join(f"{number} {kind}" for kind, number in counts.items() if number)
    note = ["* above the threshold of healthy scans"] if any("*" in cell for row in rows for cell in row[2:5]) else []
    return [*lines, *note, f"{counted(len(outcomes), 'scan')}: {said}"]


def _row(name: str, kind: str, record: Record | None) -> tuple[str, ...]:
    if record is None:
        return (name, kind, *[""] * 5)
    cells = []
    for region in SCORES:
        score, threshold = record["scores"].get(region), threshold_of(record, region)
        mark = "*" if score is not None and threshold is not None and score > threshold else ""
        cells.append("none" if score is None else f"{score:.1f}{mark}")
    flags = flag_codes(record)
    return (name, kind, *cells, str(len(record.get("detections") or [])), " ".join(flags))
