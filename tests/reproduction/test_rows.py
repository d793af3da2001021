"""Tidy rows: from evaluations and tables, to files and back."""

from __future__ import annotations

import pytest
from paper_inputs import evaluation, memory

from reproduction.commands.memory import COLUMNS
from reproduction.rows import (
    DENSE,
    HERE,
    PAPER,
    Auroc,
    Duration,
    Memory,
    RocPoint,
    as_csv,
    aurocs,
    from_csv,
    memories,
    published_aurocs,
    published_durations,
    published_memories,
    published_roc_points,
    roc_points,
    series_of,
)


def test_an_evaluation_as_rows() -> None:
    first, second = aurocs("a", evaluation(width=4))
    assert first == Auroc(HERE, "a", "position", "haemorrhage", 0.7, 4, 31, 116976, 0.7 - 0.1, 0.7 + 0.1, 4, 6)
    assert (second.task, second.auroc, second.positives, second.negatives) == ("fracture", 0.6, 3, 5)
    points = roc_points("a", evaluation())
    assert points[1] == RocPoint(HERE, "a", "position", "haemorrhage", 0.75, 0.5, 1.5, 4)
    assert points[0].threshold is None
    assert [point.task for point in points] == ["haemorrhage"] * 3 + ["fracture"] * 3


def test_a_task_without_an_auroc_has_no_row() -> None:
    made = evaluation(fracture=None)
    assert [row.task for row in aurocs("a", made)] == ["haemorrhage"]
    assert {point.task for point in roc_points("a", made)} == {"haemorrhage"}


@pytest.mark.parametrize(
    ("kind", "mode", "series"),
    [
        ("position", "published", "position"),
        ("position", "dense", DENSE),
        ("autoencoder", "autoencoder", "autoencoder"),
    ],
)
def test_the_series_of_a_network(kind: str, mode: str, series: str) -> None:
    assert series_of({"kind": kind, "mode": mode}) == series


def test_rows_come_back_from_their_files() -> None:
    rows = [*published_memories(), memory("dense", 2, 4, 9.5), memory("autoencoder", 32, 4, None, "out, of\nmemory")]
    assert from_csv(as_csv(rows, Memory), Memory) == rows
    others = [*published_aurocs(), *aurocs("a", evaluation())]
    assert from_csv(as_csv(others, Auroc), Auroc) == others
    points = [*published_roc_points(), *roc_points("a", evaluation())]
    assert from_csv(as_csv(points, RocPoint), RocPoint) == points
    times = [*published_durations(), Duration(HERE, "a", "dense", 4, 10, 0.1, 2.5)]
    assert from_csv(as_csv(times, Duration), Duration) == times


def test_another_file_is_refused() -> None:
    with pytest.raises(ValueError, match=r"columns .*'source', 'run'.* are needed, got .*'case'"):
        from_csv("case,score\na,1\n", Auroc)


def test_the_table_of_memory_as_rows() -> None:
    cells = {"width": "4", "batch": "2", "batch_of": "volumes", "device": "GPU", "measure": "CUDA peak"}
    cells |= {"parameters": "9", "iterations": "3"}
    good = {**cells, "network": "autoencoder", "memory_mb": "812", "status": "measured"}
    full = {**good, "memory_mb": "", "status": "out of memory"}
    assert set(good) == set(COLUMNS)
    found = memories([good, full, {**good, "network": "autoencoder_box"}])
    assert found == [
        Memory(HERE, "autoencoder", 4, 2, "volumes", "GPU", "CUDA peak", "measured", 812.0),
        Memory(HERE, "autoencoder", 4, 2, "volumes", "GPU", "CUDA peak", "out of memory", None),
    ]


def test_what_was_published() -> None:
    assert len(published_aurocs()) == 2 * 2 * 7 + 6
    assert {row.source for row in published_aurocs()} == {PAPER}
    assert Auroc(PAPER, "Figure 3", "position", "fracture", 0.817, 64, 31, 29954691) in published_aurocs()
    assert Auroc(PAPER, "Figure 7", "position", "haemorrhage", 0.734, 16, 19) in published_aurocs()
    assert [(p.sensitivity, p.specificity) for p in published_roc_points()] == [(0.49, 0.9), (0.66, 0.8)]
    rows = {(row.series, row.width): (row.memory_mb, row.batch, row.batch_of) for row in published_memories()}
    assert rows["position", 16] == (4452, 256, "patches")
    assert rows["autoencoder", 32] == (12548, 4, "volumes")
    times = {row.series: (row.training_hours, row.inference_seconds) for row in published_durations()}
    assert times == {"position": (22, 90), "autoencoder": (None, 2)}
