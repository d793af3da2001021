"""Event handlers by which a training can be stopped at any moment, and resumes from its last checkpoint.

The trainer itself belongs to the checkpoint, for its epoch, but a config can't name it there: the trainer names its
handlers. So these handlers add it when they are attached.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from itertools import takewhile
from pathlib import Path
from typing import Any

import torch
from ignite.distributed import get_rank
from ignite.engine import Engine, Events
from monai.handlers import CheckpointLoader, CheckpointSaver
from torch.optim.lr_scheduler import CosineAnnealingLR, LRScheduler

from ..errors import WrongUsage
from .checkpoints import latest_checkpoint, remove_older
from .heads import HeadStream

BEST_SO_FAR = ("best_metric", "best_metric_epoch")
"""Names in MONAI's state of a trainer of its best metric and the epoch of that, which it logs."""


class Facts:
    """The part `facts` of a checkpoint: the names of its data by section, and the trainer's best metric so far."""

    def __init__(self, trainer: Engine, data: Mapping[str, Any]) -> None:
        self.trainer, self.names = trainer, {section: scan_names(items) for section, items in data.items()}

    def state_dict(self) -> dict[str, Any]:
        """The facts now."""
        state = self.trainer.state
        return {"data": self.names, **{name: getattr(state, name) for name in BEST_SO_FAR if hasattr(state, name)}}


class SaveTraining(CheckpointSaver):
    """Save a checkpoint of everything in `state`, and of the trainer, after every epoch; the last two are kept.

    It also has the `Facts` of the trainer and of `data`, a list of {"image": path} by section.
    """

    def __init__(self, folder: str, state: dict[str, Any], data: Mapping[str, Any] | None = None) -> None:
        super().__init__(folder, dict(state), save_interval=1, n_saved=2)
        self.data = dict(data or {})

    def attach(self, engine: Engine) -> None:
        """Save the engine, and the facts, too."""
        self.save_dict |= {"trainer": engine, "facts": Facts(engine, self.data)}
        super().attach(engine)

    def interval_completed(self, engine: Engine) -> None:
        """Save, and remove what was saved before a resume, too."""
        super().interval_completed(engine)
        remove_older(self.save_dir, engine.state.epoch)


def scan_names(items: Iterable[Mapping[str, Any]]) -> list[str]:
    """Names of the label maps or scans in a list of {"image": path}, each once, sorted.

    They are the paths, without the folder that all share: it may be moved.
    """
    parts = sorted({Path(str(item["image"])).parts for item in items})
    folders = zip(*(part[:-1] for part in parts), strict=False)
    shared = len(list(takewhile(lambda names: len(set(names)) == 1, folders)))
    return ["/".join(part[shared:]) for part in parts]


class ResumeTraining:
    """Load the latest checkpoint of `folder`, if there is one, when the trainer starts."""

    def __init__(
        self, folder: str, state: dict[str, Any], map_location: Any = None, data: Mapping[str, Any] | None = None
    ) -> None:
        self.folder, self.state, self.map_location, self.data = folder, state, map_location, dict(data or {})

    def attach(self, engine: Engine) -> None:
        """Load before anything else happens."""
        engine.add_event_handler(Events.STARTED, self)

    def __call__(self, engine: Engine) -> None:
        """Restore everything in `state`, the engine's epoch and its best metric.

        Raises:
            WrongUsage: the checkpoint is of other data, its epochs have another number of iterations, or its learning
                rate begins elsewhere; the checkpoint's would silently be kept.
        """
        if path := latest_checkpoint(self.folder):
            facts = torch.load(path, map_location="cpu", weights_only=True).get("facts", {})
            self._see_data(facts.get("data", {}))
            for name in (name for name in BEST_SO_FAR if name in facts):
                setattr(engine.state, name, facts[name])
            planned, rates = engine.state.epoch_length, self._first_rates()
            CheckpointLoader(path, {**self.state, "trainer": engine}, map_location=self.map_location)(engine)
            if engine.state.epoch_length != planned:
                length = engine.state.epoch_length
                raise WrongUsage(
                    f"The training in {self.folder} has {length} iterations an epoch, not {planned}. "
                    f"Set iterations_per_epoch to {length}, or name another folder."
                )
            for planned_rate, rate in zip(rates, self._first_rates(), strict=True):
                if rate != planned_rate:
                    raise WrongUsage(
                        f"The training in {self.folder} began with a learning rate of {rate:g}, not {planned_rate:g}. "
                        f"Set learning_rate to {rate:g}, or name another folder."
                    )
            for part in self.state.values():
                if isinstance(part, CosineAnnealingLR):
                    stretch(part, int(engine.state.max_epochs or 0))

    def _see_data(self, before: Mapping[str, list[str]]) -> None:
        """See that the data are those with which a training began, as far as its checkpoint tells."""
        for section in (section for section in self.data if section in before):
            then, now = before[section], scan_names(self.data[section])
            gone, new = ([name for name in one if name not in other] for one, other in ((then, now), (now, then)))
            if changed := [f"{names[0]} {words}" for names, words in ((gone, "is missing"), (new, "is new")) if names]:
                raise WrongUsage(
                    f"The training in {self.folder} began with other data for {section}: {', '.join(changed)}. "
                    "Name those that it began with, or another folder."
                )

    def _first_rates(self) -> list[float]:
        """The learning rates of the first epoch, of every scheduler in the state."""
        schedulers = [part for part in self.state.values() if isinstance(part, LRScheduler)]
        return [float(rate) for scheduler in schedulers for rate in scheduler.base_lrs]


def stretch(scheduler: CosineAnnealingLR, epochs: int) -> None:
    """Let a learning rate fall over so many epochs in all, as if it had been planned so, and never rise at their end.

    A checkpoint brings the number that its training was planned with; of another one, the rate follows the new plan.
    """
    if scheduler.T_max == epochs:
        return
    scheduler.T_max = epochs
    part = (1 + math.cos(math.pi * scheduler.last_epoch / epochs)) / 2
    rates = [scheduler.eta_min + (base - scheduler.eta_min) * part for base in scheduler.base_lrs]
    for group, rate in zip(scheduler.optimizer.param_groups, rates, strict=True):
        group["lr"] = rate
    scheduler._last_lr = rates


class ContinueStream:
    """Let the stream of heads go on from the trainer's epoch and rank: heads differ after a resume and by process."""

    def __init__(self, stream: HeadStream) -> None:
        self.stream = stream

    def attach(self, engine: Engine) -> None:
        """Run when the trainer starts, after the checkpoint was loaded."""
        engine.add_event_handler(Events.STARTED, self)

    def __call__(self, engine: Engine) -> None:
        """Set the stream's epoch from the trainer's, and its rank from that of the process."""
        self.stream.epoch, self.stream.rank = engine.state.epoch, get_rank()
