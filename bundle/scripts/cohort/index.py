"""`index.html` of a cohort: one page over all cases, with their scores, pictures, flags and reasons, and charts.

The page needs no server and no network: styles and script stand in it, pictures are files of the cohort's folder, and
its links are relative. The case that is furthest above its threshold comes first; a click on a column's head sorts by
it. The *excess* of a case is the largest of its scores divided by their thresholds, *q* its q value (see `worklist`).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from ..errors import as_ours
from ..files.atomic import write_output
from ..files.templates import rendered
from ..findings import KINDS
from ..preprocessing.regions import REGIONS
from ..results.terminal import OVERVIEW
from ..results.thumbnail import thumbnail
from ..words import counted
from .charts import histogram, roc
from .folder import CASES, INDEX_NAME, THUMBNAILS, CohortFolder
from .table import DONE, STATUSES, TABLE_NAME, Row, read_short

TEMPLATE = Path(__file__).with_name("page") / "index.html"

HEADS = (
    *("case", "status", "excess", "q", *REGIONS),
    *("verdict", "flags", "detections", "first of them, or the reason"),
)
"""Columns of the table after that of the thumbnails."""

LARGEST_FIRST = {"excess", *REGIONS, "detections"}
"""Columns whose largest values a reader wants first."""


NOTE = (
    "Of the cases with a q of at most 0.2, an expected share of at most 0.2 is healthy, if the calibration's healthy "
    "scans are such as these. A score above its threshold does not mean disease, and one below does not exclude it."
)
"""The limits of the numbers."""

MOST = 5000
"""Cases on the page: of a larger cohort those that are furthest above their thresholds."""


def write_index(folder: CohortFolder, evaluation: Mapping[str, Any] | None = None) -> None:
    """Write `index.html` over the rows of a folder's `scores.csv`, and thumbnails that are missing or out of date.

    `evaluation` is the content of `evaluation.json` where labels are known.

    Raises:
        WrongUsage: the table can't be read.
        OutputFailed: the page can't be written.
    """
    rows = read_short(folder.root / TABLE_NAME)
    for row in sorted(rows, key=_order)[:MOST]:
        if row.found.picture:
            _keep_thumbnail(folder.root, row.case)
    facts = {name: value for name, value in folder.facts().items() if name != "cases"}
    folder.write(INDEX_NAME, page(rows, facts, evaluation))


def _keep_thumbnail(root: Path, case: str) -> None:
    """Write the thumbnail of a case, unless it is there and younger than its picture."""
    picture, kept = root / CASES / case / OVERVIEW, root / THUMBNAILS / f"{case}.jpg"
    if not picture.is_file():  # it was moved away: what is there of it stays
        return
    try:
        if not kept.is_file() or kept.stat().st_mtime < picture.stat().st_mtime:
            write_output(kept, thumbnail(picture.read_bytes()))
    except ValueError:  # a damaged picture has no thumbnail
        return
    except OSError as error:
        raise as_ours(error, kept) from error


def page(rows: Sequence[Row], facts: Mapping[str, Any], evaluation: Mapping[str, Any] | None = None) -> str:
    """The page over rows of a cohort; `facts` are those of `cohort.json`, `evaluation` those of `evaluation.json`."""
    counts = Counter(row.status for row in rows)
    statuses = [status for status in STATUSES if counts[status]]
    return rendered(
        TEMPLATE,
        number=counted(len(rows), "case"),
        counts=", ".join(f"{counts[status]} {status}" for status in statuses),
        above=sum(bool((excess(row) or 0) > 1) for row in rows),
        settings=settings_in_words(facts),
        charts=charts(rows, evaluation),
        statuses=statuses,
        heads=HEADS,
        largest_first=LARGEST_FIRST,
        rows=[_line(row) for row in sorted(rows, key=_order)[:MOST]],
        table=TABLE_NAME,
        note=NOTE,
        left_out=len(rows) if len(rows) > MOST else 0,
    )


def excess(row: Row) -> float | None:
    """The largest of a row's scores, each divided by its threshold; None where nothing was compared."""
    pairs = [(row.score(region), row.score(region, "threshold")) for region in REGIONS]
    return max((score / limit for score, limit in pairs if score is not None and limit), default=None)


def _order(row: Row) -> tuple[int, float]:
    """Done cases first, the largest excess first."""
    return STATUSES.index(row.status), -(excess(row) or 0.0)


def settings_in_words(facts: Mapping[str, Any]) -> str:
    """The network, its weights, the score and the settings of a run, in a line."""
    network, settings = facts.get("network", {}), facts.get("settings", {})
    known = {
        "network": network.get("mode"),
        "weights": str(network.get("weights_sha256") or "")[:12],
        "stride": network.get("stride"),
        "score": facts.get("score"),
        "map": settings.get("map"),
        "alpha": settings.get("alpha"),
        "calibration": str(settings.get("calibration_sha256") or "")[:12],
        "version": settings.get("bundle_version"),
    }
    return ", ".join(f"{name} {value}" for name, value in known.items() if value)


def charts(rows: Sequence[Row], evaluation: Mapping[str, Any] | None) -> list[tuple[str, str]]:
    """Title and SVG of each chart: the distribution of each region's scores, and ROC curves where labels are known."""
    drawn = []
    for region in REGIONS:
        pairs = [(row.score(region), row.score(region, "threshold")) for row in rows]
        scores = [score for score, _ in pairs if score is not None]
        limits = sorted({float(limit) for score, limit in pairs if score is not None and limit})
        name = region.replace("_", " ")
        beside = f", threshold {' or '.join(f'{limit:.1f}' for limit in limits)}" if limits else ""
        drawn.append((f"{name}{beside}", histogram(scores, limits, f"distribution of the scores of the {name}")))
    if evaluation and (curves := _curves(evaluation)):
        drawn.append((f"by the labels, {evaluation['score']}", roc(curves)))
    return drawn


def _curves(evaluation: Mapping[str, Any]) -> dict[str, tuple[list[float], list[float]]]:
    """Sensitivity and specificity of each task that has an AUROC, by its name, AUROC and interval."""
    curves = {}
    for task, found in evaluation["tasks"].items():
        if found["auroc"] is None:
            continue
        low, high = found["bootstrap_95"]
        interval = "" if low is None else f" [{low:.2f}, {high:.2f}]"
        curves[f"{task} {found['auroc']:.2f}{interval}"] = (found["roc"]["sensitivity"], found["roc"]["specificity"])
    return curves


def _line(row: Row) -> dict[str, Any]:
    """The contents of a row of the table, by name."""
    found, times = row.found, excess(row)
    above, target = times is not None and times > 1, found.report or found.picture
    return {
        "case": row.case,
        "status": row.status,
        "above": int(above),
        "link": f"{CASES}/{row.case}/{target}" if target else "",
        "picture": f"{THUMBNAILS}/{row.case}.jpg" if found.picture else "",
        "numbers": [_number(times, above), _number(found.q_value, False, 3), *(_score(row, name) for name in REGIONS)],
        "verdict": found.verdict,
        "flags": [(code, KINDS[code].condition if code in KINDS else "") for code in found.flags],
        "count": _number(len(found.detections) if row.status == DONE else None, False, 0),
        "last": next(iter(found.detections), "") or row.reason,
    }


def _score(row: Row, region: str) -> dict[str, Any]:
    """The cell of a region's score."""
    score, limit = row.score(region), row.score(region, "threshold")
    return _number(score, score is not None and limit is not None and score > limit)


def _number(value: float | None, above: bool, digits: int = 1) -> dict[str, Any]:
    """The cell of a number; one above its threshold stands out."""
    if value is None:
        return {"shown": "", "exact": "", "above": above}
    return {"shown": f"{value:.{digits}f}", "exact": f"{value:.4g}", "above": above}
