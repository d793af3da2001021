"""The tables: the paper's numbers beside ours, nothing where there is none, and why."""

from __future__ import annotations

import dataclasses

import pytest
from paper_inputs import DEVICE, evaluation, memory

from reproduction.rows import (
    HERE,
    Duration,
    Memory,
    NothingToShow,
    aurocs,
    published_aurocs,
    published_durations,
    published_memories,
)
from reproduction.tables import auroc_table, batch_table, duration_table, memory_table

MEMORIES: list[Memory] = [
    *published_memories(),
    memory("position", 16, 256, 4735.4),
    memory("position", 16, 64, 1200),
    memory("dense", 3, 4, 251),
    memory("autoencoder", 32, 4, None, "out of memory: 9 MB were free"),
    memory("autoencoder", 32, 1, 3954),
]


def test_memory_by_width() -> None:
    table = memory_table(MEMORIES)
    rows = {row[0]: row[1:] for row in table.rows}
    assert list(rows) == ["1", "2", "3", "4", "8", "16", "32", "64"]
    assert rows["16"] == ("4452", "4735", "7894", "", "")
    assert rows["3"] == ("", "", "", "", "251")
    assert rows["32"] == ("8474", "", "12548", "", ""), "one volume is another batch"
    assert table.notes == (
        f"Ours: process memory, {DEVICE}. The paper's: memory of its GPU.",
        "An empty cell was not published, or not measured.",
        "autoencoder, m = 32, 4 volumes: out of memory: 9 MB were free.",
    )


def test_memory_of_two_devices_is_not_mixed() -> None:
    """A GPU counts otherwise than a CPU does."""
    gpu = [dataclasses.replace(memory("position", 16, 256, 1.0), device="a GPU", measure="CUDA peak")]
    for rows in ([*MEMORIES, *gpu], [*gpu, *MEMORIES]):
        table = memory_table(rows)
        assert {row[0]: row[2] for row in table.rows}["16"] == "4735"
        assert "Not in this table: what was measured on a GPU; see Figure 10." in table.notes
        assert not any("CUDA peak" in note for note in table.notes)
        assert ("position regression", "16", "256 patches", "1", "a GPU") in batch_table(rows).rows


def test_every_batch() -> None:
    table = batch_table(MEMORIES)
    assert list(table.rows) == [
        ("position regression", "16", "64 patches", "1200", DEVICE),
        ("position regression", "16", "256 patches", "4735", DEVICE),
        ("dense position regression", "3", "4 crops", "251", DEVICE),
        ("autoencoder", "32", "1 volume", "3954", DEVICE),
    ]


def test_aurocs_beside_those_of_the_same_network() -> None:
    rows = [
        *published_aurocs(),
        *aurocs("big", evaluation(width=16)),
        *aurocs("small_patch", evaluation(width=16, patch_size=19, fracture=None)),
        *aurocs("odd", evaluation("autoencoder", 3, None, None, 0.75, "autoencoder")),
    ]
    found = {(row[0], row[4]): row[5:] for row in auroc_table(rows).rows}
    assert found["big", "haemorrhage"] == ("4 / 6", "0.700", "0.60 to 0.80", "0.804"), "of Figure 3"
    assert found["small_patch", "haemorrhage"][-1] == "0.734"
    assert found["odd", "fracture"] == ("3 / 5", "0.750", "0.65 to 0.85", "")
    assert ("odd", "haemorrhage") not in found


def test_times() -> None:
    table = duration_table([*published_durations(), Duration(HERE, "a", "position", 4, 600, 0.123, 7.89)])
    assert table.rows == (
        ("paper", "position regression", "", "", "22", "90.0"),
        ("paper", "autoencoder", "", "", "", "2.0"),
        ("a", "position regression", "4", "600", "0.123", "7.9"),
    )


def test_without_ours_there_is_no_table() -> None:
    for make in (memory_table, batch_table):
        with pytest.raises(NothingToShow, match="no training's memory was measured"):
            make([*published_memories(), memory("position", 1, 256, None, "out of memory")])
    with pytest.raises(NothingToShow, match="no run was evaluated"):
        auroc_table(published_aurocs())
    with pytest.raises(NothingToShow, match="no run was trained and judged"):
        duration_table(published_durations())
