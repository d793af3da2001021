"""`locks`: one at a time, whatever becomes of the processes, and no file is left."""

from __future__ import annotations

import errno
import os
import signal
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from filelock import lock_descriptor

from scripts.errors import OutputExists, OutputFailed
from scripts.files import locks
from scripts.files.locks import HELD, alone, lasting_lock, lock_file, locked

BUNDLE = Path(locks.__file__).parents[2]

HOLD = """
import sys
from pathlib import Path
from scripts.files.locks import locked
with locked(Path(sys.argv[1])):
    print("held", flush=True)
    sys.stdin.readline()
"""
"""A process that has a lock until it is told to end."""


def holder(place: Path) -> subprocess.Popen[str]:
    """Another process that has the lock of a place."""
    pipe = subprocess.PIPE
    process = subprocess.Popen([sys.executable, "-c", HOLD, str(place)], cwd=BUNDLE, stdin=pipe, stdout=pipe, text=True)
    assert process.stdout is not None
    assert process.stdout.readline() == "held\n"
    return process


def ended(process: subprocess.Popen[str]) -> int:
    process.communicate("\n", timeout=60)
    return process.returncode


def test_another_process_is_kept_out_until_the_first_one_ends(tmp_path: Path) -> None:
    process = holder(tmp_path / "out")
    with pytest.raises(BlockingIOError), locked(tmp_path / "out"):
        pytest.fail("both have it")
    with locked(tmp_path / "beside") as firm:
        assert firm
    assert ended(process) == 0
    assert list(tmp_path.iterdir()) == []
    with locked(tmp_path / "out"):
        assert [path.name for path in tmp_path.iterdir()] == [".out.lock"]
    assert list(tmp_path.iterdir()) == []


def test_the_lock_of_a_killed_process_is_free_and_its_file_goes(tmp_path: Path) -> None:
    process = holder(tmp_path / "out")
    process.kill()
    assert ended(process) == -signal.SIGKILL
    assert [path.name for path in tmp_path.iterdir()] == [".out.lock"]
    with locked(tmp_path / "out"):
        pass
    assert list(tmp_path.iterdir()) == []


def test_a_thread_may_take_it_twice_and_another_may_not(tmp_path: Path) -> None:
    def take() -> None:
        with locked(tmp_path / "out"):
            pytest.fail("two threads have it")

    with locked(tmp_path / "out"), locked(tmp_path / "out"):
        with ThreadPoolExecutor(1) as other, pytest.raises(BlockingIOError):
            other.submit(take).result()
        assert list(HELD.values()) == [True]
    assert HELD == {}


def test_folders_made_for_it_go_with_it_unless_they_are_used(tmp_path: Path) -> None:
    with locked(tmp_path / "a" / "b" / "out"):
        pass
    assert list(tmp_path.iterdir()) == []
    with locked(tmp_path / "a" / "b" / "out"):
        (tmp_path / "a" / "theirs").touch()
    assert [path.relative_to(tmp_path).as_posix() for path in tmp_path.rglob("*")] == ["a", "a/theirs"]


def test_a_file_that_was_removed_meanwhile_is_no_lock(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The lock of another process ended, and its file went, between opening and locking."""
    calls = []

    def late(descriptor: int, blocking: bool) -> bool:
        if not calls:
            (tmp_path / ".out.lock").unlink()
        calls.append(descriptor)
        return lock_descriptor(descriptor, blocking=blocking)

    monkeypatch.setattr(locks, "lock_descriptor", late)
    with locked(tmp_path / "out"):
        assert len(calls) == 2
        assert (tmp_path / ".out.lock").exists()
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("number", locks.WITHOUT_LOCKS)
def test_a_file_system_without_locks_keeps_nobody_out_and_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: int
) -> None:
    def fail(*_: object, **__: object) -> None:
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(locks, "lock_descriptor", fail)
    with locked(tmp_path / "out") as firm:
        assert not firm
    assert list(tmp_path.iterdir()) == []


def test_any_other_error_is_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object, **__: object) -> None:
        raise OSError(errno.EIO, "no")

    monkeypatch.setattr(locks, "lock_descriptor", fail)
    before = len(os.listdir("/proc/self/fd"))
    with pytest.raises(OSError, match="no"), locked(tmp_path / "new" / "out"):
        pytest.fail("it has no lock")
    assert len(os.listdir("/proc/self/fd")) == before
    with pytest.raises(FileExistsError), locked(Path("/dev/null/out")):
        pytest.fail("it has no place")


def test_who_does_not_get_a_lock_is_told_so_with_the_folder(tmp_path: Path) -> None:
    out, nowhere, taken = tmp_path / "out", Path("/dev/null/out"), "Another run works there."
    with alone(lock_file(out / ".lock"), out, taken) as firm:
        assert firm is True
        with pytest.raises(OutputExists, match=f"^{taken}$"), alone(lock_file(out / ".lock"), out, taken):
            pytest.fail("both have it")
        with (
            pytest.raises(OutputExists, match=f"Another process writes to {out}"),
            alone(lock_file(out / ".lock"), out),
        ):
            pytest.fail("both have it")
    said = "not written to /dev/null/out: Not a directory"
    with pytest.raises(OutputFailed, match=said), alone(lock_file(nowhere / ".lock"), nowhere, taken):
        pytest.fail("it has no place")


def test_an_error_inside_is_not_one_of_the_lock(tmp_path: Path) -> None:
    with pytest.raises(BlockingIOError, match="inner"), alone(locked(tmp_path / "out"), tmp_path, "Taken."):
        raise BlockingIOError(errno.EAGAIN, "inner")
    assert list(tmp_path.iterdir()) == []


def test_a_lasting_lock_is_that_of_its_children_too_and_its_file_stays(tmp_path: Path) -> None:
    path = tmp_path / "new" / ".lock"
    with lasting_lock(path) as descriptor:
        child = subprocess.Popen(["cat"], stdin=subprocess.PIPE, pass_fds=(descriptor,))
    with pytest.raises(BlockingIOError), lasting_lock(path):
        pytest.fail("the child has it")
    child.communicate(timeout=60)
    with lasting_lock(path):
        pass
    assert path.is_file()
