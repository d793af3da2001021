"""Figure 10: a panel for each network that was measured, a line for each batch."""

from __future__ import annotations

import pytest

pytest.importorskip("matplotlib")

from paper_inputs import DEVICE, memory
from picture import is_drawn

from reproduction.figures.training_memory import draw
from reproduction.rows import NothingToShow, published_memories

ROWS = [
    *published_memories(),
    *(memory("position", width, batch, 100.0 * width * batch / 64) for batch in (256, 64) for width in (4, 1)),
    memory("autoencoder", 2, 1, 700),
    memory("autoencoder", 32, 4, None, "out of memory"),
]


def test_lines_by_batch() -> None:
    figure = draw(ROWS)
    assert [panel.get_title() for panel in figure.axes] == ["position regression", "autoencoder"]
    left, right = figure.axes
    lines = {str(line.get_label()): line for line in left.get_lines()}
    assert set(lines) == {
        "256 patches, paper",
        f"64 patches, process memory, {DEVICE}",
        f"256 patches, process memory, {DEVICE}",
    }
    ours = lines[f"256 patches, process memory, {DEVICE}"]
    assert list(ours.get_xdata()) == [1, 4]
    assert list(ours.get_ydata()) == [400.0, 1600.0]
    assert (ours.get_alpha() or 1) > (lines[f"64 patches, process memory, {DEVICE}"].get_alpha() or 1)
    assert f"1 volume, process memory, {DEVICE}" in {str(line.get_label()) for line in right.get_lines()}
    low, high = left.get_ylim()
    assert (low, high) == right.get_ylim()
    assert low < 100
    assert high > 21860
    assert is_drawn(figure)


def test_devices_are_told_apart() -> None:
    other = memory("position", 1, 256, 900)
    rows = [*ROWS, type(other)(**{**vars(other), "device": "GPU X", "measure": "CUDA peak"})]
    assert "256 patches, CUDA peak, GPU X" in {str(line.get_label()) for line in draw(rows).axes[0].get_lines()}


def test_without_a_measurement_there_is_no_figure() -> None:
    with pytest.raises(NothingToShow, match="no training's memory was measured"):
        draw([*published_memories(), memory("autoencoder", 32, 4, None, "out of memory")])
