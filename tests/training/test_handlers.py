"""Training that is stopped goes on where it was: epoch, network, optimiser, learning rate, and other heads."""

from __future__ import annotations

import csv
import json
import os
from collections.abc import Sequence
from multiprocessing import get_context
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import torch
import torch.distributed as dist
from ignite.engine import Engine, Events
from ignite.metrics import RunningAverage
from monai.data import DataLoader
from monai.engines import SupervisedTrainer
from monai.handlers import LrScheduleHandler, StatsHandler, from_engine
from monai.transforms import Compose
from trainings import skip_where_forking_breaks

from scripts.errors import WrongUsage
from scripts.training import handlers as training_handlers
from scripts.training import resuming
from scripts.training.handlers import CpuBudget, KeepBest, LearningCurve, PeriodicValidation, for_this_process
from scripts.training.heads import HeadStream
from scripts.training.resuming import ContinueStream, ResumeTraining, SaveTraining, scan_names

ITERATIONS = 3


class Drawn:
    """Stands for the drawing of a head: four numbers that follow from the seed."""

    def __call__(self, data: dict[str, Any]) -> dict[str, Any]:
        generator = torch.Generator().manual_seed(data["seed"])
        values = torch.rand(4, generator=generator)
        return {"image": values, "label": values.sum()[None]}


class Same(Compose):
    """Hands the head on as it is."""

    def __call__(self, data: Any, *args: Any, **kwargs: Any) -> Any:
        return data


class Toy:
    """A training of a linear layer, set up as train.json sets it up; what it sees is kept in `seen`."""

    def __init__(
        self,
        folder: Path,
        epochs: int,
        cosine: bool = False,
        iterations: int = ITERATIONS,
        rate: float = 0.01,
        validation: Sequence[str] = ("maps/b.nii.gz", "maps/c.nii.gz"),
    ) -> None:
        torch.manual_seed(0)
        self.network = torch.nn.Linear(4, 1)
        self.optimizer = torch.optim.Adam(self.network.parameters(), lr=rate)
        self.scheduler: torch.optim.lr_scheduler.LRScheduler
        if cosine:
            self.scheduler = torch.optim.lr_scheduler.CosineAnnealingLR(self.optimizer, epochs, eta_min=0.001)
        else:
            self.scheduler = torch.optim.lr_scheduler.StepLR(self.optimizer, step_size=1, gamma=0.5)
        self.stream = HeadStream([{"image": "a"}], Drawn(), Same([]), crops_per_head=2, seed=1)  # type: ignore[arg-type]
        state = {"network": self.network, "optimizer": self.optimizer, "lr_scheduler": self.scheduler}
        data = {"training": self.stream.data, "validation": [{"image": name} for name in validation]}
        self.trainer = SupervisedTrainer(
            device=torch.device("cpu"),
            max_epochs=epochs,
            epoch_length=iterations,
            train_data_loader=DataLoader(self.stream, batch_size=2),
            network=self.network,
            optimizer=self.optimizer,
            loss_function=torch.nn.MSELoss(),
            key_train_metric={"train_loss": RunningAverage(output_transform=from_engine("loss", first=True))},
            metric_cmp_fn=lambda now, before: now < before,
            train_handlers=[
                ResumeTraining(str(folder), state, data=data),
                ContinueStream(self.stream),
                LrScheduleHandler(self.scheduler, print_lr=False),
                SaveTraining(str(folder), state, data),
            ],
        )
        self.epochs: list[int] = []
        self.best: list[tuple[float, int]] = []
        self.rates: list[float] = []
        self.seen: list[float] = []
        self.first_weights = torch.zeros(0)
        self.trainer.add_event_handler(Events.EPOCH_STARTED, self._epoch)
        self.trainer.add_event_handler(Events.ITERATION_COMPLETED, self._batch)

    def run(self) -> Toy:
        self.trainer.run()
        return self

    def _epoch(self) -> None:
        self.epochs.append(self.trainer.state.epoch)
        self.rates.append(self.optimizer.param_groups[0]["lr"])
        self.best.append((self.trainer.state.best_metric, self.trainer.state.best_metric_epoch))
        if len(self.epochs) == 1:
            self.first_weights = self.network.weight.detach().clone()

    def _batch(self) -> None:
        self.seen += [float(sample["image"][0]) for sample in self.trainer.state.output]  # type: ignore[union-attr]

    def steps(self) -> int:
        """How often Adam has stepped."""
        return int(self.optimizer.state_dict()["state"][0]["step"])


def test_it_goes_on_where_it_stopped(tmp_path: Path) -> None:
    first = Toy(tmp_path, epochs=2).run()
    assert first.epochs == [1, 2]
    second = Toy(tmp_path, epochs=4).run()
    assert second.epochs == [3, 4]
    assert torch.equal(second.first_weights, first.network.weight)
    assert second.steps() == 4 * ITERATIONS
    assert second.optimizer.param_groups[0]["lr"] == pytest.approx(0.01 * 0.5**4)
    assert second.trainer.state.iteration == 4 * ITERATIONS


@pytest.mark.parametrize("iterations", [ITERATIONS - 1, ITERATIONS + 1])
def test_epochs_of_another_number_of_iterations_are_refused(iterations: int, tmp_path: Path) -> None:
    Toy(tmp_path, epochs=2).run()
    other = Toy(tmp_path, epochs=4, iterations=iterations)
    sentence = rf"has 3 iterations an epoch, not {iterations}\. Set iterations_per_epoch to 3, or name another folder"
    with pytest.raises(WrongUsage, match=sentence):
        other.run()
    assert other.epochs == []
    assert sorted(path.name for path in tmp_path.iterdir()) == ["checkpoint_epoch=1.pt", "checkpoint_epoch=2.pt"]


@pytest.mark.parametrize("cosine", [False, True])
def test_another_learning_rate_is_refused(cosine: bool, tmp_path: Path) -> None:
    Toy(tmp_path, epochs=2, cosine=cosine).run()
    other = Toy(tmp_path, epochs=4, cosine=cosine, rate=0.02)
    sentence = r"began with a learning rate of 0\.01, not 0\.02\. Set learning_rate to 0\.01, or name another folder"
    with pytest.raises(WrongUsage, match=sentence):
        other.run()
    assert other.epochs == []


@pytest.mark.parametrize(
    ("validation", "words"),
    [
        (["maps/a.nii.gz", "maps/b.nii.gz"], r"c\.nii\.gz is missing, a\.nii\.gz is new"),
        (["maps/c.nii.gz"], r"b\.nii\.gz is missing"),
        (["maps/b.nii.gz", "maps/c.nii.gz", "maps/d.nii.gz"], r"d\.nii\.gz is new"),
    ],
)
def test_other_data_are_refused(validation: list[str], words: str, tmp_path: Path) -> None:
    Toy(tmp_path, epochs=2).run()
    other = Toy(tmp_path, epochs=4, validation=validation)
    with pytest.raises(WrongUsage, match=rf"began with other data for validation: {words}\. Name those that it began"):
        other.run()
    assert other.epochs == []


def test_data_that_were_moved_and_checkpoints_that_tell_no_data_go_on(tmp_path: Path) -> None:
    Toy(tmp_path, epochs=2).run()
    assert Toy(tmp_path, epochs=3, validation=["other/b.nii.gz", "other/c.nii.gz"]).run().epochs == [3]
    path = tmp_path / "checkpoint_epoch=3.pt"
    state = torch.load(path, weights_only=True)
    del state["facts"]
    torch.save(state, path)
    assert Toy(tmp_path, epochs=4, validation=["maps/d.nii.gz"]).run().epochs == [4]


def test_names_of_scans_tell_them_apart_where_their_files_have_one_name() -> None:
    items = [{"image": f"/data/{name}/series"} for name in ("0002", "0001", "0002")]
    assert scan_names(items) == ["0001/series", "0002/series"]
    assert scan_names(items[:1]) == ["series"]
    assert scan_names([]) == []


def test_the_log_of_a_training_that_goes_on_knows_its_best_loss(tmp_path: Path) -> None:
    first = Toy(tmp_path, epochs=2).run()
    assert first.best[0] == (-1, -1)
    second = Toy(tmp_path, epochs=3).run()
    assert second.best == [(first.trainer.state.best_metric, first.trainer.state.best_metric_epoch)]
    assert second.best[0][1] in (1, 2)


def test_a_longer_training_has_the_learning_rates_of_one_that_was_planned_so(tmp_path: Path) -> None:
    planned = Toy(tmp_path / "planned", epochs=8, cosine=True).run().rates
    assert planned == sorted(planned, reverse=True)
    Toy(tmp_path / "longer", epochs=3, cosine=True).run()
    longer = Toy(tmp_path / "longer", epochs=8, cosine=True).run()
    assert longer.rates == pytest.approx(planned[3:])
    assert longer.optimizer.param_groups[0]["lr"] == pytest.approx(0.001)


def test_a_stop_changes_no_learning_rate(tmp_path: Path) -> None:
    planned = Toy(tmp_path / "planned", epochs=4, cosine=True).run().rates
    stopped = Toy(tmp_path / "stopped", epochs=4, cosine=True)
    stopped.trainer.add_event_handler(Events.EPOCH_COMPLETED(once=2), stopped.trainer.terminate)
    stopped.run()
    assert Toy(tmp_path / "stopped", epochs=4, cosine=True).run().rates == planned[2:]


@pytest.mark.parametrize(("epochs", "validated"), [(1, [1]), (3, [2, 3]), (4, [2, 4])])
def test_it_validates_now_and_then_and_at_the_end(epochs: int, validated: list[int]) -> None:
    trainer, seen = Engine(lambda engine, batch: None), []
    handler = PeriodicValidation(2)
    handler.validator = Engine(lambda engine, batch: None)  # type: ignore[assignment]
    handler.validator.run = lambda epoch: seen.append(epoch)  # type: ignore[union-attr]
    handler.attach(trainer)
    trainer.run([0], max_epochs=epochs)
    assert seen == validated


def validating(trainer: Engine, errors: list[float]) -> Any:
    """An evaluator whose errors come one after the other; lower is better, as in the configs."""
    left = iter(errors)
    evaluator = Engine(lambda engine, batch: None)
    evaluator.state.key_metric_name = "brain_error_mm"  # type: ignore[attr-defined]
    evaluator.metric_cmp_fn = lambda now, before: now < before  # type: ignore[attr-defined]
    evaluator.add_event_handler(Events.STARTED, lambda engine: engine.state.metrics.update(brain_error_mm=next(left)))
    return evaluator


def run_with_best(folder: Path, network: torch.nn.Module, errors: list[float], first: int = 0) -> Engine:
    """A training of two epochs from epoch `first` on, that is validated before it, if it begins, and after each."""
    trainer = Engine(lambda engine, batch: torch.nn.init.constant_(next(network.parameters()), engine.state.epoch))
    evaluator = validating(trainer, errors)
    KeepBest(str(folder), evaluator, network).attach(trainer)
    validation = PeriodicValidation(1, exec_at_start=True)
    validation.validator = SimpleNamespace(run=lambda epoch: evaluator.run([0]))  # type: ignore[assignment]
    validation.attach(trainer)
    if first:
        trainer.load_state_dict({"iteration": first, "max_epochs": 2 + first, "epoch_length": 1})
    trainer.run([0], max_epochs=2 + first, epoch_length=1)
    return trainer


def best_of(folder: Path) -> tuple[int, float, float]:
    """The epoch, the error, and the weight of the best network in a folder."""
    state = torch.load(folder / "best.pt", weights_only=True)
    assert state["metric"] == "brain_error_mm"
    return state["epoch"], state["value"], float(next(iter(state["network"].values())).ravel()[0])


@pytest.mark.parametrize(
    ("errors", "expected"),
    [([9.0, 8.0, 8.5], (1, 8.0, 1.0)), ([9.0, 12.0, 10.0], (0, 9.0, 7.0)), ([9.0, float("nan"), 7.0], (2, 7.0, 2.0))],
)
def test_the_network_of_the_best_validation_is_kept(
    errors: list[float], expected: tuple[int, float, float], tmp_path: Path
) -> None:
    network = torch.nn.Linear(1, 1)
    torch.nn.init.constant_(network.weight, 7)
    run_with_best(tmp_path, network, errors)
    assert best_of(tmp_path) == expected


def test_a_training_that_goes_on_compares_with_its_best_and_one_that_begins_does_not(tmp_path: Path) -> None:
    network = torch.nn.Linear(1, 1)
    run_with_best(tmp_path, network, [9.0, 5.0, 6.0])
    run_with_best(tmp_path, network, [5.5, 4.0], first=2)
    assert best_of(tmp_path) == (4, 4.0, 4.0)
    run_with_best(tmp_path, network, [5.5, 4.5], first=2)
    assert best_of(tmp_path) == (4, 4.0, 4.0)
    run_with_best(tmp_path, network, [30.0, 20.0, 25.0])
    assert best_of(tmp_path)[:2] == (1, 20.0)


def test_the_log_of_a_training_that_goes_on_knows_the_best_of_before(tmp_path: Path) -> None:
    """MONAI calls a metric a new best, and names the best, by the evaluator's state, which is new after a stop."""
    network = torch.nn.Linear(1, 1)
    run_with_best(tmp_path, network, [9.0, 5.0, 6.0])
    trainer = Engine(lambda engine, batch: None)
    evaluator = validating(trainer, [])
    KeepBest(str(tmp_path), evaluator, network).attach(trainer)
    trainer.load_state_dict({"iteration": 2, "max_epochs": 3, "epoch_length": 1})
    trainer.run([0], max_epochs=3, epoch_length=1)
    assert (evaluator.state.best_metric, evaluator.state.best_metric_epoch) == (5.0, 1)


def test_negative_control_without_a_checkpoint_it_starts_anew(tmp_path: Path) -> None:
    Toy(tmp_path / "one", epochs=2).run()
    other = Toy(tmp_path / "other", epochs=1).run()
    assert other.epochs == [1]
    assert other.steps() == ITERATIONS


def test_the_last_two_checkpoints_are_kept_and_hold_plain_tensors(tmp_path: Path) -> None:
    Toy(tmp_path, epochs=3).run()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["checkpoint_epoch=2.pt", "checkpoint_epoch=3.pt"]
    state = torch.load(tmp_path / "checkpoint_epoch=3.pt", weights_only=True)
    assert set(state) == {"network", "optimizer", "lr_scheduler", "trainer", "facts"}


def test_a_resume_leaves_no_checkpoints_behind(tmp_path: Path) -> None:
    Toy(tmp_path, epochs=2).run()
    Toy(tmp_path, epochs=3).run()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["checkpoint_epoch=2.pt", "checkpoint_epoch=3.pt"]
    Toy(tmp_path, epochs=5).run()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["checkpoint_epoch=4.pt", "checkpoint_epoch=5.pt"]


def test_a_finished_training_stays_finished(tmp_path: Path) -> None:
    done = Toy(tmp_path, epochs=2).run()
    again = Toy(tmp_path, epochs=2).run()
    assert again.seen == []
    assert torch.equal(again.network.weight, done.network.weight)


def test_heads_differ_after_a_resume(tmp_path: Path) -> None:
    first = Toy(tmp_path, epochs=1).run()
    second = Toy(tmp_path, epochs=2).run()
    assert second.stream.epoch == 2, "it began with epoch 1, and each iteration over it counts on"
    assert set(first.seen).isdisjoint(second.seen)
    fresh = Toy(tmp_path / "fresh", epochs=1).run()
    assert fresh.seen == first.seen, "the same seed, epoch and rank give the same heads"


def test_heads_differ_by_process(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    first = Toy(tmp_path / "one", epochs=1).run()
    monkeypatch.setattr(resuming, "get_rank", lambda: 1)
    other = Toy(tmp_path / "two", epochs=1).run()
    assert (first.stream.rank, other.stream.rank) == (0, 1)
    assert set(first.seen).isdisjoint(other.seen)


def test_only_the_first_process_reports_and_saves(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    resume, save, stats = (
        ResumeTraining("x", {}),
        SaveTraining(str(tmp_path), {"network": torch.nn.Linear(1, 1)}),
        StatsHandler(),
    )
    assert for_this_process([resume, save, stats]) == [resume, save, stats]
    monkeypatch.setattr(training_handlers, "get_rank", lambda: 1)
    assert for_this_process([resume, save, stats]) == [resume]
    counting = curve(tmp_path)
    shared = [counting, CpuBudget(counting, 1)]
    assert for_this_process(shared) == shared, "all processes count, and end together"


def learning(folder: Path, epochs: int, curve: LearningCurve, evaluator: Engine) -> Engine:
    """A trainer that does nothing but count, with a validation after every second epoch."""
    trainer = Engine(lambda engine, batch: None)
    for handler in (ResumeTraining(str(folder), {"curve": curve}), curve):
        handler.attach(trainer)
    trainer.add_event_handler(Events.EPOCH_COMPLETED(every=2), lambda: evaluator.run([0]))
    SaveTraining(str(folder), {"curve": curve}).attach(trainer)
    trainer.run([0, 1, 2], max_epochs=epochs)
    return trainer


def validation(error_mm: float) -> Engine:
    """An evaluator with one metric, always the same."""
    evaluator = Engine(lambda engine, batch: None)
    evaluator.add_event_handler(Events.EPOCH_COMPLETED, lambda: evaluator.state.metrics.update(brain_error_mm=error_mm))
    return evaluator


def test_learning_curve_tells_the_cost_and_goes_on_after_a_resume(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ticks = iter(range(1000))
    monkeypatch.setattr(LearningCurve, "_now", staticmethod(lambda: dict.fromkeys(("cpu_s", "wall_s"), next(ticks))))
    for epochs, error_mm in ((4, 20.0), (6, 10.0)):
        evaluator = validation(error_mm)
        learning(tmp_path, epochs, LearningCurve(str(tmp_path), evaluator), evaluator)
    with (tmp_path / LearningCurve.FILE).open() as file:
        rows = [[float(value) for value in row.values()] for row in csv.DictReader(file)]
    assert rows == [[2, 6, 2, 2, 20], [4, 12, 4, 4, 20], [6, 18, 6, 6, 10]], "one tick an epoch"


class Curve(LearningCurve):
    """A curve that counts three seconds an epoch."""

    def _stop(self, engine: Engine) -> None:
        self.spent["cpu_s"] += 3


def trained(folder: Path, seconds: float | None, curve: Curve, epochs: int = 5) -> Engine:
    """A training of two iterations an epoch that does nothing."""
    engine = Engine(lambda engine, batch: None)
    save = SaveTraining(str(folder), {"network": torch.nn.Linear(1, 1)})
    for handler in (curve, CpuBudget(curve, seconds), save):
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


def test_the_epoch_in_which_the_budget_is_spent_is_validated(tmp_path: Path) -> None:
    engine, seen = Engine(lambda engine, batch: None), []
    validation = PeriodicValidation(2)
    validation.validator = SimpleNamespace(run=seen.append)  # type: ignore[assignment]
    counting = curve(tmp_path)
    for handler in (counting, CpuBudget(counting, 7), validation):
        handler.attach(engine)
    engine.run([0, 1], max_epochs=5)
    assert seen == [2, 3]


def test_without_a_budget_it_only_counts(tmp_path: Path) -> None:
    engine = trained(tmp_path, None, curve(tmp_path))
    assert engine.state.epoch == 5
    assert engine.state.metrics["cpu_seconds"] == 15


def test_a_training_whose_budget_is_spent_is_not_gone_on_with(tmp_path: Path) -> None:
    spent = curve(tmp_path)
    spent.load_state_dict({"spent": {"cpu_s": 8.0, "wall_s": 0.0}, "rows": []})
    assert trained(tmp_path, 7, spent).state.iteration <= 1


def test_a_budget_that_is_none_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="must be positive, got 0 s; null means without limit"):
        CpuBudget(curve(tmp_path), 0)


def test_negative_control_the_engine_fires_what_the_budget_listens_to(tmp_path: Path) -> None:
    engine = Engine(lambda engine, batch: None)
    CpuBudget(curve(tmp_path), 1).attach(engine)
    for event in (Events.EPOCH_STARTED, Events.EPOCH_COMPLETED):
        assert len(engine._event_handlers[event]) == 1


def one_of_two(rank: int, folder: Path) -> None:
    """A training whose first process spends one CPU-second an epoch, its second one three; each waits for the other."""
    os.environ["LOCAL_RANK"] = str(rank)
    dist.init_process_group("gloo", init_method=f"file://{folder / 'meeting'}", rank=rank, world_size=2)
    ticks = iter(range(100))
    LearningCurve._now = staticmethod(lambda: dict.fromkeys(("cpu_s", "wall_s"), next(ticks) * (1 + 2 * rank)))
    trainer, evaluator = Engine(lambda engine, batch: dist.barrier()), Engine(lambda engine, batch: None)
    curve = LearningCurve(str(folder), evaluator)
    save = SaveTraining(str(folder), {"network": torch.nn.Linear(1, 1), "curve": curve})
    for handler in for_this_process([curve, CpuBudget(curve, 7), save]):
        handler.attach(trainer)
    trainer.add_event_handler(Events.EPOCH_COMPLETED, lambda: evaluator.run([0]))
    trainer.run([0], max_epochs=5)
    (folder / f"{rank}.json").write_text(json.dumps([trainer.state.iteration, curve.spent, len(curve.rows)]))
    dist.destroy_process_group()


def test_two_processes_end_after_the_epoch_in_which_the_sum_of_their_seconds_is_spent(tmp_path: Path) -> None:
    skip_where_forking_breaks()  # forked, they need not import what is imported here
    both = [get_context("fork").Process(target=one_of_two, args=(rank, tmp_path), daemon=True) for rank in (0, 1)]
    for process in both:
        process.start()
    for process in both:
        process.join(300)
    assert [process.exitcode for process in both] == [0, 0]
    found = [json.loads((tmp_path / f"{rank}.json").read_text()) for rank in (0, 1)]
    assert [iterations for iterations, _, _ in found] == [2, 2], "after 4 and 8 of 7 seconds"
    assert [spent for _, spent, _ in found] == [{"cpu_s": 8, "wall_s": 2}, {"cpu_s": 8, "wall_s": 6}]
    assert [rows for _, _, rows in found] == [2, 0], "the first one writes the curve"
    assert (tmp_path / "checkpoint_epoch=2.pt").is_file()
