"""`predictions.csv`: a row a case in the words of toolkits for anomaly detection (anomalib's fields of an item).

`pred_score` is the excess of a case, the largest of its scores over their thresholds, with all its digits; `pred_label`
is true if it is above 1, `gt_label` if one of the labels of `evaluate` says so. Paths are relative to the table, with
`/` between parts.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from pathlib import Path

from ..datasets.datalist import Case
from ..files.tables import as_csv
from ..results.record import HEATMAP
from .folder import CASES
from .index import excess
from .table import DONE, Row
from .tasks import LABELS, OTHER_LESION

COLUMNS = ("image_path", "gt_label", "pred_label", "pred_score", "anomaly_map", "gt_mask")
"""The columns; an empty cell means that there is none."""


def predictions_text(root: Path, beside: Path, rows: Iterable[Row], cases: Iterable[Case]) -> str:
    """The table of the cases of a cohort in `root` that are done, in the order of the list, for the folder `beside`."""
    by_case = {row.case: row for row in rows}
    lines = []
    for case in cases:
        row = by_case.get(case.name)
        if row is None or row.status != DONE:
            continue
        score, heatmap = excess(row), root / CASES / case.name / HEATMAP
        paths = [seen_from(beside, path) for path in (case.image, heatmap if heatmap.is_file() else None, case.mask)]
        judged = None if score is None else int(score > 1)
        lines.append((paths[0], int(anomalous(case.labels)), judged, score, paths[1], paths[2]))
    return as_csv(COLUMNS, lines)


def anomalous(labels: Mapping[str, bool]) -> bool:
    """True if a label says that a case has a haemorrhage, a fracture or another lesion."""
    return any(labels.get(name, False) for name in (*LABELS.values(), OTHER_LESION))


def seen_from(folder: Path, path: Path | None) -> str:
    """A path as seen from a folder; "" of none."""
    if path is None:
        return ""
    try:
        return Path(os.path.relpath(path, folder)).as_posix()
    except ValueError:  # on another drive of Windows
        return path.as_posix()
