"""Event handlers of the training workflow: it can be stopped at any moment and goes on from its last checkpoint.

The trainer itself belongs to the checkpoint, for its epoch, but a config can't name it there: the trainer names its
handlers. So these handlers add it when they are attached.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ignite.distributed import get_rank
from ignite.engine import Engine, Events
from monai.handlers import CheckpointLoader, CheckpointSaver, StatsHandler, TensorBoardStatsHandler

from .checkpoints import latest_checkpoint
from .simulated_heads import HeadStream


class SaveTraining(CheckpointSaver):
    """Save a checkpoint of everything in `state`, and of the trainer, after every epoch; the last two are kept."""

    def __init__(self, folder: str, state: dict[str, Any]) -> None:
        super().__init__(folder, dict(state), save_interval=1, n_saved=2)

    def attach(self, engine: Engine) -> None:
        """Save the engine too."""
        self.save_dict["trainer"] = engine
        super().attach(engine)


class ResumeTraining:
    """Load the latest checkpoint of `folder`, if there is one, when the trainer starts."""

    def __init__(self, folder: str, state: dict[str, Any], map_location: Any = None) -> None:
        self.folder, self.state, self.map_location = folder, state, map_location

    def attach(self, engine: Engine) -> None:
        """Load before anything else happens."""
        engine.add_event_handler(Events.STARTED, self)

    def __call__(self, engine: Engine) -> None:
        """Restore everything in `state`, and the engine's epoch."""
        if path := latest_checkpoint(self.folder):
            CheckpointLoader(path, {**self.state, "trainer": engine}, map_location=self.map_location)(engine)


def for_this_process(handlers: Sequence[Any]) -> list[Any]:
    """The handlers of this process: in a training in several processes, only the first one reports and saves."""
    only_first = (SaveTraining, StatsHandler, TensorBoardStatsHandler)
    return [handler for handler in handlers if get_rank() == 0 or not isinstance(handler, only_first)]


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
