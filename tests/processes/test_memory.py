"""Memory as the system counts it: what is allocated shows, and what exceeds the budget is refused to this process."""

from __future__ import annotations

import ctypes
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from scripts.processes import memory
from scripts.processes import memory as process_memory
from scripts.processes.memory import MB, peak_bytes, resident_bytes, restart_peak

BUNDLE = Path(__file__).resolve().parents[2] / "bundle"
linux = pytest.mark.skipif(not process_memory.MACHINE.exists(), reason="the system does not tell of its memory")


def test_a_block_shows_while_it_is_held() -> None:
    before = resident_bytes()
    block = np.ones(64 * MB, np.uint8)
    assert 50 * MB < resident_bytes() - before < 80 * MB
    assert block.sum() == 64 * MB
    del block
    assert resident_bytes() - before < 20 * MB


@linux
def test_the_peak_begins_anew() -> None:
    block = np.ones(96 * MB, np.uint8)
    block.sum()
    del block
    before = resident_bytes()
    assert restart_peak()
    assert peak_bytes() - before < 40 * MB, "what was held before does not count"
    block = np.ones(64 * MB, np.uint8)
    block.sum()
    del block
    assert 50 * MB < peak_bytes() - before < 110 * MB, "what was held since does"


def test_another_system_tells_its_memory_through_psutil(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    linux = process_memory.available_bytes() if process_memory.MACHINE.exists() else None
    monkeypatch.setattr(process_memory, "PROCESS", tmp_path / "none")
    monkeypatch.setattr(process_memory, "MACHINE", tmp_path / "none")
    assert not restart_peak()
    assert peak_bytes() >= resident_bytes() > 10 * MB
    before = resident_bytes()
    block = np.ones(64 * MB, np.uint8)
    assert 50 * MB < resident_bytes() - before < 80 * MB
    assert block.sum() == 64 * MB
    if linux is not None:
        assert process_memory.available_bytes() == pytest.approx(linux, rel=0.5)
    assert process_memory.set_budget() is None


def test_the_peak_on_windows_is_that_of_its_working_set(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    class Windows:
        def memory_info(self) -> Any:
            return SimpleNamespace(rss=5 * MB, peak_wset=7 * MB)

    monkeypatch.setattr(process_memory, "PROCESS", tmp_path / "none")
    monkeypatch.setattr(process_memory, "_process", Windows)
    monkeypatch.setitem(sys.modules, "resource", None)
    assert peak_bytes() == 7 * MB


@linux
def test_a_budget_refuses_what_exceeds_it() -> None:
    """In a process of its own, since a limit can't be taken back."""
    code = (
        "import numpy as np; from scripts.processes import memory as m; m.available_bytes = lambda: 300 * m.MB\n"
        "assert m.set_budget() == 270 * m.MB\n"
        "np.ones(100 * m.MB, np.uint8)\n"
        "try:\n    np.ones(400 * m.MB, np.uint8)\n"
        "except MemoryError:\n    print('refused')"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=BUNDLE, capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["refused"]


@pytest.fixture
def unset(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    """No environment variable of glibc's memory is set."""
    for name in memory.USER_SETTINGS:
        monkeypatch.delenv(name, raising=False)
    return monkeypatch


class Library:
    """Records the calls of the C library."""

    def __init__(self) -> None:
        self.calls: list[tuple[int, ...]] = []

    def mallopt(self, parameter: int, value: int) -> int:
        self.calls.append((parameter, value))
        return 1

    def malloc_trim(self, pad: int) -> int:
        self.calls.append((pad,))
        return 1


def test_both_thresholds_are_raised(unset: pytest.MonkeyPatch) -> None:
    library = Library()
    unset.setattr(memory, "_c_library", lambda: library)
    assert memory.keep_large_blocks()
    memory.give_back_free_memory()
    assert library.calls == [(-3, 1 << 30), (-1, 1 << 30), (0,)]
    assert memory.return_large_blocks()
    assert library.calls[3:] == [(-3, 1 << 17), (-1, 1 << 17)]


@pytest.mark.parametrize("name", memory.USER_SETTINGS)
def test_what_the_user_has_set_stays(unset: pytest.MonkeyPatch, name: str) -> None:
    library = Library()
    unset.setattr(memory, "_c_library", lambda: library)
    unset.setenv(name, "1")
    assert not memory.keep_large_blocks()
    assert not memory.return_large_blocks()
    assert library.calls == []


def test_another_c_library_is_left_alone(unset: pytest.MonkeyPatch) -> None:
    def missing(name: str) -> None:
        raise OSError(name)

    unset.setattr(ctypes, "CDLL", missing)
    memory._c_library.cache_clear()
    assert not memory.keep_large_blocks()
    memory.give_back_free_memory()
    memory._c_library.cache_clear()
