"""Tidy rows, from which tables and figures are made: one observation a row, the paper's numbers beside ours.

The *source* of a row is "paper" or "here". The *series* is whose numbers they are: the position network as published,
the dense one of this bundle, or the autoencoder. A row is written as a line of a CSV file, whose columns are its
fields, and comes back from it unchanged; what is not known is empty.
"""

from __future__ import annotations

import types
import typing
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import astuple, dataclass, fields
from typing import Any, TypeVar

from scripts.files import tables

from . import published as paper
from .published import AUTOENCODER, FRACTURE, HAEMORRHAGE, PATCHES, POSITION, VOLUMES

PAPER, HERE = "paper", "here"
"""The sources."""

DENSE = "dense"
"""The series that the paper does not have."""

SERIES = {POSITION: "position regression", DENSE: "dense position regression", AUTOENCODER: "autoencoder"}
"""The series, in words."""

TASKS = (HAEMORRHAGE, FRACTURE)
"""In the order in which they are shown."""

BATCHES = {POSITION: (PATCHES, "patches"), AUTOENCODER: (VOLUMES, "volumes"), DENSE: (4, "crops")}
"""Inputs of an iteration: as published, and of the dense network as train.json has it."""


class NothingToShow(ValueError):
    """The data for a table or figure do not exist; the message names them, and makes a sentence with a full stop."""


@dataclass(frozen=True)
class Auroc:
    """An AUROC with its 95 % interval (ours: from the bootstrap)."""

    source: str
    run: str
    series: str
    task: str
    auroc: float
    width: int | None = None
    patch_size: int | None = None
    parameters: int | None = None
    low: float | None = None
    high: float | None = None
    positives: int | None = None
    negatives: int | None = None


@dataclass(frozen=True)
class RocPoint:
    """A point of a ROC curve; points of a run and a task follow one another."""

    source: str
    run: str
    series: str
    task: str
    sensitivity: float
    specificity: float
    threshold: float | None = None
    width: int | None = None


@dataclass(frozen=True)
class Memory:
    """The memory of a training in MB (2^20 bytes), None where the status says why; see `training_peak`."""

    source: str
    series: str
    width: int
    batch: int
    batch_of: str
    device: str
    measure: str
    status: str
    memory_mb: float | None = None


@dataclass(frozen=True)
class Duration:
    """Duration of a training, in hours, and of the network for one scan, in seconds (median)."""

    source: str
    run: str
    series: str
    width: int | None = None
    iterations: int | None = None
    training_hours: float | None = None
    inference_seconds: float | None = None


Row = TypeVar("Row", Auroc, RocPoint, Memory, Duration)


def as_csv(rows: Sequence[Row], kind: type[Row]) -> str:
    """Rows as comma-separated values, with a header."""
    return tables.as_csv([field.name for field in fields(kind)], map(astuple, rows))


def from_csv(text: str, kind: type[Row]) -> list[Row]:
    """The rows in comma-separated values.

    Raises:
        ValueError: they are of another kind, or a value is no number.
    """
    hints, (columns, rows) = typing.get_type_hints(kind), tables.from_csv(text)
    if columns != list(hints):
        raise ValueError(f"columns {list(hints)} are needed, got {columns}")
    return [kind(**{name: _value(row[name], hint) for name, hint in hints.items()}) for row in rows]


def _value(text: str, hint: Any) -> Any:
    """A cell as its type says; an empty one is None where that is allowed."""
    if isinstance(hint, types.UnionType):
        return None if text == "" else typing.get_args(hint)[0](text)
    return hint(text)


def series_of(network: Mapping[str, Any]) -> str:
    """The series of the network of an evaluation."""
    return DENSE if network["kind"] == POSITION and network["mode"] == "dense" else str(network["kind"])


def aurocs(run: str, evaluation: Mapping[str, Any]) -> list[Auroc]:
    """The AUROC of each task of an evaluation that has one."""
    network, tasks = evaluation["network"], evaluation["tasks"]
    facts = {name: network[name] for name in ("width", "patch_size", "parameters")}
    found = []
    for task in (name for name in TASKS if tasks[name]["auroc"] is not None):
        low, high = tasks[task]["bootstrap_95"]
        facts |= {name: tasks[task][name] for name in ("auroc", "positives", "negatives")}
        found.append(Auroc(HERE, run, series_of(network), task, low=low, high=high, **facts))
    return found


def roc_points(run: str, evaluation: Mapping[str, Any]) -> list[RocPoint]:
    """The ROC curves of an evaluation."""
    network, found = evaluation["network"], []
    for task in TASKS:
        roc = evaluation["tasks"][task]["roc"]
        for place in zip(roc["sensitivity"], roc["specificity"], roc["threshold"], strict=True):
            found.append(RocPoint(HERE, run, series_of(network), task, *place, width=network["width"]))
    return found


def memories(table: Iterable[Mapping[str, str]]) -> list[Memory]:
    """The rows of the table that `head-ct-anomaly dev memory` writes; the autoencoder on its box is left out."""
    found = []
    for row in table:
        if row["network"] not in SERIES:
            continue
        words = (row["batch_of"], row["device"], row["measure"], row["status"])
        memory = float(row["memory_mb"]) if row["memory_mb"] else None
        found.append(Memory(HERE, row["network"], int(row["width"]), int(row["batch"]), *words, memory))
    return found


def published_aurocs() -> list[Auroc]:
    """Those of Figure 3, by width, and of Figure 7, by patch size."""
    rows = []
    for (network, task), values in paper.AUROCS.items():
        size = paper.PATCH_SIZE if network == POSITION else None
        for width, value, count in zip(paper.WIDTHS, values, paper.PARAMETERS[network], strict=True):
            rows.append(Auroc(PAPER, "Figure 3", network, task, value, width, size, count))
    for size, value in paper.PATCH_SIZE_AUROCS.items():
        rows.append(Auroc(PAPER, "Figure 7", POSITION, HAEMORRHAGE, value, paper.PATCH_WIDTH, size))
    return rows


def published_roc_points() -> list[RocPoint]:
    """The points of the ROC curves that the paper names."""
    return [RocPoint(PAPER, "Figure 6", POSITION, *point) for point in paper.ROC_POINTS]


def published_memories() -> list[Memory]:
    """Those of Table 1."""
    words = ("a GPU", "as published", "published")
    return [
        Memory(PAPER, network, width, *BATCHES[network], *words, value)
        for network, values in paper.MEMORY_MB.items()
        for width, value in zip(paper.WIDTHS, values, strict=True)
    ]


def published_durations() -> list[Duration]:
    """The durations that the paper reports."""
    return [
        Duration(PAPER, "text", name, training_hours=paper.TRAINING_HOURS.get(name), inference_seconds=seconds)
        for name, seconds in paper.INFERENCE_SECONDS.items()
    ]
