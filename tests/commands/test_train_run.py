"""The command that trains: on label maps and on a list of scans, with its errors; the configs' own tests are in
test_train."""

from __future__ import annotations

import argparse
import csv
import json
import re
import shutil
import tempfile
from multiprocessing import current_process
from multiprocessing.connection import Listener
from pathlib import Path
from typing import Any

import pytest
import torch
from trainings import draw_the_toy_head, register_slabs, toy_maps

from scripts.assets import config
from scripts.commands import train
from scripts.commands.main import main
from scripts.files.locks import lock_file
from scripts.networks.position import DensePositionNet, add_spectral_norm
from scripts.results import folder as results

pytestmark = pytest.mark.xdist_group("train")

SAMPLE = Path(__file__).resolve().parents[2] / "sample" / "dicom"
TINY = {
    "iterations_per_epoch": 2,
    "crops_per_iteration": 2,
    "crop_size": 43,
    "crops_per_head": 4,
    "train#dataset#first_heads": 1,
    "train#dataloader#prefetch_factor": 1,
    "val_interval": 1,
    "validation_heads_per_anatomy": 1,
    "training_precision": "float32",
}
"""Overrides that make a training of seconds."""


@pytest.fixture
def tiny(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each training of the command is a tiny one, of a toy head; its data come from a forked process."""
    draw_the_toy_head(monkeypatch)
    ours = train.overrides

    def overrides(args: argparse.Namespace, datalist: Any) -> dict[str, Any]:
        return {**ours(args, datalist), **TINY}

    monkeypatch.setattr(train, "overrides", overrides)


def plain_network(**settings: int) -> DensePositionNet:
    """The network of train.json, or one that differs from it."""
    content = json.loads(config("train.json").read_text())
    return DensePositionNet(
        **{"width": content["width"], "patch_size": content["patch_size"], **settings}, in_channels=2
    )


def checkpoint(folder: Path, epoch: int, **settings: int) -> None:
    """A checkpoint in a folder, as of a training that was stopped after an epoch."""
    folder.mkdir(exist_ok=True)
    state = add_spectral_norm(plain_network(**settings)).state_dict()
    torch.save({"network": state}, folder / f"checkpoint_epoch={epoch}.pt")


@pytest.fixture
def maps(tmp_path: Path) -> Path:
    """A folder of empty files with the names of label maps, among them those that train.json holds out."""
    folder = tmp_path / "maps"
    folder.mkdir()
    for number in range(8, 15):
        (folder / f"head_{number:02d}.nii.gz").touch()
    return folder


def error(capsys: pytest.CaptureFixture[str], *words: object) -> str:
    """What a command that is used wrongly says."""
    assert main(["train", *map(str, words)]) == 2
    return capsys.readouterr().err


@pytest.mark.usefixtures("tiny")
def test_label_maps_in_weights_out_and_stopped_it_goes_on(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    maps = toy_maps(tmp_path / "maps", "ab")
    words = ["train", "--simulate", str(maps), "-o", str(tmp_path / "out #1"), "--validation", "b", "--device", "cpu"]
    assert main([*words, "--epochs", "1"]) == 0
    assert main([*words, "--epochs", "2"]) == 0
    assert "going on after epoch 1 of 2" in capsys.readouterr().err
    plain_network().load_state_dict(torch.load(tmp_path / "out #1" / "model.pt", weights_only=True), strict=True)
    with (tmp_path / "out #1" / "learning_curve.csv").open() as file:
        assert [row["iterations"] for row in csv.DictReader(file)] == ["2", "4"]


@pytest.mark.usefixtures("tiny")
def test_scans_in_weights_out_and_what_is_refused_is_left_out(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    register_slabs(monkeypatch)
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
    maps: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def stopped(*_: Any) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(train, "train_configs", stopped)
    assert main(["train", "--simulate", str(maps), "-o", str(tmp_path / "out")]) == train.INTERRUPTED
    assert "goes on from the last epoch" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("no json", "is no datalist"),
        ('{"training": []}', 'has no cases under "validation"'),
        ('{"training": [], "validation": [{"image": "."}]}', 'has no cases under "training"'),
        ('{"training": [{"image": "x"}], "validation": [{"image": "."}]}', 'Entry 0 of "training" .*: there is no .*x'),
        ('{"training": [{"image": "."}, {"image": "."}], "validation": [{"image": ".."}]}', "stands there twice"),
        ('{"training": [{"image": "."}], "validation": [{"image": "."}]}', r'"validation" .* stands under "training"'),
    ],
)
def test_a_datalist_that_can_t_be_used(
    content: str, message: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "list.json").write_text(content)
    text = error(capsys, tmp_path / "list.json", "-o", tmp_path / "out")
    assert text.count("\n") == 1, "one line"
    assert re.search(message, text)


def test_what_is_not_there_is_named(maps: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert "There is no" in error(capsys, tmp_path / "none", "-o", tmp_path / "out")
    assert "Check --start" in error(capsys, "--simulate", maps, "-o", tmp_path / "out", "--start", tmp_path / "none.pt")
    assert "There is no device cuda:99" in error(
        capsys, "--simulate", maps, "-o", tmp_path / "out", "--device", "cuda:99"
    )


@pytest.mark.parametrize(
    ("names", "words", "message"),
    [
        (
            "ab",
            [],
            r"called head_09, head_10, head_11; there are a, b\. Name those to validate on: --validation NAME,NAME",
        ),
        ("abcdef", ["--validation", "x"], r"called x; there are a, b, c, d, e, …\. Name those to validate on"),
        ("ab", ["--validation", "b", "--hold-out", "c"], r"called c; there are a, b\. Correct --hold-out\."),
        ("ab", ["--validation", "b", "--hold-out", "a"], r"Every label map in .* is held out \(a, b\).*--hold-out"),
    ],
)
def test_label_maps_of_other_names(
    names: str, words: list[str], message: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for name in names:
        (tmp_path / f"{name}.nii.gz").touch()
    text = error(capsys, "--simulate", tmp_path, "-o", tmp_path / "out", *words)
    assert re.search(message, text)
    assert text.count("\n") == 1, "one line"
    assert not (tmp_path / "out").exists()


def test_a_training_that_is_done_is_exported_again(
    maps: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    checkpoint(tmp_path / "out", 9)
    monkeypatch.setattr(train, "train_configs", None)
    for epochs in ("9", "3"):
        assert main(["train", "--simulate", str(maps), "-o", str(tmp_path / "out"), "--epochs", epochs]) == 0
        assert f"9 epochs are done already in {tmp_path / 'out'}, {epochs} were asked for" in capsys.readouterr().err
    plain_network().load_state_dict(torch.load(tmp_path / "out" / "model.pt", weights_only=True))


def test_a_training_s_workers_have_sockets_with_short_paths(
    maps: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    checkpoint(tmp_path / "out", 2)
    (tmp_path / ("x" * 90)).mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / ("x" * 90)))
    monkeypatch.delitem(current_process()._config, "tempdir", raising=False)  # type: ignore[attr-defined]
    opened: list[str] = []

    def trained(files: Any, values: Any) -> None:
        with Listener(family="AF_UNIX") as listener:
            opened.append(str(listener.address))

    monkeypatch.setattr(train, "train_configs", trained)
    assert main(["train", "--simulate", str(maps), "-o", str(tmp_path / "out")]) == 0
    assert len(opened) == 1


def test_a_training_that_goes_on_says_what_it_does_not_do(
    maps: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    checkpoint(tmp_path / "out", 2)
    monkeypatch.setattr(train, "train_configs", lambda files, values: None)
    assert main(["train", "--simulate", str(maps), "-o", str(tmp_path / "out")]) == 0
    text = capsys.readouterr().err
    assert text.startswith("going on after epoch 2 of ")
    assert "--start says nothing here, and for other data name another folder" in text
    assert text.count("\n") == 1


def test_from_scratch_goes_on_what_began_so_and_nothing_else(
    maps: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ["--simulate", str(maps), "-o", str(tmp_path / "out")]
    monkeypatch.setattr(train, "train_configs", lambda files, values: checkpoint(tmp_path / "out", 2))
    assert main(["train", *words, "--from-scratch"]) == 0
    assert main(["train", *words, "--from-scratch"]) == 0, "as a training that was stopped"
    capsys.readouterr()
    (tmp_path / "out" / "beginning.json").unlink()
    assert "holds a training after epoch 2, which --from-scratch would go on. Name another folder: -o" in error(
        capsys, *words, "--from-scratch"
    )


def test_the_best_validation_is_exported_and_said(
    maps: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "out"

    def trained(files: Any, values: Any) -> None:
        checkpoint(out, 3)
        best = plain_network()
        torch.nn.init.constant_(next(best.parameters()), 0.5)
        facts = {"epoch": 0, "metric": "brain_error_mm", "value": 9.3}
        torch.save({"network": best.state_dict(), **facts}, out / "best.pt")
        (out / "learning_curve.csv").write_text("epoch,brain_error_mm\n0,9.3\n3,12.8\n")

    monkeypatch.setattr(train, "train_configs", trained)
    assert main(["train", "--simulate", str(maps), "-o", str(out)]) == 0
    text = capsys.readouterr().out
    assert text.startswith(
        "best validation: brain_error_mm 9.30 after epoch 0, which is exported; 9.30 before the training; "
        "12.80 after the last epoch. The training did not help: the weights are those that it started from."
    )
    weights = torch.load(out / "model.pt", weights_only=True)
    assert (next(iter(weights.values())) == 0.5).all()


def test_of_a_folder_of_scans_every_fifth_is_for_validation(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for number in range(11):
        (tmp_path / "scans" / f"scan_{number:02d}").mkdir(parents=True)
    seen: list[dict[str, Any]] = []

    def trained(files: Any, values: dict[str, Any]) -> None:
        seen.append(json.loads(Path(values["datalist"]).read_text()))
        checkpoint(tmp_path / "out", 1)

    monkeypatch.setattr(train, "train_configs", trained)
    words = ["train", str(tmp_path / "scans"), "-o", str(tmp_path / "out")]
    assert main([*words, "--hold-out", "scan_00"]) == 0
    text = capsys.readouterr().err
    assert "10 scans: 8 for training, 2 for validation" in text
    assert "10 scans to learn from and to validate on: with fewer than 40 the network often gets worse" in text
    names = {section: [Path(item["image"]).name for item in seen[0][section]] for section in seen[0]}
    assert names["validation"] == ["scan_05", "scan_10"]
    assert not {"scan_00", "scan_05", "scan_10"} & set(names["training"])
    shutil.rmtree(tmp_path / "out")
    assert main([*words, "--validation", "scan_03"]) == 0
    assert main([*words, "--validation", "scan_03"]) == 0, "the same scans go on"
    assert [Path(item["image"]).name for item in seen[1]["validation"]] == ["scan_03"]


def test_a_training_goes_on_with_the_scans_that_it_began_with_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for number in range(6):
        (tmp_path / "scans" / f"scan_{number}").mkdir(parents=True)
    monkeypatch.setattr(train, "train_configs", lambda files, values: None)
    words = (tmp_path / "scans", "-o", tmp_path / "out")
    train.begin(argparse.Namespace(output=tmp_path / "out", from_scratch=False, simulate=None), 0, {"training": []}, 0)
    checkpoint(tmp_path / "out", 1)
    before = (tmp_path / "out" / "datalist.json").read_bytes()
    text = error(capsys, *words)
    assert "holds a training after epoch 1 on other scans, or with others for validation" in text
    assert text.endswith("Name another folder: -o\n")
    assert (tmp_path / "out" / "datalist.json").read_bytes() == before
    (tmp_path / "out" / "checkpoint_epoch=1.pt").unlink()
    monkeypatch.setattr(train, "train_configs", lambda files, values: checkpoint(tmp_path / "out", 1))
    assert main(["train", *map(str, words)]) == 0, "nothing was learnt yet"


def test_two_trainings_do_not_share_a_folder(
    maps: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    out, began = tmp_path / "out", []

    def trained(files: Any, values: Any) -> None:
        began.append(True)
        with pytest.raises(BlockingIOError), lock_file(out / ".model.pt.lock"):
            pass
        checkpoint(out, 1)

    monkeypatch.setattr(train, "train_configs", trained)
    words = ["train", "--simulate", str(maps), "-o", str(out)]
    with lock_file(out / ".model.pt.lock"):
        assert main(words) == 4
        assert f"Another training works in {out}. Wait for it, or choose another folder." in capsys.readouterr().err
        assert [path.name for path in out.iterdir()] == [".model.pt.lock"]
    assert began == []
    assert main(words) == 0
    assert began == [True]
    assert not (out / ".model.pt.lock").exists()


def test_what_is_held_out_is_not_validated_on(maps: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for number in range(6):
        (tmp_path / "scans" / f"scan_{number}").mkdir(parents=True)
    both = ("-o", tmp_path / "out", "--validation", "scan_1,scan_2", "--hold-out", "scan_2,scan_3")
    assert "scan_2 is to be validated on, and held out" in error(capsys, tmp_path / "scans", *both)
    named = ("--simulate", maps, "-o", tmp_path / "out", "--hold-out", "head_09")
    assert "head_09 is to be validated on, and held out" in error(capsys, *named), "by default"
    assert not (tmp_path / "out").exists()


def test_what_can_t_be_split(maps: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "scans" / "one").mkdir(parents=True)
    out = ("-o", tmp_path / "out")
    assert "holds 1 scan: too few to learn from and to validate on" in error(capsys, tmp_path / "scans", *out)
    assert "There is no scan x in" in error(capsys, tmp_path / "scans", *out, "--validation", "x")
    assert "Give either SCANS" in error(capsys, *out)
    assert "Give either SCANS" in error(capsys, tmp_path / "scans", "--simulate", maps, *out)
    (tmp_path / "list.json").write_text("{}")
    assert "A datalist says itself" in error(capsys, tmp_path / "list.json", *out, "--hold-out", "x")


def test_files_of_another_network(maps: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    checkpoint(tmp_path / "out", 2, width=4)
    assert "is no checkpoint of this network" in error(capsys, "--simulate", maps, "-o", tmp_path / "out")
    for name, content in (("text.pt", b"no weights"), ("empty.pt", b"")):
        (tmp_path / name).write_bytes(content)
    torch.save(plain_network(width=4).state_dict(), tmp_path / "other.pt")
    for name in ("text.pt", "empty.pt", "other.pt"):
        text = error(capsys, "--simulate", maps, "-o", tmp_path / "new", "--start", tmp_path / name)
        assert f"The network can't start from {tmp_path / name}" in text
        assert text.count("\n") == 1


def test_an_output_that_can_t_be_written_is_said_at_once(
    maps: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "file").touch()
    assert main(["train", "--simulate", str(maps), "-o", str(tmp_path / "file" / "out")]) == 4
    assert "Not a directory" in capsys.readouterr().err
    monkeypatch.setattr(results.shutil, "disk_usage", lambda place: argparse.Namespace(free=10**6))
    assert main(["train", "--simulate", str(maps), "-o", str(tmp_path / "out")]) == 4
    assert "No space left on device. Free some space" in capsys.readouterr().err


def test_two_beginnings_are_one_too_many(maps: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit, match="2"):
        main(["train", "--simulate", str(maps), "-o", "out", "--from-scratch", "--start", "x.pt"])
    assert "not allowed with argument" in capsys.readouterr().err


def test_from_scratch_means_no_weights(tmp_path: Path) -> None:
    parser = argparse.ArgumentParser()
    train.add_arguments(parser)
    words = ["--simulate", str(tmp_path), "-o", "out", "--from-scratch", "--workers", "2", "--seed", "7"]
    values = train.overrides(parser.parse_args(words))
    assert (values["start_weights"], values["workers"], values["seed"]) == (None, 2, 7)
    assert "max_epochs" not in values
    assert "seed" not in train.overrides(parser.parse_args(words[:-2]))


@pytest.mark.parametrize("name", ["$__import__('os').system('touch evil')", "@seed", "%x", "a#b", "a::b"])
@pytest.mark.parametrize("option", ["--validation", "--hold-out"])
def test_a_name_that_a_config_would_evaluate_is_refused(
    name: str,
    option: str,
    maps: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    (maps / f"{name}.nii.gz").touch()
    assert "in it, which configs give a meaning. Rename that file." in error(
        capsys, "--simulate", maps, "-o", "out", option, name
    )
    assert [path.name for path in tmp_path.iterdir()] == ["maps"]
