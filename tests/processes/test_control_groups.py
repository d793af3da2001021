"""Limits of control groups are found at every level and in both versions, in trees of files as Linux writes them."""

from __future__ import annotations

from pathlib import Path

import pytest

from scripts.processes import control_groups
from scripts.processes.control_groups import group_bytes

MIB = 2**20
UNLIMITED = 9223372036854771712
"""What version 1 writes where there is no limit."""


@pytest.fixture
def tree(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """An empty stand-in for /sys/fs/cgroup, beside the file that lists the groups of the process."""
    monkeypatch.setattr(control_groups, "OWN_GROUPS", tmp_path / "own")
    monkeypatch.setattr(control_groups, "TREES", tmp_path / "cgroup")
    return tmp_path / "cgroup"


def be_in(tree: Path, *lines: str) -> None:
    """Let the process be in these groups."""
    (tree.parent / "own").write_text("".join(f"{line}\n" for line in lines))


def limit(folder: Path, version: int, most: int | str, used: int) -> None:
    """Limit a group, which uses `used` bytes of its own, and twice as many for files."""
    folder.mkdir(parents=True, exist_ok=True)
    name, stat = {
        1: ("memory.limit_in_bytes", f"cache {2 * used}\nrss 7\ntotal_cache {2 * used}\ntotal_rss {used}\n"),
        2: ("memory.max", f"anon {used}\nfile {2 * used}\n"),
    }[version]
    (folder / name).write_text(f"{most}\n")
    (folder / "memory.stat").write_text(stat)


def test_version_2_at_the_top(tree: Path) -> None:
    be_in(tree, "0::/")
    assert group_bytes() is None, "nothing there"
    limit(tree, 2, 100 * MIB, 30 * MIB)
    assert group_bytes() == 70 * MIB, "files in memory can be given back"
    limit(tree, 2, "max", 30 * MIB)
    assert group_bytes() is None


def test_version_2_below_the_top(tree: Path) -> None:
    be_in(tree, "0::/batch.slice/job_7/step_0")
    limit(tree / "batch.slice/job_7/step_0", 2, "max", 10 * MIB)
    assert group_bytes() is None
    limit(tree / "batch.slice/job_7", 2, 500 * MIB, 40 * MIB)
    assert group_bytes() == 460 * MIB, "a parent's"
    limit(tree / "batch.slice", 2, 600 * MIB, 590 * MIB)
    assert group_bytes() == 10 * MIB, "the tightest counts, which need not be the smallest limit"
    limit(tree / "batch.slice/job_8", 2, MIB, 0)
    assert group_bytes() == 10 * MIB, "a neighbour's does not count"


def test_version_1(tree: Path) -> None:
    be_in(tree, "11:cpu,cpuacct:/other", "4:memory:/docker/abc", "0::/")
    limit(tree / "memory", 1, UNLIMITED, 900 * MIB)
    limit(tree / "memory/docker/abc", 1, UNLIMITED, 30 * MIB)
    limit(tree / "memory/other", 1, MIB, 0)
    assert group_bytes() is None
    limit(tree / "memory/docker", 1, 300 * MIB, 50 * MIB)
    assert group_bytes() == 250 * MIB
    limit(tree / "memory/docker/abc", 1, 100 * MIB, 30 * MIB)
    assert group_bytes() == 70 * MIB


def test_a_path_outside_of_what_the_container_sees(tree: Path) -> None:
    limit(tree / "memory", 1, 100 * MIB, 30 * MIB)
    be_in(tree, "4:memory:/docker/of_the_host")
    assert group_bytes() == 70 * MIB, "version 1: the top is the container's own"
    be_in(tree, "4:memory:/../../beside")
    assert group_bytes() == 70 * MIB
    limit(tree / "unified", 2, 80 * MIB, 30 * MIB)
    be_in(tree, "0::/../beside")
    assert group_bytes() == 50 * MIB, "version 2 beside version 1"


def test_files_that_say_nothing_limit_nothing(tree: Path) -> None:
    assert group_bytes() is None, "no list of groups"
    be_in(tree, "", "nonsense", "0::/group")
    limit(tree / "group", 2, "something else", 0)
    assert group_bytes() is None
    limit(tree / "group", 2, MIB, 0)
    (tree / "group" / "memory.stat").write_text("file 5\n")
    assert group_bytes() is None
