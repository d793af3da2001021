"""The words of page and sheet: a result in words and rows of text, the same in both.

A *row* is a mapping of texts for one score or one detection.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ...findings import FLAG
from ...preprocessing.regions import WHOLE_COVERAGE
from ..flags import flags_in_words
from ..header import TITLE, UNCONFIRMED
from ..marks import in_words
from ..record import RESULT_NAME, ResultIncomplete

CAUTION = "Research use only. Not a medical device: not for diagnosis or treatment."
"""The first sentence of every report."""

REQUIRED = ("summary", "scores", "score_details", "compared_with", "detections", "findings", "quality", "settings")
"""The parts that a report needs of `result.json`; those of earlier versions lack some of it."""


@dataclass(frozen=True)
class Content:
    """A report in words.

    Attributes:
        title: the heading.
        caution: what it may not be used for.
        summary: the result in a few sentences.
        pose: a sentence if the pose is not confirmed; "" if it is.
        scores, detections: rows.
        flags, notes: sentences about the input, and about what it is compared with.
        made: pairs of a name and a text on how the result was made.
    """

    title: str
    caution: str
    summary: str
    pose: str
    scores: Sequence[Mapping[str, Any]]
    detections: Sequence[Mapping[str, Any]]
    flags: Sequence[str]
    notes: Sequence[str]
    made: Sequence[tuple[str, str]]


def content(record: Mapping[str, Any]) -> Content:
    """The words for the content of a `result.json`.

    Raises:
        ResultIncomplete: it is of an earlier version.
    """
    if lacking := [name for name in REQUIRED if name not in record]:
        raise ResultIncomplete(
            f"The {RESULT_NAME} has no {lacking[0]}: it is of an earlier version, of which no report can be made. "
            "Make the results again."
        )
    return Content(
        title=TITLE,
        caution=CAUTION,
        summary=record["summary"],
        pose=UNCONFIRMED if record["quality"].get("verdict") == "unconfirmed" else "",
        scores=[score_row(record, name) for name in record["scores"]],
        detections=[detection_row(record, row) for row in record["detections"]],
        flags=flags_in_words(record["findings"]),
        notes=[found["message"] for found in record["findings"] if found["severity"] != FLAG],
        made=made(record),
    )


def score_row(record: Mapping[str, Any], name: str) -> dict[str, Any]:
    """The row of a region: its score, what it is compared with, and whether it is above the threshold."""
    score, details = record["scores"][name], record["score_details"].get(name, {})
    healthy = record["compared_with"]["healthy"].get(name, {})
    threshold, percentile, share = (details.get(key) for key in ("threshold", "percentile", "coverage"))
    above = score is not None and threshold is not None and score > threshold
    cut = "" if share is None or share >= WHOLE_COVERAGE else f"{100 * share:.0f} % in view"
    against = "no threshold" if threshold is None else f"threshold {threshold:.1f}"
    return {
        "name": name.replace("_", " "),
        "score": "no score" if score is None else number(score, unit(record)),
        "verdict": "not scored" if score is None else against if threshold is None else "above" if above else "below",
        "above": above,
        "threshold": "" if threshold is None else number(threshold, unit(record)),
        "percentile": "" if percentile is None else f"{percentile:.0f}",
        "cut": cut,
        "healthy": f"{len(healthy['scores'])} {healthy['of']}" if healthy.get("scores") else "",
        "value": score,
        "limit": threshold,
        "values": healthy.get("scores") or [],
    }


def detection_row(record: Mapping[str, Any], row: Mapping[str, Any]) -> dict[str, Any]:
    """The row of a detection: what it is, where, how large, and its peak over the threshold."""
    limit = record["compared_with"]["detections"].get(row["region"])
    skull = row["region"] == "skull"
    size = row.get("length_mm") if skull else row.get("extent_mm")
    return {
        "rank": str(row["rank"]),
        "what": str(row["kind"]) if skull else f"{row.get('density') or 'unusual'} place",
        "where": where(row),
        "size": ", ".join(
            [*([f"{row['volume_ml']:.1f} ml"] if row.get("volume_ml") is not None else []), f"{size:.0f} mm long"]
        ),
        "hu": "" if row.get("mean_hu") is None else f"{row['mean_hu']:.0f} HU",
        "slice": "" if row.get("peak_slice") is None else str(row["peak_slice"]),
        "excess": f"{row['peak'] / limit:.1f}" if limit else "",
        "words": in_words(row),
        "bone": skull,
        "at_mm": row["peak_mm"],
    }


def where(row: Mapping[str, Any]) -> str:
    """Name and side of a detection."""
    side = {"both": "both sides", "midline": "midline"}.get(row["side"], row["side"])
    return ", ".join(text for text in (row.get("name") or row["region"], side) if text)


def unit(record: Mapping[str, Any]) -> str:
    """The unit of the scores where it is short, "mm" or "%"."""
    text = str(record["settings"].get("unit", ""))
    return text if len(text) <= 2 else ""


def number(value: float, of: str) -> str:
    """A number with its unit."""
    return f"{value:.1f} {of}".rstrip()


def made(record: Mapping[str, Any]) -> list[tuple[str, str]]:
    """The making of a result, in pairs of a name and a text."""
    versions, settings, grid = record.get("versions", {}), record["settings"], record.get("grid", {})
    calibration = record.get("calibration") or {}
    served = {what: series for what, series in record.get("input", {}).items() if series}
    pairs = [("version", str(versions.get("bundle", ""))), ("pose", str(record["quality"].get("verdict", "")))]
    pairs += [(f"series of the {what}", series_in_words(series)) for what, series in served.items()]
    if grid:
        spacing = " x ".join(f"{size:g}" for size in grid["spacing_mm"])
        pairs.append(("grid", f"{grid['kind']}, {' x '.join(map(str, grid['shape']))} voxels of {spacing} mm"))
    pairs.append(("map", f"{settings.get('map')}, predictions every {settings.get('stride')} mm"))
    if calibration:
        source = calibration.get("source", {}).get("scans", "")
        pairs.append(("healthy scans", f"{calibration.get('scans')}{', simulated' if source == 'simulated' else ''}"))
    return [*pairs, ("weights, sha256", str(record.get("weights_sha256", "")))]


def series_in_words(series: Mapping[str, Any]) -> str:
    """A series in words: its number, slices and their distance."""
    text = f"{series.get('slices')} slices, {series.get('spacing_mm')} mm apart"
    return f"number {series['series']}, {text}" if series.get("series") else text
