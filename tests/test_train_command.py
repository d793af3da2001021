"""The command that trains: on label maps and on a list of scans, with its errors; the configs' own tests are in
test_train."""

from __future__ import annotations

import argparse
import csv
import json
import re
import shutil
from pathlib import Path
from typing import Any

import pytest
import torch
from toy_anatomy import raw_labels

from scripts.commands import train
from scripts.commands.main import main
from scripts.networks import DensePositionNet
from scripts.nifti_bytes import nifti_bytes

pytestmark = pytest.mark.xdist_group("train_command")

SAMPLE = Path(__file__).resolve().parents[1] / "sample" / "dicom"
TINY = {
    "iterations_per_epoch": 2,
    "crops_per_iteration": 2,
    "crop_size": 43,
    "crops_per_head": 4,
    "val_interval": 1,
    "validation_heads_per_anatomy": 1,
    "training_precision": "float32",
}
"""Overrides that make a training of seconds."""


@pytest.fixture
def tiny(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each training of the command is a tiny one."""
    ours = train.overrides

    def overrides(args: argparse.Namespace) -> dict[str, Any]:
        return {**ours(args), **TINY}

    monkeypatch.setattr(train, "overrides", overrides)


def error(capsys: pytest.CaptureFixture[str], *words: object) -> str:
    """What a command that is used wrongly says."""
    assert main(["train", *map(str, words)]) == 2
    return capsys.readouterr().err


@pytest.mark.usefixtures("tiny")
def test_label_maps_in_weights_out_and_stopped_it_goes_on(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "maps").mkdir()
    for name in "ab":
        (tmp_path / "maps" / f"{name}.nii.gz").write_bytes(nifti_bytes(*raw_labels()))
    words = ["train", str(tmp_path / "maps"), "-o", str(tmp_path / "out #1"), "--validation", "b", "--device", "cpu"]
    assert main([*words, "--epochs", "1"]) == 0
    assert main([*words, "--epochs", "2"]) == 0
    assert "the same command goes on" in capsys.readouterr().err
    DensePositionNet(16, in_channels=2).load_state_dict(
        torch.load(tmp_path / "out #1" / "model.pt", weights_only=True), strict=True
    )
    with (tmp_path / "out #1" / "learning_curve.csv").open() as file:
        assert [row["iterations"] for row in csv.DictReader(file)] == ["2", "4"]


@pytest.mark.usefixtures("tiny")
def test_scans_in_weights_out_and_what_is_refused_is_left_out(tmp_path: Path) -> None:
    shutil.copytree(SAMPLE, tmp_path / "one")
    (tmp_path / "two").mkdir()
    datalist = tmp_path / "healthy.json"
    sections = {"training": [{"image": "one"}, {"image": "two"}], "validation": [{"image": str(SAMPLE)}]}
    datalist.write_text(json.dumps(sections))
    assert main(["train", str(datalist), "-o", str(tmp_path / "out"), "--epochs", "1", "--device", "cpu"]) == 0
    assert len(list((tmp_path / "out" / "prepared").glob("*.pt"))) == 2
    shipped = torch.load(train.bundle_root() / "models" / "model.pt", weights_only=True)
    trained = torch.load(tmp_path / "out" / "model.pt", weights_only=True)
    changes = [(trained[name] - shipped[name]).abs().max().item() for name in shipped]
    assert 0 < max(changes) < 0.05, "it started from the weights that ship, and learned"


def test_a_user_s_interrupt_is_no_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def stopped(*_: Any) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(train, "run", stopped)
    assert main(["train", str(tmp_path), "-o", str(tmp_path / "out")]) == train.INTERRUPTED
    assert "goes on from the last epoch" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("no json", "is no datalist"),
        ('{"training": []}', "is no datalist .*'validation'"),
        ('{"training": [], "validation": [{"image": "."}]}', '"training" is empty'),
        ('{"training": [{"image": "x"}], "validation": [{"image": "."}]}', 'Entry 0 of "training" .* does not exist'),
        ('{"training": [{"image": "."}, {"image": "."}], "validation": [{"image": ".."}]}', "stands there twice"),
        ('{"training": [{"image": "."}], "validation": [{"image": "."}]}', "listed for training and for validation"),
    ],
)
def test_a_datalist_that_can_t_be_used(
    content: str, message: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "list.json").write_text(content)
    text = error(capsys, tmp_path / "list.json", "-o", tmp_path / "out")
    assert text.count("\n") == 1, "one line"
    assert re.search(message, text)


def test_what_is_not_there_is_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert "There is no" in error(capsys, tmp_path / "none", "-o", tmp_path / "out")
    assert "Check --start" in error(capsys, tmp_path, "-o", tmp_path / "out", "--start", tmp_path / "none.pt")


def test_from_scratch_means_no_weights(tmp_path: Path) -> None:
    parser = argparse.ArgumentParser()
    train.add_parser(parser.add_subparsers())
    args = parser.parse_args(["train", str(tmp_path), "-o", "out", "--from-scratch", "--workers", "2"])
    values = train.overrides(args)
    assert (values["start_weights"], values["workers"]) == (None, 2)
    assert "max_epochs" not in values
