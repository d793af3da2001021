"""The paper's tables, with its numbers beside ours.

An empty cell says that the number was not measured, or not published.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any

from scripts.files.tables import Table
from scripts.words import counted

from .published import AUTOENCODER, POSITION
from .rows import BATCHES, DENSE, HERE, PAPER, SERIES, Auroc, Duration, Memory, NothingToShow

EMPTY = "An empty cell was not published, or not measured."

ORDER = (POSITION, DENSE, AUTOENCODER)
"""In which the networks' rows follow one another."""


def memory_table(rows: Sequence[Memory]) -> Table:
    """Table 1: memory of a training step with the published batches, by width; of several devices, the most measured.

    Raises:
        NothingToShow: nothing was measured.
    """
    devices = Counter(row.device for row in rows if row.source == HERE and row.memory_mb is not None)
    if not devices:
        raise NothingToShow("no training's memory was measured")
    shown, *others = (device for device, _ in devices.most_common())
    rows = [row for row in rows if row.source == PAPER or row.device == shown]
    ours = [row for row in rows if row.source == HERE and row.batch == BATCHES[row.series][0]]
    columns = [(PAPER, POSITION), (HERE, POSITION), (PAPER, AUTOENCODER), (HERE, AUTOENCODER), (HERE, DENSE)]
    header = ("m", *(f"{SERIES[s]}, {BATCHES[s][0]} {BATCHES[s][1]}: {source}, MB" for source, s in columns))
    cells = {(row.source, row.series, row.width): row.memory_mb for row in rows if row.source == PAPER}
    cells |= {(row.source, row.series, row.width): row.memory_mb for row in ours}
    widths = sorted({width for _, _, width in cells})
    body = tuple((str(m), *(_number(cells.get((*column, m))) for column in columns)) for m in widths)
    more = [f"Not in this table: what was measured on {', '.join(others)}; see Figure 10."] if others else []
    return Table(header, body, (*_measures(rows), *more, EMPTY, *_without_number(rows)))


def _measures(rows: Sequence[Memory]) -> list[str]:
    """The ways in which our numbers were measured, once for each device."""
    found = dict.fromkeys((row.measure, row.device) for row in rows if row.source == HERE and row.memory_mb is not None)
    return [f"Ours: {measure}, {device}. The paper's: memory of its GPU." for measure, device in found]


def _without_number(rows: Sequence[Memory]) -> list[str]:
    """Sentences on setups that were requested and have no number."""
    return [
        f"{SERIES[row.series]}, m = {row.width}, {_batch(row)}: {row.status}."
        for row in rows
        if row.source == HERE and row.memory_mb is None
    ]


def _batch(row: Memory) -> str:
    return counted(row.batch, row.batch_of.removesuffix("s"))


def batch_table(rows: Sequence[Memory]) -> Table:
    """All measurements of memory, a row each, as in Figure 10.

    Raises:
        NothingToShow: nothing was measured.
    """
    ours = [row for row in rows if row.source == HERE and row.memory_mb is not None]
    if not ours:
        raise NothingToShow("no training's memory was measured")
    ours.sort(key=lambda row: (ORDER.index(row.series), row.width, row.batch))
    body = [(SERIES[row.series], str(row.width), _batch(row), _number(row.memory_mb), row.device) for row in ours]
    return Table(("network", "m", "batch", "MB", "measured on"), tuple(body), tuple(_without_number(rows)))


def auroc_table(rows: Sequence[Auroc]) -> Table:
    """Every AUROC of ours with its interval, and the paper's of the same width and patch size.

    Raises:
        NothingToShow: no run was evaluated.
    """
    ours = [row for row in rows if row.source == HERE]
    if not ours:
        raise NothingToShow("no run was evaluated with healthy and anomalous cases")
    paper: dict[Any, float] = {}
    for row in rows:  # of two figures that show the same network, the first one counts
        if row.source == PAPER:
            paper.setdefault((row.series, row.task, row.width, row.patch_size), row.auroc)
    body = []
    for row in sorted(ours, key=lambda row: (ORDER.index(row.series), row.width or 0, row.patch_size or 0)):
        known = row.low is not None and row.high is not None
        interval = f"{row.low:.2f} to {row.high:.2f}" if known else ""
        published = _decimals(paper.get((row.series, row.task, row.width, row.patch_size)), 3)
        network = (row.run, SERIES[row.series], _number(row.width), _number(row.patch_size))
        items = f"{row.positives} / {row.negatives}"
        body.append((*network, row.task, items, f"{row.auroc:.3f}", interval, published))
    header = ("run", "network", "m", "patch, mm", "task", "anomalous / healthy", "AUROC", "95 % bootstrap", "paper")
    return Table(header, tuple(body))


def duration_table(rows: Sequence[Duration]) -> Table:
    """Training and inference times, the paper's first.

    Raises:
        NothingToShow: nothing of ours is known.
    """
    if not any(row.source == HERE for row in rows):
        raise NothingToShow("no run was trained and judged")
    body = []
    for row in sorted(rows, key=lambda row: (row.source == HERE, ORDER.index(row.series), row.width or 0)):
        hours = "" if row.training_hours is None else f"{row.training_hours:.3g}"
        numbers = (_number(row.iterations), hours, _decimals(row.inference_seconds, 1))
        name = row.source if row.source == PAPER else row.run
        body.append((name, SERIES[row.series], _number(row.width), *numbers))
    return Table(("run", "network", "m", "iterations", "training, h", "network, s a scan"), tuple(body))


def _number(value: float | None) -> str:
    return "" if value is None else f"{value:.0f}"


def _decimals(value: float | None, count: int) -> str:
    return "" if value is None else f"{value:.{count}f}"
