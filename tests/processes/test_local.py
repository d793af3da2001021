"""Jobs in processes: each answered once, and what becomes of them when processes are killed, for real."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from engine_jobs import neighbours, square
from engine_waiting import begun, is_alive, jobs, wait_until

from scripts.processes.local import ATTEMPTS, Lost, in_processes

ROOT = Path(__file__).resolve().parents[2]


def test_workers_of_the_installed_command_find_the_package(tmp_path: Path) -> None:
    """The command knows `scripts` by its front alone, which processes that are started anew do not run."""
    code = (
        "from head_ct_position_anomaly.__main__ import provide_scripts; provide_scripts();"
        "from scripts.processes.local import in_processes; print(list(in_processes(abs, [-3], 1)))"
    )
    plain = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=tmp_path, env=plain)
    assert done.stdout == "[(-3, 3)]\n", done.stderr


def test_every_job_has_its_answer_once(tmp_path: Path) -> None:
    answers = list(in_processes(square, jobs(tmp_path, 7), 2))
    assert sorted(job["value"] for job, _ in answers) == list(range(7))
    for job, answer in answers:
        assert isinstance(answer, dict)
        assert answer["square"] == job["value"] ** 2
        assert answer["pid"] != os.getpid()
    assert sorted(begun(tmp_path)) == list(range(7))
    assert 1 <= len({answer["pid"] for _, answer in answers if isinstance(answer, dict)}) <= 2


def test_there_are_no_more_processes_than_jobs(tmp_path: Path) -> None:
    ((_, answer),) = in_processes(square, jobs(tmp_path, 1), 50)
    assert isinstance(answer, dict)
    assert list(in_processes(square, [], 2)) == []


def test_a_job_whose_worker_is_killed_is_done_again(tmp_path: Path) -> None:
    todo = jobs(tmp_path, 4)
    todo[1]["deaths"] = 1
    answers = {job["value"]: answer for job, answer in in_processes(square, todo, 2)}
    assert {value: answer["square"] for value, answer in answers.items() if isinstance(answer, dict)} == {
        0: 0,
        1: 1,
        2: 4,
        3: 9,
    }
    assert sorted(begun(tmp_path)) == [0, 1, 1, 2, 3], "only what was lost is repeated"


def test_a_job_that_kills_every_worker_is_lost_and_the_others_are_done(tmp_path: Path) -> None:
    todo = jobs(tmp_path, 3)
    todo[0]["deaths"] = 99
    answers = {job["value"]: answer for job, answer in in_processes(square, todo, 1)}
    assert answers[0] == Lost("Its process was killed by signal 9 in each of 3 attempts")
    assert begun(tmp_path).count(0) == ATTEMPTS == 3
    assert [answers[value]["square"] for value in (1, 2)] == [1, 4]  # type: ignore[index]


def test_the_last_attempt_has_the_memory_of_all_other_processes(tmp_path: Path) -> None:
    todo = jobs(tmp_path, 4, seconds=0.2)
    todo[0]["deaths"] = 2
    answers = {job["value"]: answer for job, answer in in_processes(neighbours, todo, 2)}
    assert sorted(answers) == [0, 1, 2, 3]
    assert (begun(tmp_path)[-1], answers[0]) == (0, [])
    assert any(answers[value] for value in (1, 2, 3)), "negative control: the others had neighbours"


def test_several_last_attempts_come_one_after_the_other(tmp_path: Path) -> None:
    todo = jobs(tmp_path, 4)
    for job in todo[:2]:
        job["deaths"] = ATTEMPTS - 1
    todo[2]["deaths"] = 99
    answers = {job["value"]: answer for job, answer in in_processes(neighbours, todo, 2)}
    assert (answers[0], answers[1]) == ([], [])
    assert answers[2] == Lost("Its process was killed by signal 9 in each of 3 attempts")
    assert isinstance(answers[3], list)


def test_what_a_job_raises_goes_on_and_ends_the_work(tmp_path: Path) -> None:
    todo = jobs(tmp_path, 4, seconds=0.05)
    todo[1]["error"] = True
    with pytest.raises(ValueError, match="1 is not to be squared"):
        list(in_processes(square, todo, 1))
    assert begun(tmp_path) == [0, 1]


def test_workers_end_with_the_iterator(tmp_path: Path) -> None:
    answers = in_processes(square, jobs(tmp_path, 4), 1)
    _, answer = next(answers)
    answers.close()
    assert isinstance(answer, dict)
    assert not is_alive(answer["pid"])


def test_workers_end_when_their_parent_is_killed(tmp_path: Path) -> None:
    code = (
        "import sys; from scripts.processes.local import in_processes; from engine_jobs import square\n"
        "jobs = [{'value': n, 'log': sys.argv[1], 'seconds': 60} for n in range(2)]\n"
        "if __name__ == '__main__': list(in_processes(square, jobs, 2))"
    )
    path = os.pathsep.join([str(ROOT / "bundle"), str(ROOT / "tests" / "support")])
    driver = subprocess.Popen(
        [sys.executable, "-c", code, str(tmp_path / "log")], env={**os.environ, "PYTHONPATH": path}
    )
    wait_until(lambda: (tmp_path / "log").exists() and len(begun(tmp_path)) == 2)
    pids = [int(line.split()[1]) for line in (tmp_path / "log").read_text().splitlines()]
    assert all(map(is_alive, pids))
    os.kill(driver.pid, signal.SIGKILL)
    driver.wait()
    wait_until(lambda: not any(map(is_alive, pids)))
