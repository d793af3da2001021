"""The steps' command lines: ids that their configs have, and what each network needs."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path
from typing import Any

import pytest
from paper_inputs import case, datalist, run

from reproduction.commands import reproduce
from reproduction.folder import Reproduction
from reproduction.plan import Manifest, read_manifest
from reproduction.steps import Step, refused, steps, widest, with_needed
from scripts.assets import config
from scripts.errors import WrongUsage

TEST = [
    case("both", ICH=True, Fracture=True, BleedLocation_Left=True),
    case("left", ICH=True, BleedLocation_Left=True),
    case("right", ICH=True, BleedLocation_Right=True),
    case("broken", Fracture=True),
    case("healthy"),
]


def shipped(folder: Path, name: str) -> list[Step]:
    """The steps of a manifest that ships, for a datalist of toy cases."""
    manifest = dataclasses.replace(read_manifest(config(name)), datalist=datalist(folder, TEST))
    return steps(Reproduction(folder / "out"), manifest)


def made(folder: Path, *runs: Any, **more: Any) -> dict[str, Step]:
    """The steps of a manifest of some runs, by name."""
    manifest = Manifest(tuple(runs), datalist=datalist(folder, TEST), **more)
    return {step.name: step for step in steps(Reproduction(folder / "out"), manifest)}


def option(step: Step, name: str) -> str | None:
    """The value of an option of a step's command line."""
    return step.words[step.words.index(name) + 1] if name in step.words else None


@pytest.mark.parametrize("name", reproduce.SHIPPED)
def test_overrides_name_ids_of_the_configs(name: str, tmp_path: Path) -> None:
    """MONAI takes a misspelt override without a word."""
    from monai.bundle import ConfigParser

    found = [step for step in shipped(tmp_path, name) if "monai.bundle" in step.words]
    assert len(found) > 10
    for step in found:
        files = (option(step, "--config_file") or "").strip("[]").replace("'", "").split(",")
        parser = ConfigParser()
        parser.read_config(files)
        options = [word[2:] for word in step.words if word.startswith("--") and not word.startswith("--nproc")]
        unknown = [o for o in options if o not in parser and o not in ("config_file", "standalone")]
        assert [o for o in unknown if o not in ("dataset#folder", "dataset#series_uid")] == [], step.name
        assert step.words[step.words.index("run") + 1] == "--config_file"


@pytest.mark.parametrize("name", reproduce.SHIPPED)
def test_commands_are_understood(name: str, tmp_path: Path) -> None:
    from scripts.commands.main import parser_for

    for step in shipped(tmp_path, name):
        if "monai.bundle" not in step.words:
            words = list(step.words[2:])
            assert callable(parser_for(words).parse_args(words).main), step.name


def test_the_published_sweep_is_whole() -> None:
    runs = read_manifest(config("paper.yaml")).runs
    widths = [1, 2, 4, 8, 16, 32, 64]
    for network in ("position", "autoencoder"):
        assert [r.width for r in runs if r.network == network and r.patch_size in (None, 31)] == widths
    assert sorted({r.patch_size for r in runs if r.width == 16 and r.network == "position"}) == [19, 23, 27, 31, 35, 39]
    assert {r.epochs for r in runs if r.network != "dense"} == {2000}
    for r in runs:
        if r.network == "autoencoder":
            assert (r.train["crops_per_iteration"], r.train["box_end"]) == (4, [256, 256, 256])
        if r.network == "position":
            assert r.train["patches_per_head"] == 256


def test_an_epoch_of_scans_sees_each_training_scan_once(tmp_path: Path) -> None:
    content = {"training": [{"image": f"t{n}"} for n in range(10)], "validation": [{"image": "v"}], "test": TEST}
    for item in content["training"] + content["validation"]:
        (tmp_path / str(item["image"])).mkdir()
    (tmp_path / "list.json").write_text(json.dumps(content))
    train = {"crops_per_iteration": 4}
    runs = (run("a", iterations_per_epoch="scans"), run("b", "autoencoder", iterations_per_epoch="scans", train=train))
    found = steps(Reproduction(tmp_path / "out"), Manifest(runs, datalist=tmp_path / "list.json"))
    counts = {step.name: option(step, "--iterations_per_epoch") for step in found}
    assert (counts["train:a"], counts["train:b"]) == ("10", "3")


def test_what_each_network_is_trained_and_judged_with(tmp_path: Path) -> None:
    found = made(
        tmp_path,
        run("p", width=2, patch_size=19, train={"start_weights": None}),
        run("a", "autoencoder", 3, stride=1),
        run("d", "dense", 16, patch_size=39, score="top_1_percent_mean"),
        engine="ray",
        address="10.0.0.1:6379",
        workers=3,
        device="cuda:1",
    )
    configs = {name: (option(step, "--config_file") or "") for name, step in found.items()}
    assert configs["train:p"].count(".json") == 3
    assert configs["train:p"].endswith("published_train.json']")
    assert configs["train:a"].endswith("autoencoder.json']")
    assert configs["train:d"].endswith("train_scans.json']")
    assert option(found["train:p"], "--patch_size") == "19"
    assert option(found["train:p"], "--start_weights") == "$None"
    assert option(found["train:a"], "--patch_size") is None
    assert option(found["train:p"], "--device") == "$torch.device('cuda:1')"
    cohort = found["cohort:p"]
    assert [option(cohort, name) for name in ("--mode", "--width", "--patch-size", "--stride")] == [
        "published",
        "2",
        "19",
        "4",
    ]
    assert [option(cohort, name) for name in ("--engine", "--address", "--workers")] == ["ray", "10.0.0.1:6379", "3"]
    assert [option(found["cohort:a"], name) for name in ("--mode", "--stride", "--map")] == ["autoencoder", None, None]
    assert [option(found["cohort:d"], name) for name in ("--mode", "--map", "--score")] == [
        "dense",
        "error",
        "top_1_percent_mean",
    ]
    caches = {option(step, "--cache") for name, step in found.items() if name.startswith("cohort:")}
    assert caches == {str(tmp_path / "out" / "registered")}, "each scan is registered once"
    prepared = {option(step, "--prepared_dir") for step in found.values()} - {None}
    assert prepared == {str(tmp_path / "out" / "prepared")}
    assert option(found["export:p"], "--config") == "published_train.json"
    assert option(found["export:d"], "--config") == "train.json"


def test_several_gpus_share_a_position_network(tmp_path: Path) -> None:
    found = made(tmp_path, run("p"), run("a", "autoencoder", stride=1), gpus=4)
    assert "--nproc_per_node=4" in found["train:p"].words
    assert (option(found["train:p"], "--config_file") or "").endswith("multi_gpu_train.json']")
    assert "--device" not in found["train:p"].words
    assert "torch.distributed.run" not in found["train:a"].words, "its batch norm would see a part of the batch"


def test_examples_are_the_first_that_show_one_thing(tmp_path: Path) -> None:
    found = made(tmp_path, run("small", width=1), run("large", width=8), run("a", "autoencoder", 2, stride=1))
    names = [name for name in found if name.startswith("example:")]
    assert names == [f"example:{r}:{c}" for r in ("large", "a") for c in ("left", "right", "broken")]
    step = found["example:large:left"]
    assert (step.needs, step.late, step.run) == (("evaluate:large",), True, "large")
    assert option(step, "--dataset_dir") == str(tmp_path / "scans" / "left")
    assert option(step, "--series_uid") is None
    assert "--patch_size" not in found["example:a:left"].words


def test_a_scan_that_was_refused_is_no_example(tmp_path: Path) -> None:
    folder = Reproduction(tmp_path / "out")
    folder.cohort("p").mkdir(parents=True)
    (folder.cohort("p") / "scores.csv").write_text("case,status,reason\nleft,refused,cut\nright,done,\n")
    assert refused(folder, [run("p")]) == {"left"}
    names = [name for name in made(tmp_path, run("p"), examples={"haemorrhage": 1}) if name.startswith("example:")]
    assert names == ["example:p:right"]


def test_the_widest_run_of_each_network() -> None:
    runs = [run("a", width=2), run("b", width=8), run("c", width=8, patch_size=19), run("d", "dense", 4)]
    assert [r.name for r in widest(runs)] == ["b", "d"]


def test_what_steps_need_comes_with_them(tmp_path: Path) -> None:
    found = list(made(tmp_path, run("p"), run("q"), memory=("dense:1:1",)).values())
    assert [s.name for s in with_needed(found, ["export:q"])] == ["prepare", "train:q", "export:q"]
    assert [s.name for s in with_needed(found, ["memory"])] == ["memory"]
    with pytest.raises(WrongUsage, match=r"There is no run or step r. --list names them all"):
        with_needed(found, ["q", "r"])


def test_the_registered_scan_takes_the_place_of_the_series(tmp_path: Path) -> None:
    """The ids that examples add to the dataset are arguments of the class that they name."""
    import inspect
    from pydoc import locate

    step = made(tmp_path, run("p"))["example:p:left"]
    target: Any = locate(option(step, "--dataset#_target_") or "")
    added = {word.removeprefix("--dataset#") for word in step.words if word.startswith("--dataset#")} - {"_target_"}
    assert added <= set(inspect.signature(target).parameters)
