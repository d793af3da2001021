"""Manifests: what a good one says, and a sentence for each way to be wrong."""

from __future__ import annotations

import json
from pathlib import Path
from textwrap import dedent
from typing import Any

import pytest
from paper_inputs import run

from reproduction import memory
from reproduction.plan import SCHEMA, TRAINING, check_start_weights, iterations, read_manifest
from scripts.anomaly.scores import POOLINGS
from scripts.assets import config
from scripts.errors import WrongUsage
from scripts.networks.inferers import PatchPositionInferer
from scripts.networks.position import PATCH_SIZES
from scripts.networks.strides import STRIDES

GOOD = """
    datalist: lists/cq500.json
    reads: /data/reads.csv
    engine: ray
    address: 10.0.0.1:6379
    workers: 4
    memory: [position:16:256, autoencoder:32:4]
    examples: {haemorrhage: 3}
    defaults:
      position: {patch_size: 31, epochs: 2000, iterations_per_epoch: scans, stride: 4, score: maximum}
      autoencoder: {epochs: 20, iterations_per_epoch: 5, stride: 1, score: maximum, train: {crops_per_iteration: 4}}
    runs:
      - {name: position_m16, network: position, width: 16}
      - {name: position_p19, network: position, width: 16, patch_size: 19, seed: 0, train: {crops_per_head: 7}}
      - {name: autoencoder_m1, network: autoencoder, width: 1}
"""

RUN = (
    "{name: a, network: position, width: 2, patch_size: 31, "
    "epochs: 1, iterations_per_epoch: 1, stride: 4, score: maximum}"
)


def manifest(folder: Path, text: str) -> dict[str, Any]:
    """The manifest that a text is."""
    path = folder / "sweep.yaml"
    path.write_text(dedent(text))
    return read_manifest(path)


def test_a_good_manifest(tmp_path: Path) -> None:
    found = manifest(tmp_path, GOOD)
    first, second, third = found.pop("runs")
    assert found == {
        "datalist": str(tmp_path / "lists" / "cq500.json"),
        "reads": "/data/reads.csv",
        "device": "auto",
        "gpus": 1,
        "workers": 4,
        "engine": "ray",
        "address": "10.0.0.1:6379",
        "memory": ["position:16:256", "autoencoder:32:4"],
        "memory_iterations": 2,
        "examples": {"haemorrhage": 3},
    }
    shared = {"epochs": 2000, "iterations_per_epoch": "scans", "stride": 4, "score": "maximum", "seed": 1, "train": {}}
    assert first == {"name": "position_m16", "network": "position", "width": 16, "patch_size": 31, **shared}
    assert (second["patch_size"], second["seed"], second["train"]) == (19, 0, {"crops_per_head": 7})
    assert (third["patch_size"], third["train"]) == (None, {"crops_per_iteration": 4})


def test_the_schema_names_what_there_is() -> None:
    """Its lists are copies: of networks, of their sizes and strides, of scores."""
    run, (_, dense, _) = SCHEMA["$defs"]["run"]["properties"], SCHEMA["$defs"]["run"]["allOf"]
    for part, values in [
        (run["network"], TRAINING),
        (run["score"], POOLINGS),
        (dense["then"]["properties"]["patch_size"], PATCH_SIZES),
        (dense["then"]["properties"]["stride"], STRIDES),
    ]:
        assert part["enum"] == list(values)
        assert ", ".join(map(str, values)) in part["description"]
    assert f"({'|'.join(memory.NETWORKS)})" in SCHEMA["properties"]["memory"]["items"]["pattern"]
    assert list(SCHEMA["properties"]["defaults"]["properties"]) == list(TRAINING)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("runs: [{RUN}]\nworker: 2", r"sweep.yaml: Additional properties .*'worker' was unexpected\). Correct it"),
        ("runs: [{RUN}]\nworkers: two", r"workers must be a whole number from 1 on, not 'two'"),
        ("runs: [{RUN}]\nworkers: true", r"workers must be a whole number from 1 on, not True"),
        ("runs: [{RUN}]\nengine: slurm", r"engine must be local or ray, not 'slurm'"),
        ("runs: [{RUN}]\ndevice: gpu", r"device must be auto, cpu, cuda or cuda:N, not 'gpu'"),
        ("runs: [{RUN}]\nmemory: position:1:1", r"memory must be a list of NETWORK:WIDTH:BATCH"),
        ("runs: [{RUN}]\nmemory_iterations: 1", r"memory_iterations must be a whole number from 2 on, not 1"),
        ("runs: [{RUN}]\nexamples: {healthy: 1}", r"examples: Additional properties .*'healthy' was unexpected"),
        ("workers: 2", r"sweep.yaml: 'runs' is a required property. Correct"),
        ("runs: []", r"runs must be a list of one run or more"),
        ("runs: [3]", r"runs must be keys with values, such as name.* not 3"),
        ("runs: [{RUN}, {RUN}]", r"Two runs in .* are called a. Give each a name of its own"),
        ("runs: [{RUN}]\ndefaults: {unet: {width: 1}}", r"defaults: Additional properties .*'unet' was unexpected"),
        (
            "runs: [{name: b, network: position, patch_size: 31}]",
            r"Run 1 \(b\) in .*: 'width' is a required property. Correct it",
        ),
        ("runs: [{network: position, patch_size: 31}]", r"Run 1 \(without a name\) in .*: 'name' is a required"),
        ("runs: [{RUN}]\nruns: [{RUN}]", r"can't be read: 'runs' is there twice"),
        ("runs: [{RUN", r"can't be read: .*Correct its YAML"),
        ("- a", r"sweep.yaml must be keys such as runs, each with a value, not"),
    ],
)
def test_what_is_wrong_is_said(text: str, words: str, tmp_path: Path) -> None:
    with pytest.raises(WrongUsage, match=words):
        manifest(tmp_path, text.replace("{RUN", RUN[:-1]) if text.endswith("{RUN") else text.replace("{RUN}", RUN))


@pytest.mark.parametrize(
    ("before", "after", "words"),
    [
        ("width: 2", "width: 2, widht: 3", r"Run 1 \(a\) in .*: Additional properties .*'widht' was"),
        ("width: 2", "width: 0", r"Run 1 \(a\) in .*: width must be a whole number from 1 on, not 0"),
        ("patch_size: 31", "patch_size: 30", r"patch_size must be an odd number from 19 on, not 30"),
        ("iterations_per_epoch: 1", "iterations_per_epoch: all", r'a whole number from 1 on, or "scans", not \'all\''),
        ("network: position", "network: [position]", r"network must be one of position, dense, autoencoder, not \['po"),
        ("score: maximum", "score: mean", r"score must be one of maximum, percentile_99"),
        ("name: a", "name: a/b", r"name must be letters, digits, - _ and \. \(60 at most\), not 'a/b'"),
        (", patch_size: 31", "", r"Run 1 \(a\) in .*: 'patch_size' is a required property"),
        (
            "network: position, width: 2, patch_size: 31",
            "network: dense, width: 2, patch_size: 41",
            "one of 19, 23, 27",
        ),
        ("network: position", "network: dense, stride: 3, seed: 1", r"stride.*is there twice"),
        (
            "stride: 4",
            "stride: 4, train: [1]",
            r"train must be ids of the training config with values that .*, not \[1\]",
        ),
    ],
)
def test_what_is_wrong_with_a_run_is_said(before: str, after: str, words: str, tmp_path: Path) -> None:
    with pytest.raises(WrongUsage, match=words):
        manifest(tmp_path, f"runs: [{RUN.replace(before, after)}]")


@pytest.mark.parametrize(
    "train",
    [
        """{workers: "$__import__('os').system('touch evil')"}""",
        """{box_start: [0, 0, "$__import__('os').system('touch evil')"]}""",
        """{workers: "{'_target_': 'os.system', 'command': 'touch evil'}"}""",
        "{workers: {_target_: os.system, command: touch evil}}",
        '{"loss#_target_": os.system}',
        '{"loss::_target_": os.system}',
        '{workers: "@seed"}',
        '{workers: "%train.json::seed"}',
        "{workers: !!python/object/apply:os.system [touch evil]}",
        "{workers: 2026-01-01}",
    ],
)
def test_nothing_in_a_manifest_is_run(train: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(WrongUsage, match=r"train must be ids of .* that are numbers, plain words|can't be read"):
        manifest(tmp_path, f"runs: [{RUN.replace('stride: 4', f'stride: 4, train: {train}')}]")
    assert not (tmp_path / "evil").exists()


def test_plain_settings_are_taken(tmp_path: Path) -> None:
    train = "{workers: 4, learning_rate: 1.0e-3, box_start: [0, 0, 0], amp: true, start_weights: null, name: a-b/c.d}"
    (found,) = manifest(tmp_path, f"runs: [{RUN.replace('stride: 4', f'stride: 4, train: {train}')}]")["runs"]
    assert found["train"]["box_start"] == [0, 0, 0]
    assert found["train"]["start_weights"] is None


def test_sizes_and_strides_are_those_of_the_network(tmp_path: Path) -> None:
    dense = RUN.replace("position", "dense").replace("stride: 4", "stride: 3")
    with pytest.raises(WrongUsage, match="stride must be one of 1, 2, 4 for a dense network"):
        manifest(tmp_path, f"runs: [{dense}]")
    autoencoder = RUN.replace("position", "autoencoder")
    with pytest.raises(WrongUsage, match="stride must be 1 for an autoencoder, whose map has every voxel, not 4"):
        manifest(tmp_path, f"runs: [{autoencoder.replace('patch_size: 31, ', '')}]")
    with pytest.raises(WrongUsage, match="patch_size must be left out for an autoencoder, which sees no patches, not"):
        manifest(tmp_path, f"runs: [{autoencoder.replace('stride: 4', 'stride: 1')}]")

    for stride in (16, 20, 32):
        (found,) = manifest(tmp_path, f"runs: [{RUN.replace('stride: 4', f'stride: {stride}')}]")["runs"]
        assert PatchPositionInferer(found["stride"]).stride == stride
    for stride in (17, 25, 64):
        with pytest.raises(WrongUsage, match=f"stride must be at most 16, or one of 18, 19, .*, not {stride}"):
            manifest(tmp_path, f"runs: [{RUN.replace('stride: 4', f'stride: {stride}')}]")


def test_an_epoch_of_scans_sees_each_training_scan_once(tmp_path: Path) -> None:
    content = {"training": [{"image": f"t{n}"} for n in range(10)], "validation": [], "test": []}
    for item in content["training"]:
        (tmp_path / item["image"]).mkdir()
    (tmp_path / "list.json").write_text(json.dumps(content))
    path = str(tmp_path / "list.json")
    assert iterations(run("a", iterations_per_epoch="scans"), path) == 10
    four = run("b", "autoencoder", iterations_per_epoch="scans", train={"crops_per_iteration": 4})
    assert iterations(four, path) == 3
    assert iterations(run("c", iterations_per_epoch=7), path) == 7


@pytest.mark.parametrize("size", [{"width": 2}, {"patch_size": 31}, {"train": {"width": 2}}], ids=str)
def test_a_network_that_its_weights_do_not_fit_is_refused(size: dict[str, Any]) -> None:
    shipped = {"width": 16, "patch_size": 39, "train": {}}
    check_start_weights(run("a", "dense", **shipped))
    with pytest.raises(
        WrongUsage, match=r"Run a: .*model\.pt, which holds no dense network of width \d+ and .*: null}"
    ):
        check_start_weights(run("a", "dense", **{**shipped, **size}))
    check_start_weights(
        run("a", "dense", **{**shipped, **size, "train": {**size.get("train", {}), "start_weights": None}})
    )
    check_start_weights(run("a", **{**shipped, **size}))


def test_weights_to_start_from_are_named_by_an_absolute_path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "w.pt").write_bytes(b"")
    for path in ("w.pt", str(tmp_path / "none.pt")):
        with pytest.raises(WrongUsage, match=r"Run a: there are no weights at \S+, from which .* its absolute path"):
            check_start_weights(run("a", "dense", width=16, patch_size=39, train={"start_weights": path}))


@pytest.mark.parametrize("name", ["paper.yaml", "small.yaml"])
def test_the_networks_that_ship_can_start(name: str) -> None:
    for row in read_manifest(config(name))["runs"]:
        check_start_weights(row)


def test_the_published_sweep_is_whole() -> None:
    runs = read_manifest(config("paper.yaml"))["runs"]
    by_network = {network: [row for row in runs if row["network"] == network] for network in TRAINING}
    for network in ("position", "autoencoder"):
        assert [r["width"] for r in by_network[network] if r["patch_size"] in (None, 31)] == [1, 2, 4, 8, 16, 32, 64]
        assert {r["epochs"] for r in by_network[network]} == {2000}
    sizes = {r["patch_size"] for r in by_network["position"] if r["width"] == 16}
    assert sorted(sizes) == [19, 23, 27, 31, 35, 39]
    assert {r["train"]["patches_per_head"] for r in by_network["position"]} == {256}
    for r in by_network["autoencoder"]:
        assert (r["train"]["crops_per_iteration"], r["train"]["box_end"]) == (4, [256, 256, 256])


def test_a_missing_file_is_said(tmp_path: Path) -> None:
    with pytest.raises(WrongUsage, match=r"There is no manifest at .*nothing.yaml. Name a YAML file"):
        read_manifest(tmp_path / "nothing.yaml")
