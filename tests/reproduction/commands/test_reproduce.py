"""The command that runs what is missing: with a fake runner, since each step is a command with tests of its own."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml
from paper_inputs import datalist

from reproduction.commands import reproduce
from reproduction.folder import Reproduction, read_json
from reproduction.steps import Step
from scripts.commands.main import main
from scripts.errors import WrongUsage

DEFAULTS = {"epochs": 1, "iterations_per_epoch": 2, "stride": 16, "score": "maximum", "patch_size": 31}
RUNS = [{"name": "one", "network": "position", "width": 1}, {"name": "two", "network": "position", "width": 2}]


@pytest.fixture
def manifest(tmp_path: Path) -> Path:
    """A manifest of two runs, whose scans are there."""
    datalist(tmp_path)
    path = tmp_path / "sweep.yaml"
    content = {
        "datalist": "datalist.json",
        "device": "cpu",
        "memory": ["dense:1:1"],
        "defaults": {"position": DEFAULTS},
    }
    path.write_text(yaml.safe_dump({**content, "runs": RUNS}))
    return path


@pytest.fixture
def ran(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The names of the steps that are run, each of which leaves its product; steps in `failing` fail."""
    return use(monkeypatch, lambda name: 0)


def use(monkeypatch: pytest.MonkeyPatch, status_of: Callable[[str], int], leaves: bool = True) -> list[str]:
    """Replace the runner by one whose exit codes are those of a function of the step's name."""
    names: list[str] = []

    def run_step(step: Step, log: Path) -> int:
        names.append(step.name)
        log.write_text(f"first\nprogress 1\rprogress 2\n{step.name} said this\n\n")
        if (status := status_of(step.name)) == 0 and leaves:
            step.product.parent.mkdir(parents=True, exist_ok=True)
            step.product.touch()
        return status

    monkeypatch.setattr(reproduce, "run_step", run_step)
    return names


ALL = [
    "prepare",
    *(f"{stage}:{run}" for run in ("one", "two") for stage in ("train", "export", "cohort", "evaluate")),
    "memory",
    "paper",
]


def test_everything_is_run_once_in_order(manifest: Path, ran: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    words = ["reproduce", str(manifest), "-o", str(manifest.parent / "out")]
    assert main(words) == 0
    assert ran == ALL
    assert f"{len(ALL)} steps done" in capsys.readouterr().out
    record = read_json(manifest.parent / "out" / "steps" / "train.two.json")
    assert (record["step"], record["status"]) == ("train:two", 0)
    assert record["words"][1:4] == ["-m", "monai.bundle", "run"]
    assert record["seconds"] >= 0
    ran.clear()
    assert main(words) == 0
    assert ran == ["memory", "paper"], "which know themselves what is done"


def test_what_was_removed_is_made_again(manifest: Path, ran: list[str]) -> None:
    words = ["reproduce", str(manifest), "-o", str(manifest.parent / "out")]
    assert main(words) == 0
    ran.clear()
    (Reproduction(manifest.parent / "out").run("one") / "weights.pt").unlink()
    assert main(words) == 0
    assert ran == ["export:one", "memory", "paper"]


def test_a_failure_keeps_back_what_needs_it_and_nothing_else(
    manifest: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    names = use(monkeypatch, lambda name: 3 if name == "export:one" else 0)
    words = ["reproduce", str(manifest), "-o", str(manifest.parent / "out")]
    assert main(words) == reproduce.FAILED
    assert names == [name for name in ALL if name not in ("cohort:one", "evaluate:one")]
    err = capsys.readouterr().err
    assert "export:one failed (exit code 3): see " in err
    assert "  progress 2\n  export:one said this" in err
    assert "3 of 11 steps are not done:" in err
    assert "cohort:one: not tried: export:one is not done" in err
    assert "evaluate:one: not tried: cohort:one is not done" in err
    again = use(monkeypatch, lambda name: 0)
    assert main(words) == 0
    assert again == ["export:one", "cohort:one", "evaluate:one", "memory", "paper"]


def test_a_step_that_leaves_nothing_has_failed(manifest: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    names = use(monkeypatch, lambda name: 0, leaves=False)
    assert main(["reproduce", str(manifest), "-o", str(manifest.parent / "out"), "--only", "one"]) == reproduce.FAILED
    assert names == ["prepare"]


def test_stopped_it_goes_on(
    manifest: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def stop(name: str) -> int:
        if name == "train:two":
            raise KeyboardInterrupt
        return 0

    use(monkeypatch, stop)
    words = ["reproduce", str(manifest), "-o", str(manifest.parent / "out")]
    assert main(words) == reproduce.STOPPED
    assert "The same command goes on from here" in capsys.readouterr().err
    names = use(monkeypatch, lambda name: 0)
    assert main(words) == 0
    assert names == ALL[ALL.index("train:two") :]


def test_only_some(manifest: Path, ran: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    words = ["reproduce", str(manifest), "-o", str(manifest.parent / "out"), "--only"]
    assert main([*words, "two"]) == 0
    assert ran == ["prepare", *(f"{stage}:two" for stage in ("train", "export", "cohort", "evaluate"))]
    ran.clear()
    assert main([*words, "export:one", "paper"]) == 0
    assert ran == ["train:one", "export:one", "paper"], "and what these need"
    assert main([*words, "three"]) == 2
    assert "There is no run or step three. --list names them all." in capsys.readouterr().err


def test_a_list_is_printed_and_nothing_is_made(
    manifest: Path, ran: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["reproduce", str(manifest), "-o", str(manifest.parent / "out"), "--list"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line.split("\t")[0] for line in lines] == ALL
    assert f" prepare {manifest.parent / 'datalist.json'} -o " in lines[0]
    assert ran == []
    assert not (manifest.parent / "out").exists()


def test_a_step_s_output_goes_to_its_log(tmp_path: Path) -> None:
    step = Step("a", ("sh", "-c", "echo seen; echo also >&2; exit 4"), tmp_path / "x")
    assert reproduce.run_step(step, tmp_path / "log") == 4
    assert (tmp_path / "log").read_text() == "$ sh -c 'echo seen; echo also >&2; exit 4'\nseen\nalso\n"


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        (
            {"datalist": None},
            "sweep.yaml names no datalist. Name one: --datalist FILE; `head-ct-anomaly cq500` makes it",
        ),
        ({"datalist": "none.json"}, "none.json is no datalist (FileNotFoundError"),
        ({"reads": "none.csv"}, "none.csv can't be read (No such file or directory). Give the label table"),
        ({"memory": ["unet:1:1"]}, "memory in {folder}/sweep.yaml: 'unet:1:1' is no NETWORK:WIDTH:BATCH"),
        ({"device": "cuda:7"}, "There is no device cuda:7"),
        ({"runs": [*RUNS, RUNS[0]]}, "Two runs in {folder}/sweep.yaml are called one"),
        ({"runs": [{**RUNS[0], "train": {"learning_rat": 1}}]}, "Run one: train sets learning_rat, which is no id of"),
    ],
)
def test_wrong_usage_is_said_before_anything_begins(
    changes: dict[str, object], words: str, manifest: Path, ran: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    content = {**yaml.safe_load(manifest.read_text()), **changes}
    manifest.write_text(yaml.safe_dump({key: value for key, value in content.items() if value is not None}))
    assert main(["reproduce", str(manifest), "-o", str(manifest.parent / "out")]) == 2
    assert words.replace("{folder}", str(manifest.parent)) in capsys.readouterr().err
    assert ran == []
    assert not (manifest.parent / "out").exists()


def leaking(content: dict[str, Any]) -> None:
    """The healthy training scan is tested as well."""
    content["test"].append({**content["test"][0], **content["training"][0]})


def without_scan(content: dict[str, Any]) -> None:
    """A scan to test is not there."""
    content["test"][0]["image"] = "scans/lost"


def without_side(content: dict[str, Any]) -> None:
    """A label without which nothing can be evaluated is not there."""
    del content["test"][0]["labels"]["BleedLocation-Right"]


@pytest.mark.parametrize(
    ("spoil", "words"),
    [
        (leaking, r'Entry 0 of "training" in .*, CQ500-CT-1, stands under "test" too\. Keep it in one of them\.'),
        (without_scan, r'Entry 0 of "test" in .*, CQ500-CT-3: there is no .*scans/lost\. Correct it\.'),
        (without_side, r'Entry 0 of "test" in .*, CQ500-CT-3: no label "BleedLocation-Right"\. Add it, true or false'),
    ],
)
def test_a_datalist_that_would_spoil_the_evaluation_is_refused_before_the_training(
    spoil: Callable[[dict[str, Any]], None], words: str, manifest: Path, ran: list[str]
) -> None:
    path = manifest.parent / "datalist.json"
    content = json.loads(path.read_text())
    spoil(content)
    path.write_text(json.dumps(content))
    with pytest.raises(WrongUsage, match=words):
        reproduce.check_datalist(path)
    assert main(["reproduce", str(manifest), "-o", str(manifest.parent / "out")]) == 2
    assert ran == []
    assert not (manifest.parent / "out").exists()


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("one", 'Entry 0 of "training" in {folder}/datalist.json, {folder}/one, does not exist. Correct its path'),
        ("scans/CQ500-CT-3", 'Entry 0 of "test" in {folder}/datalist.json, CQ500-CT-3: there is no {folder}/scans'),
    ],
)
def test_a_scan_that_is_not_there_is_said_before_anything_begins(
    name: str, words: str, manifest: Path, ran: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    (manifest.parent / name).rmdir()
    command = ["reproduce", str(manifest), "-o", str(manifest.parent / "out")]
    assert main([*command, "--list"]) == 0, "which needs no scans"
    assert main(command) == 2
    assert words.replace("{folder}", str(manifest.parent)) in capsys.readouterr().err
    assert ran == []
    assert not (manifest.parent / "out").exists()


def test_a_missing_manifest_and_a_path_that_monai_does_not_take(
    manifest: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["reproduce", str(manifest.parent / "none.yaml"), "-o", str(manifest.parent / "out")]) == 2
    assert "There is no manifest at" in capsys.readouterr().err
    assert main(["reproduce", str(manifest), "-o", str(manifest.parent / "out #1")]) == 2
    assert "MONAI takes a # in a path for something else" in capsys.readouterr().err


@pytest.mark.parametrize("name", reproduce.SHIPPED)
def test_the_manifests_that_ship_are_found_by_name(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    words = ["reproduce", name, "-o", "out", "--datalist", str(datalist(tmp_path)), "--list"]
    assert main(words) == 0
    names = [line.split("\t")[0] for line in capsys.readouterr().out.splitlines()]
    assert names[0] == "prepare"
    assert names[-2:] == ["memory", "paper"]
    assert "evaluate:position_m4" in names
