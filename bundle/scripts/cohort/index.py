"""`index.html` of a cohort: one page over all cases, with their scores, pictures, flags and reasons, and charts.

The page needs no server and no network: styles and script stand in it, pictures are files of the cohort's folder, and
its links are relative. The case that is furthest above its threshold comes first; a click on a column's head sorts by
it. The *excess* of a case is the largest of its scores divided by their thresholds.
"""

from __future__ import annotations

import html
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from string import Template
from typing import Any

from ..errors import as_ours
from ..files.atomic import write_output
from ..findings import KINDS
from ..preprocessing.regions import REGIONS
from ..results.terminal import OVERVIEW
from ..results.thumbnail import thumbnail
from ..words import counted
from .charts import histogram, roc
from .folder import CASES, INDEX_NAME, THUMBNAILS, CohortFolder
from .table import DONE, STATUSES, TABLE_NAME, Row

PAGE = Path(__file__).with_name("page")

HEADS = ("", "case", "status", "excess", *REGIONS, "verdict", "flags", "detections", "first of them, or the reason")
"""Columns of the table; the first one has the thumbnails."""

LARGEST_FIRST = {"excess", *REGIONS, "detections"}
"""Columns whose largest values a reader wants first."""


def write_index(folder: CohortFolder, rows: Sequence[Row], evaluation: Mapping[str, Any] | None = None) -> None:
    """Write `index.html` over rows of a cohort's folder, and the thumbnails that are missing or older than a case.

    `evaluation` is the content of `evaluation.json` where labels are known.

    Raises:
        OutputFailed: it can't be written.
    """
    for row in rows:
        if row.found.picture:
            _keep_thumbnail(folder.root, row.case)
    facts = {name: value for name, value in folder.facts().items() if name != "cases"}
    folder.write(INDEX_NAME, page(rows, facts, evaluation))


def _keep_thumbnail(root: Path, case: str) -> None:
    """Write the thumbnail of a case, unless it is there and younger than its picture."""
    picture, kept = root / CASES / case / OVERVIEW, root / THUMBNAILS / f"{case}.jpg"
    try:
        if not kept.is_file() or kept.stat().st_mtime < picture.stat().st_mtime:
            write_output(kept, thumbnail(picture.read_bytes()))
    except OSError as error:
        raise as_ours(error, kept) from error


def page(rows: Sequence[Row], facts: Mapping[str, Any], evaluation: Mapping[str, Any] | None = None) -> str:
    """The page over rows of a cohort; `facts` are those of `cohort.json`, `evaluation` those of `evaluation.json`."""
    counts = Counter(row.status for row in rows)
    above = sum(bool((excess(row) or 0) > 1) for row in rows)
    kinds = ", ".join(f"{counts[status]} {status}" for status in STATUSES if counts[status])
    parts = {
        "style": (PAGE / "index.css").read_text(encoding="utf-8").rstrip(),
        "script": (PAGE / "index.js").read_text(encoding="utf-8").rstrip(),
        "number": counted(len(rows), "case"),
        "counts": html.escape(f"{kinds}; {above} with a score above its threshold"),
        "settings": html.escape(settings_in_words(facts)),
        "charts": charts(rows, evaluation),
        "statuses": "".join(f"<option>{status}</option>" for status in STATUSES if counts[status]),
        "heads": "".join(map(_head, HEADS)),
        "rows": "\n".join(_line(row) for row in sorted(rows, key=_order)),
        "note": f'The same as tables: <a href="{TABLE_NAME}">{TABLE_NAME}</a>. A score above its threshold does not '
        "mean disease, and one below does not exclude it.",
    }
    return Template((PAGE / "index.html").read_text(encoding="utf-8")).substitute(parts)


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
        "calibration": str(settings.get("calibration_sha256") or "")[:12],
        "version": settings.get("bundle_version"),
    }
    return ", ".join(f"{name} {value}" for name, value in known.items() if value)


def charts(rows: Sequence[Row], evaluation: Mapping[str, Any] | None) -> str:
    """The distribution of each region's scores and, where labels are known, the ROC curves."""
    drawn = []
    for region in REGIONS:
        pairs = [(row.score(region), row.score(region, "threshold")) for row in rows]
        scores = [score for score, _ in pairs if score is not None]
        limits = sorted({float(limit) for score, limit in pairs if score is not None and limit})
        name = region.replace("_", " ")
        beside = f", threshold {' or '.join(f'{limit:.1f}' for limit in limits)}" if limits else ""
        drawn.append(_figure(f"{name}{beside}", histogram(scores, limits, f"distribution of the scores of the {name}")))
    if evaluation and (curves := _curves(evaluation)):
        drawn.append(_figure(f"by the labels, {evaluation['score']}", roc(curves)))
    return "\n".join(drawn)


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


def _figure(title: str, svg: str) -> str:
    """A chart below its title."""
    return f"<figure><h2>{html.escape(title)}</h2>{svg}</figure>"


def _head(name: str) -> str:
    """The head of a column; all but that of the pictures sort by it."""
    if not name:
        return '<th><span class="quiet">picture</span></th>'
    first = ' data-first="descending"' if name in LARGEST_FIRST else ""
    return f'<th{first}><button type="button">{html.escape(name.replace("_", " "))}</button></th>'


def _line(row: Row) -> str:
    """A row of the table."""
    name, found, times = html.escape(row.case), row.found, excess(row)
    link = f"{CASES}/{row.case}/{found.report or found.picture}" if found.report or found.picture else ""
    shown = f'<a href="{html.escape(link)}">{name}</a>' if link else name
    image = ""
    if found.picture:
        small = html.escape(f"{THUMBNAILS}/{row.case}.jpg")
        picture = f'<img src="{small}" alt="axial plane of {name}" width="72" height="72" loading="lazy">'
        image = f'<a href="{html.escape(link)}" tabindex="-1">{picture}</a>'
    numbers = [_number(times, bool(times and times > 1)), *(_score(row, region) for region in REGIONS)]
    words = " ".join(f'<span title="{html.escape(_meaning(code))}">{html.escape(code)}</span>' for code in found.flags)
    cells = [
        f"<td>{image}</td><td>{shown}</td><td>{row.status}</td>",
        *numbers,
        f"<td>{html.escape(found.verdict)}</td><td>{words}</td>",
        _number(len(found.detections) if row.status == DONE else None, False, 0),
        f"<td>{html.escape(next(iter(found.detections), '') or row.reason)}</td>",
    ]
    return f'<tr data-status="{row.status}" data-above="{int(bool(times and times > 1))}">{"".join(cells)}</tr>'


def _meaning(code: str) -> str:
    """When a flag is set; empty of a code that is not known."""
    return KINDS[code].condition if code in KINDS else ""


def _score(row: Row, region: str) -> str:
    """The cell of a region's score."""
    score, limit = row.score(region), row.score(region, "threshold")
    return _number(score, score is not None and limit is not None and score > limit)


def _number(value: float | None, above: bool, digits: int = 1) -> str:
    """The cell of a number; one above its threshold stands out."""
    kind = "number above" if above else "number"
    shown = "" if value is None else f"{value:.{digits}f}"
    exact = "" if value is None else f"{value:.4g}"
    return f'<td class="{kind}" data-value="{exact}">{shown}</td>'
