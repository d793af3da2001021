"""Event handlers of the training workflow: validations, learning curve, budget, the best weights.

Networks are compared fairly when each got the same CPU time: the *CPU-seconds* of a training are what its
`LearningCurve` counts, those of the trainer's process, over all runs of a training that was interrupted. A training in
several processes has the sum over these. What the workers spend on drawing heads, and validations, don't count.
"""

from __future__ import annotations

import csv
import io
import math
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
from ignite.distributed import all_reduce, broadcast, get_rank
from ignite.engine import Engine, Events
from ignite.handlers import ProgressBar
from monai.handlers import StatsHandler, TensorBoardStatsHandler, ValidationHandler
from torch import nn

from ..files.atomic import replace_file
from ..words import switched
from .checkpoints import BEST
from .resuming import SaveTraining


def for_this_process(handlers: Sequence[Any]) -> list[Any]:
    """The handlers of this process: in a training in several processes, only the first one reports and saves.

    `LearningCurve` and `CpuBudget` are in each: all processes count, and all end after the same epoch.
    """
    only_first = (SaveTraining, KeepBest, StatsHandler, TensorBoardStatsHandler, ProgressBar)
    return [handler for handler in handlers if get_rank() == 0 or not isinstance(handler, only_first)]


class PeriodicValidation(ValidationHandler):
    """Validate every `interval` epochs, and after the last epoch: however short a training is, it is measured.

    The last epoch is also that after which a handler before this one, a `CpuBudget` say, ends the training. With
    `exec_at_start`, also before the first epoch: what a training that starts from weights has to beat.
    """

    def attach(self, engine: Engine) -> None:
        """Run at these moments."""
        if switched("validate_first", self.exec_at_start):
            engine.add_event_handler(Events.STARTED, self._at_first)
        engine.add_event_handler(Events.EPOCH_COMPLETED(event_filter=self._is_time), self)

    def _at_first(self, engine: Engine) -> None:
        if engine.state.epoch == 0:
            self(engine)

    def _is_time(self, engine: Engine, epoch: int) -> bool:
        return epoch % self.interval == 0 or epoch == engine.state.max_epochs or bool(engine.should_terminate)


class KeepBest:
    """Keep the network of the best validation so far, by the evaluator's key metric, in `best.pt` of `folder`.

    The file is a checkpoint without the trainer: the network, the epoch (0 before the first one), the name of the
    metric and its value. A training that goes on compares with it, in its log, too; one that begins forgets it.
    """

    def __init__(self, folder: str, evaluator: Any, network: nn.Module) -> None:
        self.path, self.evaluator, self.network = Path(folder) / BEST, evaluator, network
        self.value: float | None = None

    def attach(self, engine: Engine) -> None:
        """Look at each validation; to be attached after the handler that resumes, and before the one that validates."""
        engine.add_event_handler(Events.STARTED, self._begin)
        self.evaluator.add_event_handler(Events.COMPLETED, self._look, engine)

    def _begin(self, engine: Engine) -> None:
        if engine.state.epoch == 0:
            self.path.unlink(missing_ok=True)
            self.value = None
        elif self.path.is_file():
            best = torch.load(self.path, map_location="cpu", weights_only=True)
            self.value, state = float(best["value"]), self.evaluator.state
            state.best_metric, state.best_metric_epoch = self.value, best["epoch"]  # which MONAI logs

    def _look(self, evaluator: Engine, trainer: Engine) -> None:
        name = str(evaluator.state.key_metric_name)  # type: ignore[attr-defined]
        value = float(evaluator.state.metrics[name])
        if math.isnan(value) or (self.value is not None and not self.evaluator.metric_cmp_fn(value, self.value)):
            return
        self.value = value
        network = getattr(self.network, "module", self.network)
        content = io.BytesIO()
        found = {"network": network.state_dict(), "epoch": trainer.state.epoch, "metric": name, "value": value}
        torch.save(found, content)
        self.path.parent.mkdir(parents=True, exist_ok=True)
        replace_file(self.path, content.getvalue())


class LearningCurve:
    """The learning curve, `learning_curve.csv`: the training's cost so far, and the localisation error at that cost.

    One row for each validation: the epoch, the iterations, the CPU-seconds and the wall seconds spent on learning
    (validations left out, the drawing of heads by workers too), and the validation's metrics. It belongs to the
    checkpoint, so that the sums and the rows go on after a resume. In a training in several processes each has a curve:
    the CPU-seconds are the sum over all of them, and the first one writes the file.
    """

    FILE = "learning_curve.csv"

    def __init__(self, folder: str, evaluator: Engine) -> None:
        self.folder, self.evaluator = Path(folder), evaluator
        self.spent = {"cpu_s": 0.0, "wall_s": 0.0}
        self.rows: list[dict[str, float]] = []
        self._since = self._now()

    def attach(self, engine: Engine) -> None:
        """Measure the epochs of the trainer; to be attached before the handler that validates."""
        engine.add_event_handler(Events.EPOCH_STARTED, self._start)
        engine.add_event_handler(Events.EPOCH_COMPLETED, self._stop)
        self.evaluator.add_event_handler(Events.COMPLETED, self._write, engine)

    def state_dict(self) -> dict[str, Any]:
        """The cost so far, and the rows so far."""
        return {"spent": dict(self.spent), "rows": [dict(row) for row in self.rows]}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Go on from such a state."""
        self.spent, self.rows = dict(state["spent"]), [dict(row) for row in state["rows"]]

    @staticmethod
    def _now() -> dict[str, float]:
        return {"cpu_s": time.process_time(), "wall_s": time.perf_counter()}

    def _start(self, engine: Engine) -> None:
        self._since = self._now()

    def _stop(self, engine: Engine) -> None:
        used = {name: now - self._since[name] for name, now in self._now().items()}
        used["cpu_s"] = float(all_reduce(float(used["cpu_s"])))
        for name, seconds in used.items():
            self.spent[name] += seconds

    def _write(self, evaluator: Engine, trainer: Engine) -> None:
        if get_rank() > 0:
            return
        done = {"epoch": trainer.state.epoch, "iterations": trainer.state.iteration}
        spent = {name: round(seconds, 1) for name, seconds in self.spent.items()}
        self.rows.append({**done, **spent, **{name: float(value) for name, value in evaluator.state.metrics.items()}})
        self.folder.mkdir(parents=True, exist_ok=True)
        with (self.folder / self.FILE).open("w", newline="") as file:
            writer = csv.DictWriter(file, list(self.rows[-1]))
            writer.writeheader()
            writer.writerows(self.rows)


class CpuBudget:
    """End a training after the epoch in which its CPU-seconds reach a budget.

    In a training in several processes the budget is that of their sum. The first process decides, so that all end after
    the same epoch: one that went on would wait for the others for ever.
    """

    def __init__(self, curve: LearningCurve, seconds: float | None) -> None:
        """Stop at `seconds` on the curve; None never stops.

        Raises:
            ValueError: the budget is not positive.
        """
        if seconds is not None and not seconds > 0:
            raise ValueError(f"a budget of compute must be positive, got {seconds} s; null means without limit")
        self.curve, self.seconds = curve, seconds

    def attach(self, engine: Engine) -> None:
        """Look at the end of each epoch, and before the first one after a resume; to be attached behind the curve."""
        engine.add_event_handler(Events.EPOCH_STARTED, self)
        engine.add_event_handler(Events.EPOCH_COMPLETED, self)

    def __call__(self, engine: Engine) -> None:
        """Stop if the budget is spent; the epoch is still saved."""
        spent = self.curve.spent["cpu_s"]
        engine.state.metrics["cpu_seconds"] = round(spent, 1)
        if self.seconds is not None and broadcast(float(spent >= self.seconds)):
            engine.terminate()
