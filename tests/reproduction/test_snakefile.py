"""The rules' command lines: ids that their configs have, what each network needs, and which scans are examples."""

from __future__ import annotations

import inspect
import os
import shlex
import subprocess
from pathlib import Path
from pydoc import locate
from typing import Any

import pytest
from paper_inputs import case, datalist, plan, run

from reproduction.commands import reproduce
from reproduction.folder import Reproduction
from reproduction.plan import read_manifest
from scripts.assets import config

TEST = [
    case("both", ICH=True, Fracture=True, BleedLocation_Left=True),
    case("left", ICH=True, BleedLocation_Left=True),
    case("right", ICH=True, BleedLocation_Right=True),
    case("broken", Fracture=True),
    case("healthy"),
]

REST = {"gpus": 1, "workers": 2, "engine": "local", "address": None, "memory": [], "memory_iterations": 2}
"""What a manifest says by itself."""


def listed(folder: Path, manifest: dict[str, Any]) -> dict[str, list[str]]:
    """The words of each step that is still to do, by its name."""
    out = Reproduction(folder / "out")
    out.root.mkdir(exist_ok=True)
    manifest["datalist"] = str(datalist(folder, TEST))
    out.write(reproduce.settings(out, manifest, 2))
    command = [*reproduce.SNAKEMAKE, "--configfile", str(out.root / "manifest.json"), "--directory", str(folder)]
    environment = {**os.environ, "XDG_CACHE_HOME": str(folder)}
    done = subprocess.run(
        [*command, "--dry-run", "--cores", "2", *reproduce.ALWAYS],
        stdout=subprocess.PIPE,
        text=True,
        check=True,
        env=environment,
    )
    return {name: shlex.split(text) for name, text in (line.split("\t") for line in done.stdout.splitlines())}


@pytest.fixture(scope="module", params=reproduce.SHIPPED)
def shipped(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> dict[str, list[str]]:
    """The steps of a manifest that ships, for a datalist of toy cases."""
    return listed(tmp_path_factory.mktemp("shipped"), read_manifest(config(request.param)))


def option(words: list[str], name: str) -> str | None:
    """The value of an option of a command line."""
    return words[words.index(name) + 1] if name in words else None


def test_overrides_name_ids_of_the_configs(shipped: dict[str, list[str]]) -> None:
    """MONAI takes a misspelt override without a word."""
    from monai.bundle import ConfigParser

    found = {name: words for name, words in shipped.items() if "monai.bundle" in words}
    assert len(found) > 8
    for name, words in found.items():
        files = (option(words, "--config_file") or "").strip("[]").replace("'", "").split(",")
        parser = ConfigParser()
        parser.read_config(files)
        options = [word[2:] for word in words if word.startswith("--") and not word.startswith("--nproc")]
        assert [o for o in options if o not in parser and o not in ("config_file", "standalone")] == [], name
        assert words[words.index("run") + 1] == "--config_file"


def test_commands_are_understood(shipped: dict[str, list[str]]) -> None:
    from scripts.commands.main import parser_for

    for name, words in shipped.items():
        if "monai.bundle" not in words and name != "memory":
            words = words[words.index(str(config("").parent)) + 1 : words.index(">>")]
            assert callable(parser_for(words).parse_args(words).main), name


def test_what_each_network_is_trained_and_judged_with(tmp_path: Path) -> None:
    runs = [
        run("p", width=2, patch_size=19, train={"start_weights": None}),
        run("a", "autoencoder", 3, stride=1),
        run("d", "dense", 16, patch_size=39, score="top_1_percent_mean"),
    ]
    more = {"engine": "ray", "address": "10.0.0.1:6379", "workers": 3, "device": "cuda:1"}
    found = listed(tmp_path, plan(runs, tmp_path, **{**REST, **more}))
    configs = {name: (option(words, "--config_file") or "") for name, words in found.items()}
    assert configs["train:p"].count(".json") == 3
    assert configs["train:p"].endswith("published_train.json']")
    assert configs["train:a"].endswith("autoencoder.json']")
    assert configs["train:d"].endswith("train_scans.json']")
    assert option(found["train:p"], "--patch_size") == "19"
    assert option(found["train:p"], "--start_weights") == "$None"
    assert option(found["train:a"], "--patch_size") is None
    assert option(found["train:p"], "--device") == "$torch.device('cuda:1')"
    names = ("--mode", "--width", "--patch-size", "--stride", "--engine", "--address", "--workers", "--map")
    names = (*names, "--pooling")
    assert {name: [option(found[f"cohort:{name}"], key) for key in names] for name in "pad"} == {
        "p": ["published", "2", "19", "4", "ray", "10.0.0.1:6379", "3", "error", "maximum"],
        "a": ["autoencoder", "3", None, None, "ray", "10.0.0.1:6379", "3", None, "maximum"],
        "d": ["dense", "16", "39", "4", "ray", "10.0.0.1:6379", "3", "error", "top_1_percent_mean"],
    }
    caches = {option(words, "--work") for name, words in found.items() if name.startswith("cohort:")}
    assert caches == {str(tmp_path / "out" / "registered")}, "each scan is registered once"
    prepared = {option(words, "--prepared_dir") for words in found.values()} - {None}
    assert prepared == {option(found["prepare"], "-o")}
    assert option(found["export:p"], "--config") == "published_train.json"
    assert option(found["export:d"], "--config") == "train.json"


def test_several_gpus_share_a_position_network(tmp_path: Path) -> None:
    runs = [run("p"), run("a", "autoencoder", stride=1)]
    found = listed(tmp_path, plan(runs, tmp_path, **{**REST, "gpus": 4, "device": "auto"}))
    assert "--nproc_per_node=4" in found["train:p"]
    assert (option(found["train:p"], "--config_file") or "").endswith("multi_gpu_train.json']")
    assert "--device" not in found["train:p"]
    assert "torch.distributed.run" not in found["train:a"], "its batch norm would see a part of the batch"


def test_examples_are_the_first_that_show_one_thing_and_were_not_refused(tmp_path: Path) -> None:
    """Of the widest run of each network, which have scores already."""
    runs = [run("small", width=1), run("large", width=8), run("also", width=8, patch_size=19)]
    runs.append(run("a", "autoencoder", 2, stride=1))
    files = ["steps/prepare.done"]
    for made in ("train/checkpoint_epoch=2.pt", "weights.pt", "cohort/scores.csv", "cohort/evaluation.json"):
        files += [f"runs/{row['name']}/{made}" for row in runs]
    for time, path in enumerate(tmp_path / "out" / name for name in files):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("case,status\n" + "left,refused\n" * (path.parent.parent.name == "a"))
        os.utime(path, (time, time))
    found = listed(tmp_path, plan(runs, tmp_path, **REST, device="cpu", examples={"haemorrhage": 1, "fracture": 1}))
    examples = {f"example:{name}:{scan}" for name in ("large", "a") for scan in ("right", "broken")}
    assert set(found) == {"paper", *examples}
    words = found["example:large:right"]
    assert option(words, "--dataset_dir") == str(tmp_path / "scans" / "right")
    assert option(words, "--series_uid") is None
    assert "--patch_size" not in found["example:a:right"]
    target: Any = locate(option(words, "--dataset#_target_") or "")
    added = {word.removeprefix("--dataset#") for word in words if word.startswith("--dataset#")} - {"_target_"}
    assert added <= set(inspect.signature(target).parameters), "the registered scan takes the place of the series"
