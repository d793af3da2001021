"""Manifests of reproductions: which networks are trained and judged, how, and on what; YAML files.

A *run* is one network: trained on the healthy scans of a datalist, then judged on its test scans. `defaults` holds what
all runs of a kind of network share. Paths are relative to the manifest's folder. What is misspelt, missing or of
another type is refused, with the run that it stands in: a sweep takes hours or days, and should not end with a typo.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any

import yaml

from scripts.anomaly.scores import POOLINGS
from scripts.errors import WrongUsage
from scripts.networks.position import PATCH_SIZES, STRIDES

POSITION, DENSE, AUTOENCODER = "position", "dense", "autoencoder"
NETWORKS = (POSITION, DENSE, AUTOENCODER)
"""Kinds of networks: position regression as published, the dense one of this bundle, and the published baseline."""

ENGINES = ("local", "ray")
"""Where a cohort is worked on: in processes of this machine, or on a Ray cluster."""

NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._-]{0,59}")
"""Names that a folder can have anywhere."""

ID, WORD = re.compile(r"[A-Za-z]\w*(#([A-Za-z]\w*|\d+))*"), re.compile(r"[A-Za-z0-9_.,/ +-]*")
"""Ids of a config that say nothing of what is run, and texts that are none of its expressions or components."""

SCANS = "scans"
"""As iterations of an epoch: as many as there are training scans."""

SMALLEST_PATCH = 19
"""Smallest side of a patch, in voxels, that the published network takes."""


@dataclass(frozen=True)
class Run:
    """A network to train and to judge. `train` holds further values of its training config, by id: nothing to run."""

    name: str
    network: str
    width: int
    epochs: int
    iterations_per_epoch: int | str
    stride: int
    score: str
    patch_size: int | None = None
    seed: int = 1
    train: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Manifest:
    """A reproduction. `memory` names setups of `head-ct-anomaly memory`; `examples` are scans to draw, by label."""

    runs: tuple[Run, ...]
    datalist: Path | None = None
    reads: Path | None = None
    device: str = "auto"
    gpus: int = 1
    workers: int = 1
    engine: str = "local"
    address: str | None = None
    memory: tuple[str, ...] = ()
    memory_iterations: int = 2
    examples: Mapping[str, int] = field(default_factory=lambda: {"haemorrhage": 2, "fracture": 1})


Check = tuple[Callable[[Any], bool], str]
"""Whether a value is good, and what a good one is."""


def _whole(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value > 0


def _plain(value: Any) -> bool:
    """Whether a value is a number, a plain word, or a list of such: nothing that a config would evaluate."""
    if isinstance(value, list):
        return all(map(_plain, value))
    return isinstance(value, int | float | None) or (isinstance(value, str) and bool(WORD.fullmatch(value)))


def _among(*words: Any) -> Check:
    return lambda value: value in words, f"one of {', '.join(map(str, words))}"


def _of(kind: type, words: str) -> Check:
    return lambda value: isinstance(value, kind), words


COUNT: Check = (_whole, "a whole number from 1 on")
PATH: Check = _of(str, "a path")
VALUES: Check = (lambda value: isinstance(value, dict) and all(isinstance(k, str) for k in value), "ids with values")
SETTINGS: Check = (
    lambda value: VALUES[0](value) and all(map(ID.fullmatch, value)) and all(map(_plain, value.values())),
    "ids with values that are numbers, plain words or lists of them",
)
TEXTS: Check = (lambda value: isinstance(value, list) and all(isinstance(t, str) for t in value), "a list of words")

RUN_CHECKS: dict[str, Check] = {
    "name": (lambda value: isinstance(value, str) and bool(NAME.fullmatch(value)), "letters, digits, - _ and ."),
    "network": _among(*NETWORKS),
    "width": COUNT,
    "patch_size": (
        lambda value: _whole(value) and value % 2 == 1 and value >= SMALLEST_PATCH,
        "an odd number from 19 on",
    ),
    "epochs": COUNT,
    "iterations_per_epoch": (
        lambda value: value == SCANS or _whole(value),
        f"a whole number from 1 on, or {json.dumps(SCANS)}",
    ),
    "stride": COUNT,
    "score": _among(*POOLINGS),
    "seed": (lambda value: value == 0 or _whole(value), "a whole number from 0 on"),
    "train": SETTINGS,
}
"""The keys of a run."""

CHECKS: dict[str, Check] = {
    "runs": (lambda value: isinstance(value, list) and bool(value), "a list of one run or more"),
    "defaults": (lambda value: VALUES[0](value) and all(map(VALUES[0], value.values())), "networks with values"),
    "datalist": PATH,
    "reads": PATH,
    "device": (lambda value: isinstance(value, str) and bool(re.fullmatch(r"auto|cpu|cuda(:\d+)?", value)), "a device"),
    "gpus": COUNT,
    "workers": COUNT,
    "engine": _among(*ENGINES),
    "address": _of(str, "an address"),
    "memory": TEXTS,
    "memory_iterations": (lambda value: _whole(value) and value > 1, "a whole number from 2 on"),
    "examples": (
        lambda value: isinstance(value, dict)
        and set(value) <= {"haemorrhage", "fracture"}
        and all(map(_whole, value.values())),
        "haemorrhage and fracture, each with a number of scans",
    ),
}
"""The keys of a manifest."""


def read_manifest(path: Path) -> Manifest:
    """The manifest in a file.

    Raises:
        WrongUsage: there is none, or something in it is wrong; the message names the key and the run.
    """
    content = _content(path)
    _check(content, CHECKS, f"{path}")
    if "runs" not in content:
        raise WrongUsage(f"{path} names no runs. List the networks to train under runs.")
    defaults = content.pop("defaults", {})
    if unknown := set(defaults) - set(NETWORKS):
        raise WrongUsage(f"defaults in {path}: {min(unknown)!r} is none of {', '.join(NETWORKS)}.")
    runs = tuple(_run(row, number, defaults, path) for number, row in enumerate(content.pop("runs"), start=1))
    if twice := [name for name, count in Counter(run.name for run in runs).items() if count > 1]:
        raise WrongUsage(f"Two runs in {path} are called {twice[0]}. Give each a name of its own.")
    for key in ("datalist", "reads"):
        if key in content:
            content[key] = (path.parent / content[key]).absolute()
    return Manifest(runs, **{**content, "memory": tuple(content.get("memory", ()))})


def _check_once(node: Any) -> None:
    """Refuse a key that is twice in a mapping, of which YAML would keep the last."""
    pairs = node.value if isinstance(node, yaml.MappingNode) else []
    keys = Counter(str(key.value) for key, _ in pairs)
    if twice := [key for key, count in keys.items() if count > 1]:
        raise yaml.YAMLError(f"{twice[0]!r} is there twice, in what begins in line {node.start_mark.line + 1}")
    for inner in [value for _, value in pairs] if pairs else getattr(node, "value", ()):
        if isinstance(inner, yaml.Node):
            _check_once(inner)


def _content(path: Path) -> dict[str, Any]:
    if not path.is_file():
        raise WrongUsage(f"There is no manifest at {path}. Name a YAML file, or one that ships with the bundle.")
    try:
        text = path.read_text(encoding="utf-8")
        _check_once(yaml.compose(text, yaml.SafeLoader))
        content = yaml.safe_load(text)
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise WrongUsage(f"{path} can't be read: {' '.join(str(error).split())[:200]}. Correct its YAML.") from error
    if not isinstance(content, dict):
        raise WrongUsage(f"{path} is no manifest: it needs keys such as runs, each with a value.")
    return content


def _check(content: Mapping[Any, Any], checks: Mapping[str, Check], where: str) -> None:
    """Refuse keys and values that are none."""
    for key, value in content.items():
        if key not in checks:
            raise WrongUsage(f"{where}: {key!r} is no key. There are {', '.join(checks)}.")
        is_good, words = checks[key]
        if not is_good(value):
            raise WrongUsage(f"{where}: {key} must be {words}, not {value!r}.")


def _run(row: Any, number: int, defaults: Mapping[str, Any], path: Path) -> Run:
    """A run, with the defaults of its network for what it does not say."""
    where = f"Run {number} in {path}"
    if not isinstance(row, dict):
        raise WrongUsage(f"{where} must be keys with values, such as name, network and width, not {row!r}.")
    where = f"Run {number} ({row.get('name', 'without a name')}) in {path}"
    settings = {**defaults.get(str(row.get("network")), {}), **row}
    _check(settings, RUN_CHECKS, where)
    optional = {f.name for f in fields(Run)} - {"patch_size", "seed", "train"}
    if missing := [name for name in RUN_CHECKS if name in optional and name not in settings]:
        raise WrongUsage(f"{where} has no {missing[0]}. Add it, there or to the defaults of its network.")
    run = Run(**settings)
    _check_network(run, where)
    return run


def _check_network(run: Run, where: str) -> None:
    """Refuse what the network of a run can't be."""
    if (run.network == AUTOENCODER) != (run.patch_size is None):
        words = "sees no patches: remove" if run.network == AUTOENCODER else "needs a"
        raise WrongUsage(f"{where}: its network, {run.network}, {words} patch_size.")
    if run.network == DENSE and run.patch_size not in PATCH_SIZES:
        raise WrongUsage(f"{where}: patch_size must be one of {', '.join(map(str, PATCH_SIZES))} for a dense network.")
    if run.network == DENSE and run.stride not in STRIDES:
        raise WrongUsage(f"{where}: stride must be one of {', '.join(map(str, STRIDES))} for a dense network.")
    if run.network == AUTOENCODER and run.stride != 1:
        raise WrongUsage(f"{where}: stride must be 1 for an autoencoder, whose map has every voxel.")
