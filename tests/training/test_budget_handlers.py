"""A training ends when its CPU-seconds are spent, with its last epoch saved, and does not begin anew."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from ignite.engine import Engine, Events
from monai.handlers import StatsHandler

from scripts.training.budget_handlers import CpuBudget, with_budget
from scripts.training.handlers import LearningCurve, SaveTraining


class Curve(LearningCurve):
    """A curve that counts three seconds an epoch."""

    def _stop(self, engine: Engine) -> None:
        self.spent["cpu_s"] += 3


def trained(folder: Path, seconds: float | None, curve: Curve, epochs: int = 5) -> Engine:
    """A training of two iterations an epoch that does nothing."""
    engine = Engine(lambda engine, batch: None)
    save = SaveTraining(str(folder), {"network": torch.nn.Linear(1, 1)})
    for handler in with_budget([curve, save], seconds):
        handler.attach(engine)
    engine.run([0, 1], max_epochs=epochs)
    return engine


def curve(folder: Path) -> Curve:
    return Curve(str(folder), Engine(lambda engine, batch: None))


def test_it_ends_after_the_epoch_in_which_the_budget_is_spent_and_that_epoch_is_saved(tmp_path: Path) -> None:
    engine = trained(tmp_path, 7, curve(tmp_path))
    assert engine.state.iteration == 6
    assert engine.state.metrics["cpu_seconds"] == 9
    assert (tmp_path / "checkpoint_epoch=3.pt").is_file()


def test_without_a_budget_it_only_counts(tmp_path: Path) -> None:
    engine = trained(tmp_path, None, curve(tmp_path))
    assert engine.state.epoch == 5
    assert engine.state.metrics["cpu_seconds"] == 15


def test_a_training_whose_budget_is_spent_is_not_gone_on_with(tmp_path: Path) -> None:
    spent = curve(tmp_path)
    spent.load_state_dict({"spent": {"cpu_s": 8.0, "wall_s": 0.0}, "rows": []})
    assert trained(tmp_path, 7, spent).state.iteration <= 1


def test_the_budget_stands_right_behind_the_curve(tmp_path: Path) -> None:
    first, counting, last = StatsHandler(), curve(tmp_path), StatsHandler()
    handlers = with_budget([first, counting, last], 1)
    assert [type(handler) for handler in handlers] == [StatsHandler, Curve, CpuBudget, StatsHandler]


def test_a_budget_that_is_none_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="must be positive, got 0 s; null means without limit"):
        CpuBudget(curve(tmp_path), 0)
    with pytest.raises(ValueError, match="needs a LearningCurve among the handlers"):
        with_budget([StatsHandler()], 1)


def test_negative_control_the_engine_fires_what_the_budget_listens_to(tmp_path: Path) -> None:
    engine = Engine(lambda engine, batch: None)
    CpuBudget(curve(tmp_path), 1).attach(engine)
    for event in (Events.EPOCH_STARTED, Events.EPOCH_COMPLETED):
        assert len(engine._event_handlers[event]) == 1
