"""`head-ct-anomaly cohort`: what is done, what is done again, and what is left after processes were killed, for real.

The pipeline is replaced (see `cohort_stand_in`); real scans go through it in test_cohort_pipeline.py.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterable, Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest
import torch
from cohort_stand_in import begun, pretend, processes, stand_in_case, write_cohort
from engine_jobs import in_this_process
from engine_waiting import is_alive, wait_until

from scripts.cohort import runner as case_runner
from scripts.cohort import scan_folder
from scripts.cohort.table import read_table
from scripts.commands import arguments, cohort
from scripts.commands.main import main, parser_for
from scripts.errors import OutputFailed
from scripts.networks.position import DensePositionNet
from scripts.processes.cluster import imported_ray
from scripts.results.record import verify

ROOT = Path(__file__).resolve().parents[2]
PATH = os.pathsep.join([str(ROOT / "bundle"), str(ROOT / "tests" / "support")])


@pytest.fixture
def stand_in(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cohort, "run_case", stand_in_case)
    monkeypatch.setenv("PYTHONPATH", str(ROOT / "tests" / "support"))
    monkeypatch.setenv("OMP_NUM_THREADS", "1")


@pytest.fixture
def here(monkeypatch: pytest.MonkeyPatch) -> None:
    """The stand-in, in this process."""
    monkeypatch.setattr(case_runner, "run_configs", pretend)
    monkeypatch.setattr(arguments, "in_processes", in_this_process)


def words(folder: Path, *more: str, out: str = "out") -> list[str]:
    return ["cohort", str(folder / "datalist.json"), "-o", str(folder / out), "--device", "cpu", *more]


def scores(folder: Path, out: str = "out") -> list[str]:
    """The lines of the table without the seconds."""
    return [line.rpartition(",")[0] for line in (folder / out / "score_details.csv").read_text().splitlines()]


def driver(folder: Path, *more: str) -> subprocess.Popen[str]:
    """The command in a process of its own, which can be killed."""
    return subprocess.Popen(
        [sys.executable, str(ROOT / "tests" / "support" / "cohort_stand_in.py"), *words(folder, *more)],
        env={**os.environ, "PYTHONPATH": PATH, "OMP_NUM_THREADS": "1"},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


MIXED: dict[int, dict[str, Any]] = {1: {"refuse": "There is no CT image."}, 3: {"error": "broken\n  in two"}}


@pytest.mark.usefixtures("here")
def test_done_refused_and_failed_cases_stand_in_the_table(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write_cohort(tmp_path, 5, MIXED)
    assert main(words(tmp_path)) == 5
    rows = {row.case: row for row in read_table(tmp_path / "out" / "score_details.csv")}
    assert list(rows) == [f"case-{number}" for number in range(5)]
    assert [row.status for row in rows.values()] == ["done", "refused", "done", "failed", "done"]
    assert rows["case-1"].reason == "There is no CT image. Give a head CT."
    assert rows["case-3"].reason == "RuntimeError"
    assert rows["case-4"].scores == dict.fromkeys(("left_hemisphere", "right_hemisphere", "skull"), 4 / 7)
    assert verify(tmp_path / "out" / "cases" / "case-4")["scores"] == rows["case-4"].scores
    out, err = capsys.readouterr()
    assert "5 cases: 3 done, 1 refused, 1 failed" in out
    assert "The same command tries the failed ones again." in out
    assert "case-1 refused: There is no CT image." in err
    assert "5/5" in err


def scans(folder: Path) -> list[str]:
    """The command for a folder of three scans, one of which is refused."""
    write_cohort(folder / "lists", 3, {1: MIXED[1]})
    (folder / "scans").mkdir()
    for number in range(3):
        (folder / "lists" / f"scan_{number}.txt").rename(folder / "scans" / f"head {number}.nii")
    return ["cohort", str(folder / "scans"), "-o", str(folder / "out"), "--device", "cpu"]


@pytest.mark.usefixtures("here")
def test_a_folder_of_scans(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    command = scans(tmp_path)
    monkeypatch.setattr(scan_folder, "check_input", lambda path, uid: None)
    assert main(command) == 0
    assert "3 cases: 2 done, 1 refused" in capsys.readouterr().out
    rows = {row.case: row.status for row in read_table(tmp_path / "out" / "score_details.csv")}
    assert rows == {"head_0": "done", "head_1": "refused", "head_2": "done"}
    short = (tmp_path / "out" / "scores.csv").read_text().splitlines()
    assert [line.split(",")[:2] for line in short[1:]] == [list(row) for row in rows.items()]
    assert main([*command, "--dicom"]) == 2
    assert "head_0: A NIfTI file has no study that DICOM objects could belong to." in capsys.readouterr().err


def test_folders_of_which_nothing_can_be_judged_leave_nothing(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    command = scans(tmp_path)
    assert main(command) == 3
    err = capsys.readouterr().err
    assert err.startswith(f"None of 3 scans in {tmp_path / 'scans'} can be judged. head_0: ")
    assert err.count("\n") == 1
    inside = ["cohort", str(tmp_path / "scans"), "-o", str(tmp_path / "scans" / "out")]
    assert main(inside) == 2
    assert "lies inside" in capsys.readouterr().err
    (tmp_path / "empty").mkdir()
    assert main(["cohort", str(tmp_path / "empty"), "-o", str(tmp_path / "out")]) == 2
    assert "is empty. Give a folder of scans" in capsys.readouterr().err
    assert sorted(path.name for path in tmp_path.iterdir()) == ["empty", "lists", "scans"]
    assert len(list((tmp_path / "scans").iterdir())) == 3


@pytest.mark.usefixtures("here")
def test_a_shard_in_which_nothing_can_be_judged_is_one_too(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    command = scans(tmp_path)
    assert main([*command, "--shard", "1/1"]) == 0, "by headers alone none of these can"
    assert "3 cases: 2 done, 1 refused" in capsys.readouterr().out


def test_maps_and_dicom_objects_are_asked_for_as_in_run(tmp_path: Path) -> None:
    write_cohort(tmp_path, 1)
    args = parser_for(["cohort"]).parse_args(words(tmp_path, "--maps", "heatmap", "--dicom"))
    args.config = []
    values = cohort.planned(args)[0].values
    assert (values["maps"], values["dicom"], values["report"]) == ("heatmap", True, False)
    args.report = True
    assert "report" not in cohort.planned(args)[0].values, "as the config has it: made"


@pytest.mark.usefixtures("here")
def test_the_same_command_does_what_is_not_finished_and_no_more(tmp_path: Path) -> None:
    write_cohort(tmp_path, 4, MIXED)
    assert main(words(tmp_path)) == 5
    assert begun(tmp_path) == [0, 1, 2, 3]
    first = scores(tmp_path)
    assert main(words(tmp_path)) == 5
    assert begun(tmp_path) == [0, 1, 2, 3, 3], "failed cases are tried again, refused ones are not"
    assert scores(tmp_path) == first
    write_cohort(tmp_path, 4, {1: MIXED[1]})
    os.utime(tmp_path / "scan_0.txt", ns=(1, 1))
    assert main(words(tmp_path)) == 4, "a scan that has changed under its name"
    write_cohort(tmp_path, 4, {1: MIXED[1]})


@pytest.mark.usefixtures("here")
def test_new_cases_join_and_others_leave_the_table(tmp_path: Path) -> None:
    datalist = write_cohort(tmp_path, 3)
    content = json.loads(datalist.read_text())
    datalist.write_text(json.dumps({**content, "test": content["test"][:2]}))
    assert main(words(tmp_path)) == 0
    datalist.write_text(json.dumps({**content, "test": content["test"][1:]}))
    assert main(words(tmp_path)) == 0
    assert begun(tmp_path) == [0, 1, 2]
    assert [row.case for row in read_table(tmp_path / "out" / "score_details.csv")] == ["case-1", "case-2"]


@pytest.mark.usefixtures("stand_in")
def test_several_processes_give_the_same_scores(tmp_path: Path) -> None:
    write_cohort(tmp_path, 6, {**MIXED, 2: {"seconds": 0.5}})
    assert main(words(tmp_path)) == main(words(tmp_path, "--workers", "2", out="two")) == 5
    assert scores(tmp_path) == scores(tmp_path, "two")
    assert len(set(processes(tmp_path))) == 3, "one, and then two"


@pytest.mark.parametrize(
    ("more", "gpu", "expected"),
    [
        ((), True, False),
        (("--workers", "2"), True, True),
        (("--workers", "2"), False, False),
        (("--workers", "2", "--device", "cuda:0"), False, True),
        (("--workers", "2", "--device", "cpu"), True, False),
        (("--workers", "2", "--networks", "own"), True, False),
        (("--networks", "shared"), False, True),
        (("--workers", "2", "--engine", "ray"), True, False),
        (("--workers", "2", "--mode", "published"), True, False),
    ],
)
def test_several_workers_share_the_networks_on_a_gpu(
    more: tuple[str, ...], gpu: bool, expected: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: gpu)
    args = parser_for(["cohort"]).parse_args(["cohort", "SCANS", "-o", "out", *more])
    assert cohort.shares_networks(args) is expected


@pytest.mark.usefixtures("stand_in")
def test_a_case_that_kills_its_process_fails_and_stops_nothing(tmp_path: Path) -> None:
    write_cohort(tmp_path, 3, {0: {"deaths": 99}, 1: {"deaths": 1}})
    assert main(words(tmp_path)) == 5
    rows = read_table(tmp_path / "out" / "score_details.csv")
    assert [row.status for row in rows] == ["failed", "done", "done"]
    assert rows[0].reason == "Its process was killed by signal 9 in each of 3 attempts."
    assert sorted(begun(tmp_path)) == [0, 0, 0, 1, 1, 2]


def waits(folder: Path, numbers: Iterable[int]) -> dict[int, dict[str, Any]]:
    """Changes of cases that wait until there is a file `go`."""
    return {number: {"until": str(folder / "go")} for number in numbers}


def test_a_worker_that_is_killed_in_mid_run_loses_nothing(tmp_path: Path) -> None:
    write_cohort(tmp_path, 5, waits(tmp_path, range(1, 5)))
    run = driver(tmp_path, "--workers", "2")
    wait_until(lambda: len(begun(tmp_path)) == 3)
    at, pid = begun(tmp_path)[-1], processes(tmp_path)[-1]
    os.kill(pid, signal.SIGKILL)
    (tmp_path / "go").touch()
    out, err = run.communicate(timeout=300)
    assert run.returncode == 0, err
    assert "5 cases: 5 done" in out
    assert sorted(begun(tmp_path)) == sorted([*range(5), at]), "only what the killed one was at is done again"
    assert len(read_table(tmp_path / "out" / "score_details.csv")) == 5


def test_a_driver_that_is_killed_loses_nothing_and_repeats_no_finished_case(tmp_path: Path) -> None:
    write_cohort(tmp_path, 5, waits(tmp_path, range(2, 5)))
    run = driver(tmp_path, "--workers", "2")
    cases = tmp_path / "out" / "cases"
    wait_until(lambda: len(begun(tmp_path)) == 4)
    os.kill(run.pid, signal.SIGKILL)
    run.communicate()
    wait_until(lambda: not any(map(is_alive, processes(tmp_path))))
    assert sorted(path.parent.name for path in cases.glob("case-*/result.json")) == ["case-0", "case-1"]
    before = begun(tmp_path)
    assert not (tmp_path / "out" / "score_details.csv").exists()
    (tmp_path / "go").touch()
    again = driver(tmp_path)
    _, err = again.communicate(timeout=300)
    assert again.returncode == 0, err
    assert sorted(begun(tmp_path)[len(before) :]) == [2, 3, 4]
    assert [row.status for row in read_table(tmp_path / "out" / "score_details.csv")] == ["done"] * 5
    assert [path for path in cases.iterdir() if path.name.startswith(".")] == []


def test_ctrl_c_is_a_sentence_and_the_same_command_goes_on(tmp_path: Path) -> None:
    write_cohort(tmp_path, 3, waits(tmp_path, [1]))
    run = driver(tmp_path)
    wait_until(lambda: len(begun(tmp_path)) == 2)
    run.send_signal(signal.SIGINT)
    out, err = run.communicate(timeout=300)
    assert (run.returncode, out) == (130, "")
    assert "Stopped. The same command goes on from here." in err
    assert "Traceback" not in err
    (tmp_path / "go").touch()
    again = driver(tmp_path)
    again.communicate(timeout=300)
    assert again.returncode == 0
    assert begun(tmp_path) == [0, 1, 1, 2]


@pytest.fixture
def cluster() -> Iterator[Any]:
    """A cluster of two nodes beside a head that does no work."""
    imported_ray("127.0.0.1")
    from ray.cluster_utils import Cluster

    made = Cluster(initialize_head=True, head_node_args={"num_cpus": 0, "include_dashboard": False})
    yield made
    made.shutdown()


@pytest.mark.xdist_group("ray")
@pytest.mark.skipif(find_spec("ray") is None, reason="the extra [cluster] is not installed")
@pytest.mark.usefixtures("stand_in")
def test_on_a_ray_cluster_of_which_a_node_is_killed_the_scores_are_the_same(cluster: Any, tmp_path: Path) -> None:
    import threading

    nodes = [cluster.add_node(num_cpus=1) for _ in range(2)]
    write_cohort(tmp_path, 6, {**waits(tmp_path, range(2, 6)), 1: MIXED[1]})

    def kill() -> None:
        wait_until(lambda: len(begun(tmp_path)) == 4)  # two are done, and either node has one
        cluster.remove_node(nodes[0], allow_graceful=False)
        waiting = [pid for number, pid in zip(begun(tmp_path), processes(tmp_path), strict=True) if number >= 2]
        wait_until(lambda: not all(map(is_alive, waiting)))
        (tmp_path / "go").touch()

    killer = threading.Thread(target=kill)
    killer.start()
    more = ["--engine", "ray", "--address", cluster.address]
    assert main(words(tmp_path, *more, out="ray")) == 0
    killer.join()
    assert sorted(set(begun(tmp_path))) == list(range(6))
    assert len(begun(tmp_path)) == 7, "only what the node was at is done again"
    assert len(set(processes(tmp_path))) >= 2
    assert main(words(tmp_path)) == 0
    assert scores(tmp_path, "ray") == scores(tmp_path)
    assert main(words(tmp_path, "--engine", "ray", out="ray")) == 0, "the engine may change; nothing is left to do"


@pytest.mark.usefixtures("here")
def test_other_settings_need_another_folder(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write_cohort(tmp_path, 2)
    assert main(words(tmp_path)) == 0
    before = (tmp_path / "out" / "cohort.json").read_bytes()
    for more, text in (
        (("--stride", "4"), "network stride was 2 and is 4"),
        (("--map", "error"), "score was calibrated_top_1_percent_mean and is raw_top_1_percent_mean"),
        (("--pooling", "maximum"), "score was calibrated_top_1_percent_mean and is calibrated_maximum"),
    ):
        assert main(words(tmp_path, *more)) == 4
        assert text in capsys.readouterr().err
    assert (tmp_path / "out" / "cohort.json").read_bytes() == before
    assert begun(tmp_path) == [0, 1]
    facts = json.loads(before)
    assert facts["network"]["kind"] == "position"
    assert facts["network"]["parameters"] == sum(p.numel() for p in DensePositionNet(16, 39, 2).parameters())


@pytest.mark.usefixtures("here")
def test_a_full_disk_ends_the_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def full(*_: Any) -> Any:
        raise OutputFailed("The results were not written: No space left on device. Free some space.")

    monkeypatch.setattr(arguments, "in_processes", full)
    write_cohort(tmp_path, 2)
    assert main(words(tmp_path)) == 4
    assert "No space left on device" in capsys.readouterr().err
    assert not (tmp_path / "out" / "score_details.csv").exists()


@pytest.mark.parametrize(
    ("more", "code", "text"),
    [
        (["--mode", "published"], 2, "The bundle ships no weights of the published network."),
        (["--mode", "autoencoder"], 2, "The bundle ships no weights of the autoencoder."),
        (["--mode", "autoencoder", "--weights", "WEIGHTS", "--stride", "2"], 2, "leave --stride, --map, --patch-size"),
        (["--mode", "autoencoder", "--weights", "WEIGHTS"], 2, "other.pt holds no weights of this network"),
        (["--address", "127.0.0.1:1"], 2, "--address is that of a Ray cluster. Add --engine ray."),
        (["--device", "cuda:99"], 2, "There is no device cuda:99"),
        (["--weights", "nothing.pt"], 2, "There are no weights at nothing.pt."),
        (["--weights", "WEIGHTS"], 2, "other.pt holds no weights of this network"),
        (["--evidence-weights", "WEIGHTS"], 2, "inputs. Check --evidence-weights; `head-ct-anomaly export`"),
        (["--stride", "3"], 2, "There is no such network: stride must be one of (1, 2, 4), got 3"),
        (["--patch-size", "20"], 2, "There is no such network: patch_size must"),
        (["--section", "training"], 2, 'has no cases under "training"'),
        (["--calibration", "nothing"], 2, "A calibrated map was asked for. There is no thresholds.json."),
        (["--networks", "shared", "--mode", "published"], 2, "Only our own networks can be shared"),
        (["--networks", "shared", "--engine", "ray"], 2, "leave --mode, --engine or it out."),
        (["--scores-only", "--dicom"], 2, "With --scores-only nothing but result.json is written"),
        (["--scores-only", "--report"], 2, "leave --maps, --report and --dicom out."),
        (["-o", "DATALIST"], 4, "is a file. Choose another name"),
        (["-o", "."], 4, "holds datalist.json, which is no part of a cohort run"),
    ],
)
def test_what_can_not_be_begun_is_said_and_writes_nothing(
    more: list[str], code: int, text: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Any
) -> None:
    monkeypatch.chdir(tmp_path)
    datalist = write_cohort(tmp_path, 1)
    torch.save(DensePositionNet(1).state_dict(), tmp_path / "other.pt")
    places = {"WEIGHTS": str(tmp_path / "other.pt"), "DATALIST": str(datalist)}
    before = sorted(path.name for path in tmp_path.iterdir())
    assert main(words(tmp_path, *(places.get(word, word) for word in more))) == code
    err = capsys.readouterr().err
    assert text in err
    assert err.count("\n") == 1
    assert sorted(path.name for path in tmp_path.iterdir()) == before


def test_width_and_patch_size_are_those_of_the_weights(tmp_path: Path) -> None:
    torch.save(DensePositionNet(2, 23, in_channels=2).state_dict(), tmp_path / "small.pt")
    write_cohort(tmp_path, 1)
    more = ["--weights", str(tmp_path / "small.pt"), "--scores-only"]
    args = parser_for(["cohort"]).parse_args(words(tmp_path, *more))
    args.config = []
    plan, facts = cohort.planned(args)
    assert (facts["network"]["width"], facts["network"]["patch_size"]) == (2, 23)
    assert facts["score"] == "raw_top_1_percent_mean", "the calibration that ships is not one of these weights"
    assert plan.values["postprocessing#transforms#6#_disabled_"] is True
    assert plan.values["handlers#2#maps"] == "none"
    assert plan.cache == tmp_path / "out" / "registered"
