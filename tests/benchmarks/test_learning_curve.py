"""Curves of any training are drawn, with the metrics that they hold."""

from __future__ import annotations

from pathlib import Path

import pytest

pytest.importorskip("matplotlib")

import learning_curve

POSITIONS = "epoch,iterations,cpu_s,wall_s,brain_error_mm,skull_error_mm\n1,10,60,90,30.5,20\n2,20,120,180,12,9\n"
AUTOENCODER = "epoch,iterations,cpu_s,wall_s,mean_absolute_error\n1,10,60,90,0.03\n"


def test_the_metrics_that_are_there_are_drawn(tmp_path: Path) -> None:
    both = tmp_path / "positions.csv", tmp_path / "autoencoder.csv"
    for path, text in zip(both, (POSITIONS, AUTOENCODER), strict=True):
        path.write_text(text)
    assert learning_curve.metrics([learning_curve.rows(both[0])]) == ["brain_error_mm", "skull_error_mm"]
    assert learning_curve.metrics([learning_curve.rows(both[1])]) == ["mean_absolute_error"]
    detecting = learning_curve.metrics([[{"epoch": 1.0, "a_auroc": 0.8, "brain_error_mm": 9.0, "other": 1.0}]])
    assert detecting == ["brain_error_mm", "a_auroc"], "whether it detects stands beside how well it knows places"
    for number, curves in enumerate(([both[0]], [both[1]], list(both))):
        picture = tmp_path / f"{number}.png"
        learning_curve.plot({path.stem: learning_curve.rows(path) for path in curves}, "cpu_s", picture)
        assert picture.stat().st_size > 0


def test_a_training_that_went_on_from_another_begins_at_its_cost() -> None:
    first, second = [{"epoch": 2.0, "cpu_s": 60.0, "brain_error_mm": 20.0}], [
        {"epoch": 1.0, "cpu_s": 40.0, "brain_error_mm": 9.0}
    ]
    read = learning_curve.in_turn([first, second])
    assert read == [first, [{"epoch": 3.0, "cpu_s": 100.0, "brain_error_mm": 9.0}]]


def test_without_a_metric_there_is_no_picture() -> None:
    with pytest.raises(ValueError, match="the curves hold no metric"):
        learning_curve.metrics([[{"epoch": 1.0, "cpu_s": 2.0}]])
