"""The folder of a reproduction: what was asked for, what is there, and runs that are not mixed up."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from paper_inputs import DEVICE, case, datalist, evaluation, memory, plan, reproduction, run

from reproduction.commands.memory import COLUMNS
from reproduction.folder import FORMAT, MANIFEST_NAME, Reproduction, read_csv, read_json
from reproduction.rows import HERE, PAPER
from scripts.errors import WrongUsage
from scripts.results.folder import write_results


def test_what_was_asked_for_is_written_down(tmp_path: Path) -> None:
    folder = Reproduction(tmp_path / "out")
    listed = datalist(tmp_path)
    folder.begin(plan([run("a"), run("b", "autoencoder", stride=1)], listed, reads=str(tmp_path / "r.csv")))
    settings = folder.settings()
    assert settings["datalist"] == str(tmp_path / "datalist.json")
    assert settings["reads"] == str(tmp_path / "r.csv")
    assert settings["examples"] == {"haemorrhage": 2, "fracture": 1}
    assert folder.names() == ["a", "b"]
    assert read_json(folder.run("b") / "run.json")["network"] == "autoencoder"
    folder.begin(plan([run("a"), run("b", "autoencoder", stride=1)], listed))
    folder.begin(plan([run("b", "autoencoder", stride=1), run("c")], listed))
    assert folder.names() == ["b", "c"], "those that are asked for now"


def test_a_run_of_other_settings_is_not_gone_on_with(tmp_path: Path) -> None:
    folder = Reproduction(tmp_path / "out")
    folder.begin(plan([run("a", width=4, train={"seed": 1})], datalist(tmp_path)))
    with pytest.raises(
        WrongUsage, match=r"Run a in .*out was begun with width 4, not 8. Give the run another name, or"
    ):
        folder.begin(plan([run("a", width=8, train={"seed": 1})], datalist(tmp_path)))
    with pytest.raises(WrongUsage, match=r"was begun with train \{'seed': 1\}, not \{\}"):
        folder.begin(plan([run("a", width=4)], datalist(tmp_path)))
    other = datalist(tmp_path / "other")
    with pytest.raises(WrongUsage, match=r"was begun with datalist .*datalist.json, not .*other"):
        folder.begin(plan([run("a", width=4, train={"seed": 1})], other))
    assert folder.settings()["runs"][0]["width"] == 4


def test_a_datalist_that_has_changed_under_its_name_is_not_gone_on_with(tmp_path: Path) -> None:
    """Dealt anew, it would have scans tested that were trained on."""
    folder, manifest = Reproduction(tmp_path / "out"), plan([run("a")], datalist(tmp_path))
    folder.begin(manifest)
    folder.begin(manifest)
    datalist(tmp_path, [case("CQ500-CT-4")])
    with pytest.raises(WrongUsage, match=r"datalist.json is not what it was when run a in .*out was begun: who is"):
        folder.begin(manifest)
    folder.begin(plan([run("b")], tmp_path / "datalist.json"))


def test_another_folder_is_refused(tmp_path: Path) -> None:
    folder = Reproduction(tmp_path)
    for text in (None, "{", json.dumps({"format": FORMAT})):
        if text is not None:
            (tmp_path / MANIFEST_NAME).write_text(text)
        with pytest.raises(WrongUsage, match=r"no folder of a reproduction: manifest.json is missing.* Name one that"):
            folder.settings()
    (tmp_path / MANIFEST_NAME).write_text('{"format": "something else"}')
    with pytest.raises(WrongUsage, match="is no folder of a reproduction"):
        folder.begin(plan([run("a")], datalist(tmp_path / "data")))
    assert not (tmp_path / "runs").exists()


def test_rows_of_what_is_there(tmp_path: Path) -> None:
    folder = reproduction(tmp_path, {"a": evaluation(), "b": evaluation("autoencoder", 2, None, mode="autoencoder")})
    (folder.cohort("b") / "evaluation.json").write_text('{"half": ')
    assert list(folder.evaluations()) == ["a"], "what is not whole counts for nothing"
    assert [row.run for row in folder.aurocs() if row.source == HERE] == ["a", "a"]
    assert {row.source for row in folder.aurocs()} == {HERE, PAPER}
    assert {point.run for point in folder.roc_points()} == {"Figure 6", "a"}
    assert [row for row in folder.memories() if row.source == HERE] == []
    row = {"network": "dense", "width": "2", "batch": "4", "batch_of": "crops", "device": DEVICE, "memory_mb": "9"}
    row |= {"measure": "process memory", "status": "measured"}
    lines = [",".join(COLUMNS), ",".join(f'"{row.get(name, "")}"' for name in COLUMNS)]
    folder.memory_table.write_text("\n".join(lines))
    assert [row for row in folder.memories() if row.source == HERE] == [memory("dense", 2, 4, 9.0)]


def test_times_of_training_and_inference(tmp_path: Path) -> None:
    folder = reproduction(tmp_path, {"a": evaluation(width=4)})
    train = folder.run("a") / "train"
    train.mkdir()
    (train / "learning_curve.csv").write_text("epoch,iterations,cpu_s,wall_s\n1,10,5,7\n2,20,10,3600.0\n")
    for name, seconds in (("x", 1.0), ("y", 5.0), ("z", 2.5)):
        write_results(folder.cohort("a") / "cases" / name, {}, {"timings_s": {"network": seconds}})
    (ours,) = (row for row in folder.durations() if row.source == HERE)
    assert (ours.run, ours.width, ours.iterations) == ("a", 4, 20)
    assert (ours.training_hours, ours.inference_seconds) == (1.0, 2.5)


def test_times_that_are_not_known(tmp_path: Path) -> None:
    folder = reproduction(tmp_path, {"a": evaluation()})
    (ours,) = (row for row in folder.durations() if row.source == HERE)
    assert (ours.training_hours, ours.inference_seconds, ours.iterations) == (None, None, None)


def test_an_example_counts_when_it_is_whole(tmp_path: Path) -> None:
    folder = reproduction(tmp_path, {"a": evaluation()})
    assert folder.example_result("a", "case") == {}
    write_results(folder.example("a", "case"), {"heatmap.nii.gz": b"map"}, {"scores": {}})
    assert "scores" in folder.example_result("a", "case")
    (folder.example("a", "case") / "heatmap.nii.gz").write_bytes(b"other")
    assert folder.example_result("a", "case") == {}


def test_files_that_can_not_be_read_are_empty(tmp_path: Path) -> None:
    assert read_json(tmp_path / "none") == {}
    assert read_csv(tmp_path / "none") == []
    (tmp_path / "list.json").write_text(json.dumps([1]))
    assert read_json(tmp_path / "list.json") == {}
