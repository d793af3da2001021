"""The steps of a reproduction: command lines that can be run anywhere, in an order in which each has what it needs.

Every network is trained by an ordinary `monai.bundle run` of the bundle's configs (by torchrun on several GPUs), and so
are the examples; the other steps are commands of this program. A *product* is the file that a step leaves.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from scripts.assets import bundle_root, config
from scripts.datasets.datalist import Case, listed_scans
from scripts.errors import WrongUsage
from scripts.workflow import parsed_configs

from .examples import chosen, labelled_tests
from .folder import Reproduction, read_csv
from .plan import AUTOENCODER, DENSE, POSITION, SCANS, Manifest, Run

TRAINING = {
    POSITION: ("train.json", "train_scans.json", "published_train.json"),
    DENSE: ("train.json", "train_scans.json"),
    AUTOENCODER: ("train.json", "train_scans.json", "autoencoder.json"),
}
"""Configs that train each network."""

INFERENCE = {
    POSITION: ("published.json", "published"),
    DENSE: (None, "dense"),
    AUTOENCODER: ("autoencoder_inference.json", "autoencoder"),
}
"""For each network: the overlay of inference.json, and the mode of `head-ct-anomaly cohort`."""

PREPARE, MEMORY, PAPER = "prepare", "memory", "paper"
"""Steps that belong to no run."""


@dataclass(frozen=True)
class Step:
    """A command line, what it leaves, and the steps that come before it.

    One that is run `always` is run even if it is done; a `late` one may be another when the others are done.
    """

    name: str
    words: tuple[str, ...]
    product: Path
    needs: tuple[str, ...] = ()
    always: bool = False
    late: bool = False

    @property
    def run(self) -> str:
        """The run that it belongs to; its own name where it belongs to none."""
        return self.name.partition(":")[2].partition(":")[0] or self.name


def steps(folder: Reproduction, manifest: Manifest) -> list[Step]:
    """All steps. Those of examples leave out scans that were refused, as far as that is known.

    Raises:
        WrongUsage: the datalist is not one, or a run sets an id that its config does not have.
    """
    found = [prepare_step(folder, manifest)]
    for run in manifest.runs:
        found += run_steps(folder, manifest, run)
    if manifest.memory:
        found.append(memory_step(folder, manifest))
    found += example_steps(folder, manifest)
    return [*found, Step(PAPER, ours("paper", folder.root), folder.paper / "README.md", always=True, late=True)]


def with_needed(found: Sequence[Step], names: Sequence[str]) -> list[Step]:
    """The steps that belong to the runs, or are the steps, with these names, and all that these need.

    Raises:
        WrongUsage: there is no such run or step.
    """
    by_name = {step.name: step for step in found}
    if unknown := [name for name in names if name not in by_name and all(step.run != name for step in found)]:
        raise WrongUsage(f"There is no run or step {unknown[0]}. --list names them all.")
    needed = [step.name for step in found if step.name in names or step.run in names]
    for name in needed:  # grows while it is gone through
        needed += [other for other in by_name[name].needs if other not in needed]  # noqa: B909
    return [step for step in found if step.name in needed]


def prepare_step(folder: Reproduction, manifest: Manifest) -> Step:
    """Register the scans to train on, once for all runs."""
    words = ours("prepare", manifest.datalist, "-o", prepared(folder), *engine(manifest))
    return Step(PREPARE, words, prepared(folder))


def engine(manifest: Manifest) -> list[Any]:
    """The arguments that say where scans are worked through."""
    address = ["--address", manifest.address] if manifest.address else []
    return ["--engine", manifest.engine, *address, "--workers", manifest.workers]


def prepared(folder: Reproduction) -> Path:
    """Where registered training scans are kept."""
    return folder.root / "prepared"


def registered(folder: Reproduction) -> Path:
    """Where registered test scans are kept."""
    return folder.root / "registered"


def run_steps(folder: Reproduction, manifest: Manifest, run: Run) -> list[Step]:
    """Train a network, make its weights, score the test scans, evaluate."""
    place, train, cohort = folder.run(run.name), folder.run(run.name) / "train", folder.cohort(run.name)
    weights = place / "weights.pt"
    names = {stage: f"{stage}:{run.name}" for stage in ("train", "export", "cohort", "evaluate")}
    export = ours("export", train, "--config", overlay(run), *sizes(run), "-o", weights)
    evaluate = ours("evaluate", cohort, manifest.datalist, "--section", "test")
    last = train / f"checkpoint_epoch={run.epochs}.pt"
    return [
        Step(names["train"], training(folder, manifest, run), last, (PREPARE,)),
        Step(names["export"], export, weights, (names["train"],)),
        Step(names["cohort"], scoring(folder, manifest, run), cohort / "scores.csv", (names["export"],)),
        Step(names["evaluate"], evaluate, cohort / "evaluation.json", (names["cohort"],)),
    ]


def training(folder: Reproduction, manifest: Manifest, run: Run) -> tuple[str, ...]:
    """The command line that trains a network; only position networks can share several GPUs.

    Raises:
        WrongUsage: the run sets an id that the config does not have.
    """
    configs, parser = TRAINING[run.network], parsed_configs(TRAINING[run.network])
    if unknown := [name for name in run.train if name not in parser]:
        raise WrongUsage(f"Run {run.name}: train sets {unknown[0]}, which is no id of {' and '.join(configs)}.")
    values = {
        "datalist": manifest.datalist,
        "prepared_dir": prepared(folder),
        "output_dir": folder.run(run.name) / "train",
        "width": run.width,
        "patch_size": run.patch_size,
        "max_epochs": run.epochs,
        "iterations_per_epoch": iterations(manifest, run, parser),
        "seed": run.seed,
        **{name: "$None" if value is None else value for name, value in run.train.items()},
    }
    if manifest.gpus > 1 and run.network != AUTOENCODER:
        return bundle_run((*configs, "multi_gpu_train.json"), values, gpus=manifest.gpus)
    return bundle_run(configs, {**values, "device": device(manifest)})


def iterations(manifest: Manifest, run: Run, parser: Any) -> int:
    """Iterations of an epoch: as many as the run says, or as let every training scan be seen once."""
    if run.iterations_per_epoch != SCANS:
        return int(run.iterations_per_epoch)
    at_once = int(run.train.get("crops_per_iteration", parser["crops_per_iteration"]))
    return -(-len(listed_scans(str(manifest.datalist), "training")) // at_once)


def scoring(folder: Reproduction, manifest: Manifest, run: Run) -> tuple[str, ...]:
    """The command line that scores the test scans."""
    words: list[Any] = ["cohort", manifest.datalist, "-o", folder.cohort(run.name), "--section", "test"]
    words += ["--mode", INFERENCE[run.network][1], "--weights", folder.run(run.name) / "weights.pt", *sizes(run)]
    if run.network != AUTOENCODER:
        words += ["--stride", run.stride, "--map", "error"]
    words += ["--score", run.score, "--device", manifest.device, "--cache", registered(folder), "--scores-only"]
    return ours(*words, *engine(manifest))


def memory_step(folder: Reproduction, manifest: Manifest) -> Step:
    """Measure trainings; what is in the table already is not measured again."""
    words = ("memory", *manifest.memory, "-o", folder.memory_table, "--device", manifest.device)
    words_ = ours(*words, "--iterations", manifest.memory_iterations)
    return Step(MEMORY, words_, folder.memory_table, always=True)


def example_steps(folder: Reproduction, manifest: Manifest) -> list[Step]:
    """Whole results of the scans that figures show, by the widest run of each network."""
    shown = widest(manifest.runs)
    cases = chosen(labelled_tests(str(manifest.datalist)), manifest.examples, refused(folder, shown))
    return [
        Step(
            f"example:{run.name}:{case.name}",
            example(folder, manifest, run, case),
            folder.example(run.name, case.name) / "result.json",
            (f"evaluate:{run.name}",),
            late=True,
        )
        for run in shown
        for case in cases
    ]


def widest(runs: Iterable[Run]) -> list[Run]:
    """The widest run of each network; of several, the first."""
    found: dict[str, Run] = {}
    for run in runs:
        if run.network not in found or run.width > found[run.network].width:
            found[run.network] = run
    return list(found.values())


def refused(folder: Reproduction, runs: Sequence[Run]) -> frozenset[str]:
    """The cases that one of the runs has no scores of, as far as they were scored."""
    rows = [row for run in runs for row in read_csv(folder.cohort(run.name) / "scores.csv")]
    return frozenset(row["case"] for row in rows if row["status"] != "done")


def example(folder: Reproduction, manifest: Manifest, run: Run, case: Case) -> tuple[str, ...]:
    """The command line that makes whole results of a scan, which is registered already."""
    name = INFERENCE[run.network][0]
    values = {
        "dataset_dir": case.image,
        "series_uid": case.series_uid,
        "output_dir": folder.example(run.name, case.name),
        "weights": folder.run(run.name) / "weights.pt",
        "width": run.width,
        "score": run.score,
        "device": device(manifest),
        "dataset#_target_": "scripts.datasets.registered.RegisteredScans",
        "dataset#folder": registered(folder),
        "dataset#series_uid": "@series_uid",
    }
    if run.network != AUTOENCODER:
        values |= {"patch_size": run.patch_size, "stride": run.stride, "map": "error"}
    return bundle_run(("inference.json", *([name] if name else [])), values)


def overlay(run: Run) -> str:
    """The config of a training that `export` asks for."""
    return TRAINING[run.network][-1] if run.network != DENSE else "train.json"


def sizes(run: Run) -> list[Any]:
    """Width and patch size as options."""
    return ["--width", run.width, *(["--patch-size", run.patch_size] if run.patch_size else [])]


def device(manifest: Manifest) -> str | None:
    """The device as a value of a config; None leaves the choice to it."""
    return None if manifest.device == "auto" else f"$torch.device({manifest.device!r})"


def bundle_run(configs: Sequence[str], values: Mapping[str, Any], gpus: int = 1) -> tuple[str, ...]:
    """A `monai.bundle run` of configs of the bundle, the later over the earlier, with values of ids; None sets none."""
    start = ["-m", "torch.distributed.run", "--standalone", f"--nproc_per_node={gpus}"] if gpus > 1 else []
    files = ",".join(repr(str(config(name))) for name in configs)
    words = [sys.executable, *start, "-m", "monai.bundle", "run"]
    words += ["--config_file", f"[{files}]", "--bundle_root", str(bundle_root())]
    for name, value in values.items():
        words += [f"--{name}", str(value)] if value is not None else []
    return tuple(words)


def ours(*words: Any) -> tuple[str, ...]:
    """A command of this program."""
    return (sys.executable, str(bundle_root()), *map(str, words))
