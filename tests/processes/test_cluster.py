"""Jobs on a Ray cluster on the loopback interface: answers as in processes, also when workers are killed.

That a node is killed, test_cohort.py has.
"""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest
from engine_jobs import square
from engine_waiting import begun, jobs, processes

from scripts.errors import WrongUsage
from scripts.processes import cluster as ray_tasks
from scripts.processes.cluster import imported_ray, on_cluster
from scripts.processes.local import Lost, in_processes

pytestmark = [
    pytest.mark.xdist_group("ray"),
    pytest.mark.skipif(find_spec("ray") is None, reason="the extra [cluster] is not installed"),
]

TESTS = Path(__file__).resolve().parents[1] / "support"


@pytest.fixture(autouse=True)
def findable(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nodes find the jobs' function."""
    monkeypatch.setenv("PYTHONPATH", str(TESTS))
    monkeypatch.setenv("OMP_NUM_THREADS", "1")


@pytest.fixture
def cluster() -> Iterator[Any]:
    """A head that does no work; nodes are to be added."""
    imported_ray("127.0.0.1")
    from ray.cluster_utils import Cluster

    made = Cluster(initialize_head=True, head_node_args={"num_cpus": 0, "include_dashboard": False})
    yield made
    made.shutdown()


def test_the_same_answers_as_in_processes_also_when_workers_die(tmp_path: Path) -> None:
    todo = jobs(tmp_path, 4)
    todo[1]["deaths"] = 1
    todo[3]["deaths"] = 99
    answers = {job["value"]: answer for job, answer in on_cluster(square, todo, 2, None)}
    assert begun(tmp_path).count(1) == 2
    assert begun(tmp_path).count(3) == 3
    assert all(begun(tmp_path).count(value) == 1 for value in (0, 2)), "nothing that is done is repeated"
    lost = answers.pop(3)
    assert isinstance(lost, Lost)
    assert lost.reason.startswith("Ray could not have it done in 3 attempts (WorkerCrashedError)")
    here = {job["value"]: answer for job, answer in in_processes(square, jobs(tmp_path, 3), 1)}
    for value, answer in answers.items():
        assert isinstance(answer, dict)
        assert {**answer, "pid": 0} == {**here[value], "pid": 0}, value  # type: ignore[dict-item]


def test_a_process_with_a_gpu_takes_one_job_after_the_other(cluster: Any, tmp_path: Path) -> None:
    cluster.add_node(num_cpus=1, num_gpus=1)
    todo = jobs(tmp_path, 4)
    answers = [answer for _, answer in on_cluster(square, todo, None, cluster.address, gpu=None)]
    assert len(answers) == 4
    assert len(set(processes(tmp_path))) == 1, "what it has loaded stays"


def test_a_cluster_of_our_own_listens_to_this_machine_only_and_what_a_job_raises_goes_on(tmp_path: Path) -> None:
    todo = jobs(tmp_path, 3)
    todo[1]["error"] = True
    before = listening()
    answers = on_cluster(square, todo, 1, None)
    next(answers)
    opened = listening() - before
    assert len(opened) > 3
    assert {address for address in opened if not address.startswith(("127.0.0.1:", "::ffff:127.0.0.1:"))} == set()
    with pytest.raises(ValueError, match="1 is not to be squared"):
        list(answers)


def listening() -> set[str]:
    """Addresses and ports that are listened to on this machine."""
    found = set()
    for name in ("tcp", "tcp6"):
        for line in (Path("/proc/net") / name).read_text().splitlines()[1:]:
            local, state = line.split()[1], line.split()[3]
            if state == "0A":
                host, port = local.split(":")
                found.add(f"{address_of(host)}:{int(port, 16)}")
    return found


def address_of(text: str) -> str:
    """An address as the kernel writes it, in words of four bytes whose order is the machine's."""
    four = [".".join(str(byte) for byte in bytes.fromhex(text[i : i + 8])[::-1]) for i in range(0, len(text), 8)]
    if len(four) == 1:
        return four[0]
    mapped = text.startswith("0000000000000000") and text[16:24] in ("0000FFFF", "FFFF0000")
    return f"::ffff:{four[3]}" if mapped else text


def test_a_cluster_that_does_not_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    class Silent:
        @staticmethod
        def init(**words: Any) -> None:
            raise ConnectionError("nobody\nis there")

    monkeypatch.setattr(ray_tasks, "imported_ray", lambda address: Silent)
    with pytest.raises(WrongUsage, match=r"No Ray cluster answers at 127.0.0.1:1 \(nobody is there\)\. Check --addr"):
        next(on_cluster(square, [{}], 1, "127.0.0.1:1"))


def test_without_ray_there_is_a_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "ray", None)
    with pytest.raises(WrongUsage, match=r"pip install 'head-ct-position-anomaly\[cluster\]'"):
        next(on_cluster(square, [{}], 1, None))


def test_ray_is_imported_when_it_is_needed_only() -> None:
    code = "import sys, scripts.processes.cluster, scripts.processes.local; print('ray' in sys.modules)"
    bundle = TESTS.parents[1] / "bundle"
    done = subprocess.run([sys.executable, "-c", code], cwd=bundle, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"
