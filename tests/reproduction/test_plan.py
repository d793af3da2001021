"""Manifests: what a good one says, and a sentence for each way to be wrong."""

from __future__ import annotations

from pathlib import Path
from textwrap import dedent

import pytest

from reproduction.plan import Manifest, Run, read_manifest
from scripts.errors import WrongUsage

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


def manifest(folder: Path, text: str) -> Manifest:
    """The manifest that a text is."""
    path = folder / "sweep.yaml"
    path.write_text(dedent(text))
    return read_manifest(path)


def test_a_good_manifest(tmp_path: Path) -> None:
    found = manifest(tmp_path, GOOD)
    assert (found.datalist, found.reads) == (tmp_path / "lists" / "cq500.json", Path("/data/reads.csv"))
    assert (found.engine, found.address, found.workers, found.device, found.gpus) == (
        "ray",
        "10.0.0.1:6379",
        4,
        "auto",
        1,
    )
    assert found.memory == ("position:16:256", "autoencoder:32:4")
    assert (found.memory_iterations, found.examples) == (2, {"haemorrhage": 3})
    first, second, third = found.runs
    assert first == Run("position_m16", "position", 16, 2000, "scans", 4, "maximum", patch_size=31, seed=1)
    assert (second.patch_size, second.seed, second.train) == (19, 0, {"crops_per_head": 7})
    assert (third.patch_size, third.train) == (None, {"crops_per_iteration": 4})


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("runs: [{RUN}]\nworker: 2", r"sweep.yaml: 'worker' is no key. There are runs, defaults, datalist"),
        ("runs: [{RUN}]\nworkers: two", r"workers must be a whole number from 1 on, not 'two'"),
        ("runs: [{RUN}]\nworkers: true", r"workers must be a whole number from 1 on, not True"),
        ("runs: [{RUN}]\nengine: slurm", r"engine must be one of local, ray, not 'slurm'"),
        ("runs: [{RUN}]\ndevice: gpu", r"device must be a device, not 'gpu'"),
        ("runs: [{RUN}]\nmemory: position:1:1", r"memory must be a list of words"),
        ("runs: [{RUN}]\nmemory_iterations: 1", r"memory_iterations must be a whole number from 2 on, not 1"),
        ("runs: [{RUN}]\nexamples: {healthy: 1}", r"examples must be haemorrhage and fracture, each with a number"),
        ("workers: 2", r"sweep.yaml names no runs. List the networks to train under runs"),
        ("runs: []", r"runs must be a list of one run or more"),
        ("runs: [3]", r"Run 1 in .*sweep.yaml must be keys with values.* not 3"),
        ("runs: [{RUN}, {RUN}]", r"Two runs in .* are called a. Give each a name of its own"),
        (
            "runs: [{RUN}]\ndefaults: {unet: {width: 1}}",
            r"defaults in .*: 'unet' is none of position, dense, autoencoder",
        ),
        ("runs: [{name: b, network: position}]", r"Run 1 \(b\) in .* has no width. Add it, there or to the defaults"),
        ("runs: [{network: position}]", r"Run 1 \(without a name\) in .* has no name"),
        ("runs: [{name: a/b}]", r"name must be letters, digits, - _ and ., not 'a/b'"),
        ("runs: [{RUN}]\nruns: [{RUN}]", r"can't be read: 'runs' is there twice"),
        ("runs: [{RUN", r"can't be read: .*Correct its YAML"),
        ("- a", r"is no manifest: it needs keys such as runs"),
    ],
)
def test_what_is_wrong_is_said(text: str, words: str, tmp_path: Path) -> None:
    with pytest.raises(WrongUsage, match=words):
        manifest(tmp_path, text.replace("{RUN", RUN[:-1]) if text.endswith("{RUN") else text.replace("{RUN}", RUN))


@pytest.mark.parametrize(
    ("before", "after", "words"),
    [
        ("width: 2", "width: 2, widht: 3", r"Run 1 \(a\) in .*: 'widht' is no key. There are name, network, width"),
        ("width: 2", "width: 0", r"Run 1 \(a\) in .*: width must be a whole number from 1 on, not 0"),
        ("patch_size: 31", "patch_size: 30", r"patch_size must be an odd number from 19 on, not 30"),
        ("iterations_per_epoch: 1", "iterations_per_epoch: all", r'a whole number from 1 on, or "scans", not \'all\''),
        ("network: position", "network: [position]", r"network must be one of position, dense, autoencoder, not \['po"),
        ("score: maximum", "score: mean", r"score must be one of maximum, percentile_99"),
        ("network: position", "network: autoencoder", r"network, autoencoder, sees no patches: remove patch_size"),
        (", patch_size: 31", "", r"network, position, needs a patch_size"),
        (
            "network: position, width: 2, patch_size: 31",
            "network: dense, width: 2, patch_size: 41",
            "one of 19, 23, 27",
        ),
        ("network: position", "network: dense, stride: 3, seed: 1", r"stride.*is there twice"),
        ("stride: 4", "stride: 4, train: [1]", r"train must be ids with values that .*, not \[1\]"),
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
    with pytest.raises(WrongUsage, match=r"train must be ids with values that are numbers, plain words|can't be read"):
        manifest(tmp_path, f"runs: [{RUN.replace('stride: 4', f'stride: 4, train: {train}')}]")
    assert not (tmp_path / "evil").exists()


def test_plain_settings_are_taken(tmp_path: Path) -> None:
    train = "{workers: 4, learning_rate: 1.0e-3, box_start: [0, 0, 0], amp: true, start_weights: null, name: a-b/c.d}"
    (run,) = manifest(tmp_path, f"runs: [{RUN.replace('stride: 4', f'stride: 4, train: {train}')}]").runs
    assert run.train["box_start"] == [0, 0, 0]
    assert run.train["start_weights"] is None


def test_strides_are_those_of_the_network(tmp_path: Path) -> None:
    dense = RUN.replace("position", "dense").replace("stride: 4", "stride: 3")
    with pytest.raises(WrongUsage, match="stride must be one of 1, 2, 4 for a dense network"):
        manifest(tmp_path, f"runs: [{dense}]")
    autoencoder = RUN.replace("position", "autoencoder").replace("patch_size: 31, ", "")
    with pytest.raises(WrongUsage, match="stride must be 1 for an autoencoder"):
        manifest(tmp_path, f"runs: [{autoencoder}]")


def test_a_missing_file_is_said(tmp_path: Path) -> None:
    with pytest.raises(WrongUsage, match=r"There is no manifest at .*nothing.yaml. Name a YAML file"):
        read_manifest(tmp_path / "nothing.yaml")
