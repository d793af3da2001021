"""The command that has Snakemake do what is missing: with stand-ins for the steps, which have tests of their own."""

from __future__ import annotations

import fcntl
import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import fake_steps
import pytest
import yaml
from paper_inputs import case, datalist

from reproduction.commands import reproduce
from reproduction.folder import Reproduction
from scripts.commands.main import main
from scripts.errors import WrongUsage

DEFAULTS = {"epochs": 1, "iterations_per_epoch": 2, "stride": 16, "score": "maximum", "patch_size": 31}
RUNS = [{"name": "one", "network": "position", "width": 1}, {"name": "two", "network": "position", "width": 2}]
TEST = [case(f"CQ500-CT-{number}", ICH=True, BleedLocation_Left=True) for number in (3, 4)]


@pytest.fixture
def manifest(tmp_path: Path) -> Path:
    """A manifest of two runs, whose scans are there."""
    datalist(tmp_path, TEST)
    path = tmp_path / "sweep.yaml"
    content = {
        "datalist": "datalist.json",
        "device": "cpu",
        "memory": ["dense:1:1"],
        "defaults": {"position": DEFAULTS},
    }
    path.write_text(yaml.safe_dump({**content, "runs": RUNS}))
    return path


class Sweep:
    """A sweep of a manifest with stand-ins for its steps."""

    def __init__(self, manifest: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.manifest, self.monkeypatch = manifest, monkeypatch
        self.out, self.log = manifest.parent / "out", manifest.parent / "log"
        self.words = ["reproduce", str(manifest), "-o", str(self.out)]
        python = manifest.parent / "python"
        python.write_text(f'#!/bin/sh\nexec {sys.executable} -S -E {fake_steps.__file__} "$@"\n')
        python.chmod(0o755)
        monkeypatch.setattr(reproduce, "PYTHON", str(python))
        monkeypatch.setenv("FAKE_LOG", str(self.log))
        monkeypatch.setenv("FAKE_PARENT", str(os.getpid()))

    def __call__(self, *more: str, **doing: str) -> tuple[int, list[str]]:
        """The exit code and the steps that were run; `doing` says what goes wrong with which."""
        self.log.write_text("")
        told = [f"{name.replace('__', ':')}={what}" for name, what in doing.items()]
        self.monkeypatch.setenv("FAKE_DO", " ".join(told))
        status = main([*self.words, *more])
        return status, [line.split("\t")[0] for line in self.log.read_text().splitlines()]


@pytest.fixture
def sweep(manifest: Path, monkeypatch: pytest.MonkeyPatch) -> Sweep:
    return Sweep(manifest, monkeypatch)


def of(run: str) -> list[str]:
    return [f"{rule}:{run}" for rule in ("train", "export", "cohort", "evaluate")]


ALL = {"prepare", *of("one"), *of("two"), "example:two:CQ500-CT-4", "memory", "paper"}
"""The widest run is shown, and of the two scans with a bleed on one side that which was not refused."""


def test_everything_is_done_once_in_order_and_what_is_missing_again(
    sweep: Sweep, capfd: pytest.CaptureFixture[str]
) -> None:
    status, ran = sweep()
    assert (status, set(ran), len(ran)) == (0, ALL, len(ALL))
    chain = ["prepare", *of("two"), "example:two:CQ500-CT-4", "paper"]
    assert sorted(chain, key=ran.index) == chain
    assert ran[-1] == "paper"
    out, err = capfd.readouterr()
    lines = out.splitlines()
    assert lines[-1] == f"Done: {sweep.out}"
    assert {line.partition("] ")[2] for line in lines[:-1]} == {*ALL, "measure:dense:1:1"}
    assert lines[0].startswith("[1/")
    assert err == ""
    assert "train:two said this" in (sweep.out / "steps" / "train.two.1.log").read_text()
    assert sweep() == (0, [])
    Reproduction(sweep.out).cohort("one").joinpath("evaluation.json").unlink()
    assert sweep() == (0, ["evaluate:one", "paper"])


def test_a_failure_keeps_back_what_needs_it_and_nothing_else(sweep: Sweep, capfd: pytest.CaptureFixture[str]) -> None:
    status, ran = sweep(export__one="fail", memory="nothing")
    assert status == reproduce.FAILED
    assert set(ran) == ALL - {"cohort:one", "evaluate:one", "paper"}
    err = capfd.readouterr().err
    log = sweep.out / "steps" / "export.one.log"
    assert f"export:one failed: see {log}\n  first\n  progress 2\n  export:one said this\n" in err
    assert err.count("export:one failed") == 1
    assert f"measure:dense:1:1 failed: see {sweep.out}/steps/measure.dense_1_1.log" in err, "it left nothing"
    assert err.endswith(f"Not everything is done. The same command tries again; logs: {sweep.out}/steps\n")
    assert str(sweep.manifest.parent / "scans") not in err, "no paths of scans"
    status, again = sweep()
    assert (status, set(again)) == (0, {"export:one", "cohort:one", "evaluate:one", "memory", "paper"})


def is_alive(pid: int) -> bool:
    """Whether a process runs; one that is dead and waits to be noticed does not."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


@pytest.mark.parametrize("how", ["stop", "power"])
def test_stopped_or_killed_it_goes_on(how: str, sweep: Sweep, capfd: pytest.CaptureFixture[str]) -> None:
    status, before = sweep(cohort__two=how)
    err = capfd.readouterr().err
    assert not any(is_alive(int(line.split("\t")[1])) for line in sweep.log.read_text().splitlines())
    if how == "stop":
        assert (status, err) == (reproduce.STOPPED, "Stopped. The same command goes on from here.\n")
    else:
        assert status == reproduce.FAILED
    status, after = sweep()
    assert status == 0
    assert set(before) & set(after) == {"cohort:two"}
    assert set(before) | set(after) == ALL


def test_a_step_that_does_not_leave_is_killed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reproduce, "LEAVING_S", 0.5)
    deaf = "import signal, time; signal.signal(2, signal.SIG_IGN); print('deaf', flush=True); time.sleep(99)"
    pipe = subprocess.PIPE
    with subprocess.Popen([sys.executable, "-c", deaf], stdout=pipe, text=True, start_new_session=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "deaf\n"
        reproduce.end(process)
        assert process.returncode == -signal.SIGKILL


def test_only_some(sweep: Sweep, capfd: pytest.CaptureFixture[str]) -> None:
    assert sweep("--only", "two") == (0, ["prepare", *of("two")])
    assert sweep("--only", "three")[0] == 2
    assert "There is no run three. There are one, two, and prepare, memory, paper." in capfd.readouterr().err


def test_a_list_is_printed_and_nothing_is_made(sweep: Sweep, capfd: pytest.CaptureFixture[str]) -> None:
    (sweep.manifest.parent / "scans" / "CQ500-CT-3").rmdir()
    assert sweep("--list") == (0, []), "which needs no scans"
    out, err = capfd.readouterr()
    lines = dict(line.split("\t") for line in out.splitlines())
    later = {"example:two:CQ500-CT-4"}
    assert set(lines) == (ALL - later) | {"measure:dense:1:1"}, "examples are known when there are scores"
    assert f" prepare {sweep.manifest.parent / 'datalist.json'} -o " in lines["prepare"]
    assert err == ""
    assert not sweep.out.exists()


def test_two_sweeps_do_not_share_a_folder(sweep: Sweep, capfd: pytest.CaptureFixture[str]) -> None:
    sweep.out.mkdir()
    with (sweep.out / ".lock").open("w") as stream:
        fcntl.flock(stream, fcntl.LOCK_EX)
        assert sweep() == (4, [])
        assert [path.name for path in sweep.out.iterdir()] == [".lock"], "the manifest of the other one stays"
    assert f"Another sweep works in {sweep.out}. Wait for it" in capfd.readouterr().err


def test_a_missing_snakemake_is_said(
    sweep: Sweep, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(reproduce, "find_spec", lambda name: None)
    assert sweep() == (2, [])
    assert "Install it: pip install 'head-ct-position-anomaly[reproduce]'" in capfd.readouterr().err


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        (
            {"datalist": None},
            "sweep.yaml names no datalist. Name one: --datalist FILE; `head-ct-anomaly cq500` makes it",
        ),
        ({"datalist": "none.json"}, "none.json. Correct its name."),
        ({"reads": "none.csv"}, "none.csv can't be read (No such file or directory). Give the label table"),
        ({"memory": ["unet:1:1"]}, "{folder}/sweep.yaml: memory must be NETWORK:WIDTH:BATCH"),
        ({"device": "cuda:7"}, "There is no device cuda:7"),
        ({"runs": [*RUNS, RUNS[0]]}, "Two runs in {folder}/sweep.yaml are called one"),
        ({"runs": [{**RUNS[0], "train": {"learning_rat": 1}}]}, "Run one: train sets learning_rat, which is no id of"),
        ({"runs": [{**DEFAULTS, **RUNS[0], "network": "dense", "stride": 2}]}, "holds no dense network of width 1 and"),
    ],
)
def test_wrong_usage_is_said_before_anything_begins(
    changes: dict[str, object], words: str, manifest: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    content = {**yaml.safe_load(manifest.read_text()), **changes}
    manifest.write_text(yaml.safe_dump({key: value for key, value in content.items() if value is not None}))
    assert main(["reproduce", str(manifest), "-o", str(manifest.parent / "out")]) == 2
    assert words.replace("{folder}", str(manifest.parent)) in capsys.readouterr().err
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
    spoil: Callable[[dict[str, Any]], None], words: str, manifest: Path
) -> None:
    path = manifest.parent / "datalist.json"
    content = json.loads(path.read_text())
    spoil(content)
    path.write_text(json.dumps(content))
    with pytest.raises(WrongUsage, match=words):
        reproduce.check_datalist(path)
    assert main(["reproduce", str(manifest), "-o", str(manifest.parent / "out")]) == 2
    assert not (manifest.parent / "out").exists()


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("one", 'Entry 0 of "training" in {folder}/datalist.json: there is no {folder}/one. Correct it.'),
        ("scans/CQ500-CT-3", 'Entry 0 of "test" in {folder}/datalist.json, CQ500-CT-3: there is no {folder}/scans'),
    ],
)
def test_a_scan_that_is_not_there_is_said_before_anything_begins(
    name: str, words: str, manifest: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (manifest.parent / name).rmdir()
    command = ["reproduce", str(manifest), "-o", str(manifest.parent / "out")]
    assert main(command) == 2
    assert words.replace("{folder}", str(manifest.parent)) in capsys.readouterr().err
    assert not (manifest.parent / "out").exists()


def test_a_scan_to_show_whose_path_is_not_taken_is_refused_before_the_training(
    manifest: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    datalist(manifest.parent, [{**TEST[0], "image": "scans/CQ500 #3"}, TEST[1]])
    assert main(["reproduce", str(manifest), "-o", str(manifest.parent / "out")]) == 2
    words = f"MONAI takes # in the path of a scan for something else: {manifest.parent}/scans/CQ500 #3. Rename it.\n"
    assert capsys.readouterr().err == words
    assert not (manifest.parent / "out").exists()


def test_a_missing_manifest_and_paths_that_are_not_taken(manifest: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["reproduce", str(manifest.parent / "none.yaml"), "-o", str(manifest.parent / "out")]) == 2
    assert "There is no manifest at" in capsys.readouterr().err
    for name in ("out #1", "out {1}"):
        assert main(["reproduce", str(manifest), "-o", str(manifest.parent / name)]) == 2
        assert "MONAI and Snakemake take #, { and } in a path for something else" in capsys.readouterr().err
